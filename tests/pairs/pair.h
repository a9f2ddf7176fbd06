// A pair: one description of a kernel, its plain twin and everything that is known about comparing them. The
// laws (tests/laws), the benchmark (bench/ops_bench) and the tools read the same struct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/check.h"
#include "core/base/half.h"
#include "core/base/result.h"
#include "core/base/view.h"

namespace kigo::pairs {

enum class Type : uint8_t { f32, f64, f16, bf16, u32, i32, i64, u64, bytes };

enum class Part : uint8_t {
  in,       // read only
  out,      // written throughout
  inout,    // given, and changed in places
  scratch,  // a kernel's workspace: contents are nobody's business
  host,     // for the reference only, never on the device: blocks as they lie in a file
};

/// A dense tensor on the host, as a case needs it.
struct Tensor {
  std::string name;
  Part part = Part::in;
  Type type = Type::f32;
  std::vector<int64_t> shape;   // slowest axis first
  std::vector<std::byte> data;  // of in, inout and host: the elements, little endian
  bool padded = true;  // rows may lie apart and start at any element; false: dense, aligned to 256 bytes

  int64_t elements() const;
};

/// Where a tensor lies while a kernel runs.
struct Placed {
  std::byte* data = nullptr;  // in device memory; of host_kernel() in the host's
  Type type = Type::f32;
  std::vector<int64_t> shape;
  std::vector<int64_t> stride;

  /// T must be the element type of `type`, const or not; S says whose memory it is.
  template <class T, int Rank, Space S = Space::Device>
  View<T, Rank, S> view() const {
    KIGO_CHECK(shape.size() == static_cast<size_t>(Rank));
    View<T, Rank, S> view;
    view.data = reinterpret_cast<T*>(data);
    for (size_t axis = 0; axis < static_cast<size_t>(Rank); ++axis) {
      view.shape[axis] = shape[axis];
      view.stride[axis] = stride[axis];
    }
    return view;
  }
};

/// Values of every out and inout tensor, in their order, widened.
using Outputs = std::vector<std::vector<double>>;

/// A wrong twin that the comparison must reject in at least one of the pair's edges.
template <class Case>
struct Mutant {
  std::string name;  // "drops the last term of the sum"
  std::function<Result<Outputs>(const Case&, std::span<const Tensor>)> run;
};

/// Something about an argument that the contract leaves open, so that changing it is no mistake.
struct Free {
  enum class What : uint8_t { size, stride, pointer };
  std::string tensor;
  What what = What::size;
  int64_t axis = 0;    // of size and stride
  std::string reason;  // "a longer table has room for more positions"
};

/// A case beyond 2^31 bytes or elements that needs no twin of that size: the tensors named in `repeated` are
/// those of `tile`, `repeats` times one after another along axis 0, and so must be the outputs among them.
/// The others are the same in both.
template <class Case>
struct Huge {
  Case tile;
  Case whole;
  int64_t repeats = 1;
  std::vector<std::string> repeated;
};

/// What a kernel has to move and to compute at least, for shares of the hardware's limits.
struct Cost {
  /// Every element that must be read, once, and every one that is written, once: ids, positions and numbers
  /// of pages too, workspaces not. Rows that ids name twice count twice.
  double bytes = 0;
  /// Of the formula: sums, products, comparisons, exponentials and roots, one each; two a weight where
  /// decoding is all there is. Of a matrix product two a weight and token, and nothing for what is fused to
  /// it.
  double flops = 0;
};

/// Where arbitrary() takes its choices from: low <= result <= high.
using Draw = std::function<int64_t(int64_t low, int64_t high)>;

/// A size from 1 to limit (at least 1), mostly where kernels break: 1, a warp or a vector or a power of two
/// plus or minus one, primes, both sides of each of the given dispatch boundaries, and now and then anything.
int64_t draw_size(const Draw& draw, int64_t limit, std::span<const int64_t> boundaries = {});

/// All that a pair must have. A missing member is a compile error that names it.
///
///   name()        "linear_q4_k": unique, used in test and benchmark names
///   Case          shape, scale and seed; never the data
///   arbitrary     draws a case; edges: cases that once broke or may; bench: shapes of real models
///   text          the case in one line, with all that is needed to repeat it
///   arguments     every tensor of the case, in the order in which kernel() takes those that are not
///   Part::host reference     the truth: sums in double on the decoded weights, not rounded to the output's
///   type bound         per output and element how far a result may be from the truth, derived in a comment;
///   an empty
///                 vector asks for equal values
///   kernel        one launch (or more, of one op) on the stream
///   mutants, cost
///
/// What a pair may have besides (pairs/any_pair.h reads it):
///   host_kernel(c, placed)  the kernel as plain C++, for memory of the host; `kernel` may then be missing
///   huge()        std::vector<Huge<Case>>, run on large devices only
///   free()        std::vector<Free>, the sizes, strides and pointers that the contract leaves open
///   never_empty   std::string_view, why no case of this op has an empty output ("one token, always")
///   non_finite    compare::NonFinite, as_wanted where NaN and infinity belong to the contract
template <class P>
concept CompletePair = requires(const typename P::Case& c, const Draw& draw, std::span<const Tensor> tensors,
                                std::span<const Placed> placed, const Outputs& truth) {
  { P::name() } -> std::convertible_to<std::string>;
  { P::arbitrary(draw) } -> std::same_as<typename P::Case>;
  { P::edges() } -> std::same_as<std::vector<typename P::Case>>;
  { P::bench() } -> std::same_as<std::vector<typename P::Case>>;
  { P::text(c) } -> std::same_as<std::string>;
  { P::arguments(c) } -> std::same_as<std::vector<Tensor>>;
  { P::reference(c, tensors) } -> std::same_as<Result<Outputs>>;
  { P::bound(c, tensors, truth) } -> std::same_as<Outputs>;
  { P::mutants() } -> std::same_as<std::vector<Mutant<typename P::Case>>>;
  { P::cost(c) } -> std::same_as<Cost>;
  // kernel(c, placed, stream) -> Status is asked for where the kernels are built: pairs/any_pair.h
};

/// The pairs of one op, for every element type or format: tests/pairs/kv_append.h ends with
/// `using KvAppendPairs = PairList<KvAppend<float>, KvAppend<f16>>;`, named after the file, from which the
/// list of all pairs is generated. `quant::FormatList::into` applies a template to the formats.
template <CompletePair... Pairs>
struct PairList {};

}  // namespace kigo::pairs
