// Where the kernels of pairs run: in the memory of this process, or on a device. The laws that only look at
// what a kernel leaves behind are written once for both.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tests/pairs/any_pair.h"
#include "tests/support/canary.h"

namespace kigo::test {

/// What the outputs of a case hold, in the order of pairs::Outputs.
struct Held {
  std::vector<std::vector<std::byte>> bits;  // dense
  pairs::Outputs values;                     // the same, widened
  std::vector<Trespass> trespasses;
};

/// Reads one tensor's buffer after a run into what is held.
void take(const Image& image, std::span<const std::byte> after, Held& held);

/// The tensors of a case where a kernel can reach them, each in a buffer of its own, between canaries.
class Setup {
 public:
  virtual ~Setup() = default;
  /// Brings every buffer back to what it held before the first run. Errors: cuda.
  virtual Status reset() = 0;
  /// Runs the kernel of `one`, whose tensors these are. Errors: those of the kernel.
  virtual Status run(const pairs::AnyCase& one) = 0;
  /// What the kernel has left, after waiting for it. Errors: cuda.
  virtual Result<Held> read() = 0;
};

class Machine {
 public:
  virtual ~Machine() = default;
  /// "host", "cuda": for reports.
  virtual std::string_view name() const = 0;
  /// Whether the pair has a kernel for this machine.
  virtual bool can_run(const pairs::AnyPair& pair) const = 0;
  /// The tensors must outlive the setup. Errors: out_of_memory, cuda.
  virtual Result<std::unique_ptr<Setup>> set_up(std::span<const pairs::Tensor> tensors,
                                                const Layout& layout) const = 0;
};

/// Runs host_kernel() of the cases.
const Machine& host_machine();

/// Lays out the tensors, runs the kernel once and reads everything back.
Result<Held> run_kernel(const pairs::AnyCase& one, std::span<const pairs::Tensor> tensors,
                        const Layout& layout, const Machine& machine);

}  // namespace kigo::test
