// The tracker of device memory: every buffer comes from here, counted by what it is for.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/ledger.h"
#include "kernels/runtime/memory_source.h"

namespace kigo::kernels {

/// So much memory for such a purpose.
struct Need {
  Purpose purpose;
  int64_t bytes;
};

/// Hands out buffers and knows the sum of the requested bytes of those that live, by purpose. What the driver
/// rounds up to is not counted: that is the machine's affair and differs between them. Safe to use from
/// several threads; moving it leaves all buffers valid, and buffers may outlive it.
class Vram {
 public:
  explicit Vram(MemorySource source) : ledger_(std::make_shared<Ledger>(std::move(source))) {}

  /// Memory with any contents, aligned to 256 bytes; 0 bytes give an empty buffer. `subject` names it in
  /// errors: "kv pages". Errors: out_of_memory with the bytes asked for and held; bad_shape below 0 bytes;
  /// cuda.
  Result<DeviceBuffer> allocate(Purpose purpose, int64_t bytes, std::string_view subject);
  Result<PinnedBuffer> allocate_pinned(int64_t bytes, std::string_view subject);

  /// The same for `count` elements. Errors: also bad_shape when the bytes do not fit 63 bits.
  template <class T>
  Result<DeviceArray<T>> array(Purpose purpose, int64_t count, std::string_view subject) {
    if (count > std::numeric_limits<int64_t>::max() / static_cast<int64_t>(sizeof(T)))
      return fail(Code::bad_shape, std::string(subject), cat(count, " elements"), "fewer than 2^63 bytes");
    KIGO_ASSIGN(DeviceBuffer buffer, allocate(purpose, count * static_cast<int64_t>(sizeof(T)), subject));
    return DeviceArray<T>(std::move(buffer), count);
  }

  int64_t bytes(Purpose purpose) const { return ledger_->device_bytes(purpose); }
  int64_t total_bytes() const { return ledger_->device_bytes(); }
  int64_t peak_bytes() const { return ledger_->peak_device_bytes(); }
  /// Pinned host memory; not part of the sums above.
  int64_t pinned_bytes() const { return ledger_->pinned_bytes(); }

  /// What the device has free now. Errors: cuda.
  Result<int64_t> available_bytes() const { return ledger_->available_bytes(); }

  /// That all needs together fit into the free memory: asked before loading, not found out in the middle of
  /// it. Errors: out_of_memory with what is required, by purpose, and what is available.
  Status require(const std::vector<Need>& needs) const;

  /// That every buffer still lies in device memory. Errors: cuda, naming the buffer.
  Status check_residency() const { return ledger_->check_residency(); }

 private:
  std::shared_ptr<Ledger> ledger_;
};

}  // namespace kigo::kernels
