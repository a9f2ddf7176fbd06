// Who holds how much memory of which kind: the books behind vram.h and buffer.h.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <string_view>

#include "core/base/result.h"
#include "core/base/view.h"
#include "kernels/runtime/memory_source.h"

namespace kigo::kernels {

/// What device memory is for.
enum class Purpose : uint8_t { weights, kv, activations, workspace };
inline constexpr int kPurposes = static_cast<int>(Purpose::workspace) + 1;

std::string_view name(Purpose purpose);  // "weights"

/// Keeps the sums equal to what is allocated: every allocation and release passes here. Safe to use from
/// several threads. Buffers and the tracker share it, so the order in which they end does not matter.
class Ledger {
 public:
  explicit Ledger(MemorySource source) : source_(std::move(source)) {}
  Ledger(const Ledger&) = delete;
  Ledger& operator=(const Ledger&) = delete;

  /// bytes >= 1. Errors: those of the source, with the subject and the sums; then nothing was counted.
  Result<std::byte*> take(Space space, Purpose purpose, int64_t bytes, std::string_view subject);
  void give_back(Space space, std::byte* data);

  int64_t device_bytes(Purpose purpose) const;
  int64_t device_bytes() const;
  int64_t peak_device_bytes() const;
  int64_t pinned_bytes() const;

  /// Errors: those of the source for the first buffer that is not in device memory.
  Status check_residency() const;
  Result<int64_t> available_bytes() const { return source_.available_bytes(); }

 private:
  struct Entry {
    Purpose purpose;
    int64_t bytes;
  };
  const Allocator& allocator(Space space) const {
    return space == Space::Device ? source_.device : source_.pinned;
  }
  int64_t sum_of_device() const;

  MemorySource source_;
  mutable std::mutex mutex_;
  std::map<std::byte*, Entry> device_;
  std::map<std::byte*, Entry> pinned_;
  std::array<int64_t, kPurposes> device_sums_{};
  int64_t pinned_sum_ = 0;
  int64_t peak_ = 0;
};

}  // namespace kigo::kernels
