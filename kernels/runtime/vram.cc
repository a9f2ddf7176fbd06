#include "kernels/runtime/vram.h"

namespace kigo::kernels {
namespace {

Status check_size(int64_t bytes, std::string_view subject) {
  if (bytes >= 0) return {};
  return fail(Code::bad_shape, std::string(subject), cat(bytes, " bytes"), "at least 0");
}

}  // namespace

Result<DeviceBuffer> Vram::allocate(Purpose purpose, int64_t bytes, std::string_view subject) {
  KIGO_TRY(check_size(bytes, subject));
  if (bytes == 0) return DeviceBuffer{};
  KIGO_ASSIGN(std::byte* const data, ledger_->take(Space::Device, purpose, bytes, subject));
  return DeviceBuffer(ledger_, data, bytes, purpose);
}

Result<PinnedBuffer> Vram::allocate_pinned(int64_t bytes, std::string_view subject) {
  KIGO_TRY(check_size(bytes, subject));
  if (bytes == 0) return PinnedBuffer{};
  KIGO_ASSIGN(std::byte* const data, ledger_->take(Space::Host, Purpose::workspace, bytes, subject));
  return PinnedBuffer(ledger_, data, bytes, Purpose::workspace);
}

Status Vram::require(const std::vector<Need>& needs) const {
  int64_t required = 0;
  std::string parts;
  for (const Need& need : needs) {
    // Saturates: a need that overflows is refused as the largest there is.
    if (__builtin_add_overflow(required, need.bytes, &required))
      required = std::numeric_limits<int64_t>::max();
    parts +=
        cat(parts.empty() ? "" : ", ", name(need.purpose), ' ', grouped(static_cast<uint64_t>(need.bytes)));
  }
  KIGO_ASSIGN(const int64_t available, available_bytes());
  if (required <= available) return {};
  return fail(Code::out_of_memory, "device memory",
              cat(grouped(static_cast<uint64_t>(available)), " bytes available"),
              cat(grouped(static_cast<uint64_t>(required)), " bytes required: ", parts));
}

}  // namespace kigo::kernels
