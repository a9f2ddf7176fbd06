// A pair and its cases without their types, so that laws, benchmarks and tools are compiled once for all of
// them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/compare/close.h"
#include "kernels/runtime/stream.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// One case of a pair; the members are those of the pair, with the case filled in.
class AnyCase {
 public:
  virtual ~AnyCase() = default;
  virtual std::string text() const = 0;
  virtual std::vector<Tensor> arguments() const = 0;
  virtual Result<Outputs> reference(std::span<const Tensor> tensors) const = 0;
  virtual Outputs bound(std::span<const Tensor> tensors, const Outputs& truth) const = 0;
  virtual Result<Outputs> mutant(size_t index, std::span<const Tensor> tensors) const = 0;
  virtual Cost cost() const = 0;
  /// The same case with data drawn from another seed; null where the case has none.
  virtual std::shared_ptr<const AnyCase> reseeded(uint64_t seed) const = 0;
  /// On tensors in the host's memory. Errors: unsupported, when the pair has no host_kernel; its own.
  virtual Status host_kernel(std::span<const Placed> placed) const = 0;
#if KIGO_CUDA
  /// Errors: unsupported, when the pair has a host_kernel only; its own.
  virtual Status kernel(std::span<const Placed> placed, kernels::Stream stream) const = 0;
#endif
};
using CasePtr = std::shared_ptr<const AnyCase>;

/// pair.h's Huge without its type.
struct AnyHuge {
  CasePtr tile;
  CasePtr whole;
  int64_t repeats = 1;
  std::vector<std::string> repeated;
};

class AnyPair {
 public:
  virtual ~AnyPair() = default;
  virtual std::string name() const = 0;
  virtual bool runs_on_host() const = 0;    // has a host_kernel
  virtual bool runs_on_device() const = 0;  // has a kernel, and this build has CUDA
  virtual CasePtr arbitrary(const Draw& draw) const = 0;
  virtual std::vector<CasePtr> edges() const = 0;
  virtual std::vector<CasePtr> bench() const = 0;
  virtual std::vector<AnyHuge> huge() const = 0;
  virtual std::vector<std::string> mutants() const = 0;
  virtual std::vector<Free> free() const = 0;
  virtual std::string never_empty() const = 0;  // empty: the op takes empty cases
  virtual compare::NonFinite non_finite() const = 0;
};
using PairPtr = std::shared_ptr<const AnyPair>;

/// Every pair of every op in core/ops/list.cmake, in its order.
const std::vector<PairPtr>& all_pairs();

/// Part::in, inout, out and scratch: what kernel() is given, in order.
std::vector<const Tensor*> placed_tensors(std::span<const Tensor> tensors);
/// Part::out and inout: what Outputs hold, in order.
std::vector<const Tensor*> outputs_of(std::span<const Tensor> tensors);

/// Whether the case is empty: no output has an element, and what is given stays as it was.
bool writes_nothing(const AnyCase& one);

/// Compares the outputs of a kernel or mutant, already rounded to their types, with the truth: one report for
/// every output. `replay` is the line that runs the case again; `before`, what the outputs held before the
/// run, names what was never written.
std::vector<compare::Report> judge(const AnyPair& pair, const AnyCase& one, std::span<const Tensor> tensors,
                                   const Outputs& truth, const Outputs& got, const std::string& replay,
                                   const Outputs& before = {});

namespace detail {

template <class P>
concept HostPair = requires(const typename P::Case& c, std::span<const Placed> placed) {
  { P::host_kernel(c, placed) } -> std::same_as<Status>;
};
template <class P>
concept DevicePair =
    requires(const typename P::Case& c, std::span<const Placed> placed, kernels::Stream stream) {
      { P::kernel(c, placed, stream) } -> std::same_as<Status>;
    };

template <class P>
class CaseOf final : public AnyCase {
 public:
  explicit CaseOf(typename P::Case c) : case_(std::move(c)) {}
  std::string text() const override { return P::text(case_); }
  std::vector<Tensor> arguments() const override { return P::arguments(case_); }
  Result<Outputs> reference(std::span<const Tensor> tensors) const override {
    return P::reference(case_, tensors);
  }
  Outputs bound(std::span<const Tensor> tensors, const Outputs& truth) const override {
    return P::bound(case_, tensors, truth);
  }
  Result<Outputs> mutant(size_t index, std::span<const Tensor> tensors) const override {
    return P::mutants().at(index).run(case_, tensors);
  }
  Cost cost() const override { return P::cost(case_); }
  CasePtr reseeded(uint64_t seed) const override {
    if constexpr (requires(typename P::Case c) { c.seed = seed; }) {
      typename P::Case other = case_;
      other.seed = seed;
      return std::make_shared<CaseOf>(std::move(other));
    }
    return nullptr;
  }
  Status host_kernel(std::span<const Placed> placed) const override {
    if constexpr (HostPair<P>) return P::host_kernel(case_, placed);
    return fail(Code::unsupported, P::name(), "no host_kernel", "a kernel in plain C++");
  }
#if KIGO_CUDA
  Status kernel(std::span<const Placed> placed, kernels::Stream stream) const override {
    if constexpr (DevicePair<P>) return P::kernel(case_, placed, stream);
    return fail(Code::unsupported, P::name(), "a host_kernel only", "a kernel for a GPU");
  }
#endif

 private:
  typename P::Case case_;
};

template <CompletePair P>
class PairOf final : public AnyPair {
 public:
  static_assert(HostPair<P> || DevicePair<P>,
                "a pair needs kernel(c, placed, stream) or host_kernel(c, placed)");

  std::string name() const override { return P::name(); }
  bool runs_on_host() const override { return HostPair<P>; }
#if KIGO_CUDA
  bool runs_on_device() const override { return DevicePair<P>; }
#else
  bool runs_on_device() const override { return false; }
#endif
  CasePtr arbitrary(const Draw& draw) const override { return erased(P::arbitrary(draw)); }
  std::vector<CasePtr> edges() const override { return erased(P::edges()); }
  std::vector<CasePtr> bench() const override { return erased(P::bench()); }
  std::vector<AnyHuge> huge() const override {
    std::vector<AnyHuge> out;
    if constexpr (requires { P::huge(); }) {
      for (const Huge<typename P::Case>& one : P::huge())
        out.push_back({erased(one.tile), erased(one.whole), one.repeats, one.repeated});
    }
    return out;
  }
  std::vector<std::string> mutants() const override {
    std::vector<std::string> names;
    for (const auto& mutant : P::mutants()) names.push_back(mutant.name);
    return names;
  }
  std::vector<Free> free() const override {
    if constexpr (requires { P::free(); }) return P::free();
    return {};
  }
  std::string never_empty() const override {
    if constexpr (requires { P::never_empty; }) return std::string(P::never_empty);
    return {};
  }
  compare::NonFinite non_finite() const override {
    if constexpr (requires { P::non_finite; }) return P::non_finite;
    return compare::NonFinite::refuse;
  }

 private:
  static CasePtr erased(typename P::Case c) { return std::make_shared<CaseOf<P>>(std::move(c)); }
  static std::vector<CasePtr> erased(const std::vector<typename P::Case>& cases) {
    std::vector<CasePtr> out;
    for (const auto& c : cases) out.push_back(erased(c));
    return out;
  }
};

}  // namespace detail

/// The pairs of a list, without their types.
template <class... Pairs>
std::vector<PairPtr> erased(PairList<Pairs...>) {
  return {std::make_shared<detail::PairOf<Pairs>>()...};
}

}  // namespace kigo::pairs
