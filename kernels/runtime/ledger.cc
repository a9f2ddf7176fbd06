#include "kernels/runtime/ledger.h"

#include <algorithm>
#include <numeric>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::kernels {

std::string_view name(Purpose purpose) {
  static constexpr std::array<std::string_view, kPurposes> kNames{"weights", "kv", "activations",
                                                                  "workspace"};
  return kNames[static_cast<size_t>(purpose)];
}

Result<std::byte*> Ledger::take(Space space, Purpose purpose, int64_t bytes, std::string_view subject) {
  KIGO_CHECK(bytes >= 1);
  Result<std::byte*> data = allocator(space).allocate(bytes);
  if (!data) {
    Error error = data.error();
    error.subject = std::string(subject);
    if (error.code == Code::out_of_memory) {
      error.expected = cat(bytes, " bytes of ", space == Space::Device ? name(purpose) : "pinned memory",
                           " beside the ", device_bytes(), " bytes of device memory and ", pinned_bytes(),
                           " bytes of pinned memory already held");
    }
    return tl::unexpected<Error>(std::move(error));
  }
  const std::lock_guard lock(mutex_);
  (space == Space::Device ? device_ : pinned_)[*data] = {purpose, bytes};
  if (space == Space::Device) {
    device_sums_[static_cast<size_t>(purpose)] += bytes;
    peak_ = std::max(peak_, sum_of_device());
  } else {
    pinned_sum_ += bytes;
  }
  return *data;
}

void Ledger::give_back(Space space, std::byte* data) {
  {
    const std::lock_guard lock(mutex_);
    auto& entries = space == Space::Device ? device_ : pinned_;
    const auto at = entries.find(data);
    KIGO_CHECK(at != entries.end());
    int64_t& sum =
        space == Space::Device ? device_sums_[static_cast<size_t>(at->second.purpose)] : pinned_sum_;
    sum -= at->second.bytes;
    entries.erase(at);  // before the release: the address may be handed out again at once
  }
  allocator(space).release(data);
}

int64_t Ledger::sum_of_device() const {
  return std::accumulate(device_sums_.begin(), device_sums_.end(), int64_t{0});
}

int64_t Ledger::device_bytes(Purpose purpose) const {
  const std::lock_guard lock(mutex_);
  return device_sums_[static_cast<size_t>(purpose)];
}

int64_t Ledger::device_bytes() const {
  const std::lock_guard lock(mutex_);
  return sum_of_device();
}

int64_t Ledger::peak_device_bytes() const {
  const std::lock_guard lock(mutex_);
  return peak_;
}

int64_t Ledger::pinned_bytes() const {
  const std::lock_guard lock(mutex_);
  return pinned_sum_;
}

Status Ledger::check_residency() const {
  const std::lock_guard lock(mutex_);
  for (const auto& [data, entry] : device_) {
    if (const Status status = source_.check_resident(data); !status) {
      Error error = status.error();
      error.subject = cat(name(entry.purpose), " buffer of ", entry.bytes, " bytes");
      return tl::unexpected<Error>(std::move(error));
    }
  }
  return {};
}

}  // namespace kigo::kernels
