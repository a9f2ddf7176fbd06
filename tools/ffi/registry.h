// The living handles. A handle is a number in a pointer's clothes, never given twice: nothing is looked at
// through it, so that any pointer can be told from a handle, and a dead one from all that live.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "core/base/result.h"

namespace kigo::ffi {

/// Kinds of handles, in the lowest bits of each.
enum class Kind : uintptr_t { context = 1, model, pointer_map, generation, session };

class Registry {
 public:
  /// The one there is; lives until the process ends.
  static Registry& instance();

  template <class T>
  typename T::Handle* add(std::shared_ptr<T> object) {
    return reinterpret_cast<typename T::Handle*>(add(T::kKind, std::move(object)));
  }
  /// Errors: invalid_request for NULL, a dead handle, and one of another kind.
  template <class T>
  Result<std::shared_ptr<T>> find(const typename T::Handle* handle) {
    KIGO_ASSIGN(auto object, get(T::kKind, reinterpret_cast<uintptr_t>(handle), false));
    return std::static_pointer_cast<T>(std::move(object));
  }
  /// The same, and from now on it is dead.
  template <class T>
  Result<std::shared_ptr<T>> remove(const typename T::Handle* handle) {
    KIGO_ASSIGN(auto object, get(T::kKind, reinterpret_cast<uintptr_t>(handle), true));
    return std::static_pointer_cast<T>(std::move(object));
  }

 private:
  uintptr_t add(Kind kind, std::shared_ptr<void> object);
  Result<std::shared_ptr<void>> get(Kind kind, uintptr_t handle, bool remove);

  std::mutex mutex_;
  uintptr_t next_ = 1;
  std::unordered_map<uintptr_t, std::shared_ptr<void>> objects_;
};

}  // namespace kigo::ffi
