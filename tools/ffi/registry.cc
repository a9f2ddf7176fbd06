#include "tools/ffi/registry.h"

#include <array>
#include <string_view>

#include "core/base/cat.h"

namespace kigo::ffi {
namespace {

constexpr uintptr_t kKindBits = 3;
constexpr uintptr_t kKindMask = (uintptr_t{1} << kKindBits) - 1;

std::string_view name_of(Kind kind) {
  constexpr std::array<std::string_view, 6> kNames{"nothing",       "CudaContext",     "CudaModel",
                                                   "GpuPointerMap", "InferenceResult", "InferenceContext"};
  return kNames[static_cast<size_t>(kind)];
}

}  // namespace

Registry& Registry::instance() {
  static Registry* const registry = new Registry;  // never destroyed: threads may call while the process ends
  return *registry;
}

uintptr_t Registry::add(Kind kind, std::shared_ptr<void> object) {
  const std::lock_guard lock(mutex_);
  const uintptr_t handle = next_ << kKindBits | static_cast<uintptr_t>(kind);
  objects_.emplace(handle, std::move(object));
  ++next_;
  return handle;
}

Result<std::shared_ptr<void>> Registry::get(Kind kind, uintptr_t handle, bool remove) {
  const std::string subject = cat(name_of(kind), " handle");
  if (handle == 0) return fail(Code::invalid_request, subject, "NULL", "a living one");
  const std::lock_guard lock(mutex_);
  const auto at = objects_.find(handle);
  if (at == objects_.end())
    return fail(Code::invalid_request, subject, "freed, or never a handle", "a living one");
  if ((handle & kKindMask) != static_cast<uintptr_t>(kind))
    return fail(Code::invalid_request, subject, cat("a ", name_of(static_cast<Kind>(handle & kKindMask))),
                cat("a ", name_of(kind)));
  std::shared_ptr<void> object = at->second;
  if (remove) objects_.erase(at);
  return object;
}

}  // namespace kigo::ffi
