// Errors at the boundary: what a call returns, the thread's last failure, and the wall that no exception
// passes.
#pragma once

#include <cstdint>
#include <exception>
#include <new>
#include <string>
#include <tl/expected.hpp>
#include <utility>

#include "core/base/result.h"
#include "core/base/worker_error.h"

namespace kigo::ffi {

/// An error by the boundary's own code.
struct Failure {
  WorkerError code;
  std::string message;

  Failure(WorkerError code_, std::string message_) : code(code_), message(std::move(message_)) {}
  /// Of a running call: worker_error(); a request's text that is refused for what it is counts as invalid.
  Failure(const Error& error);  // NOLINT: KIGO_TRY returns it
  /// Of opening a device or a model: start_error().
  static Failure at_start(const Error& error);
};

/// A T or a Failure; an Error becomes one by itself, so that KIGO_TRY and KIGO_ASSIGN work within.
template <class T>
using Outcome = tl::expected<T, Failure>;

inline tl::unexpected<Failure> refuse(WorkerError code, std::string message) {
  return tl::unexpected<Failure>(Failure(code, std::move(message)));
}

/// Remembers the failure for the thread; never throws.
int remember(const Failure& failure) noexcept;
int last_error() noexcept;
const char* last_error_message() noexcept;

/// Runs `body`, which returns an Outcome<T>; on a failure, or an exception, `otherwise`. *err, where there is
/// one, gets the code.
template <class T, class Body>
T value_of(T otherwise, int* err, Body&& body) noexcept {
  int code = static_cast<int>(WorkerError::internal);
  try {
    Outcome<T> outcome = body();
    if (outcome) {
      if (err != nullptr) *err = 0;
      return std::move(*outcome);
    }
    code = remember(outcome.error());
  } catch (const std::bad_alloc&) {
    code = remember({WorkerError::vram_oom, {}});
  } catch (...) {
    code = remember({WorkerError::internal, {}});
  }
  if (err != nullptr) *err = code;
  return otherwise;
}

/// The same for a body that returns Outcome<void>: the code, 0 on success.
template <class Body>
int code_of(Body&& body) noexcept {
  int code = 0;
  (void)value_of<bool>(false, &code, [&]() -> Outcome<bool> {
    Outcome<void> outcome = body();
    if (!outcome) return tl::unexpected<Failure>(std::move(outcome.error()));
    return true;
  });
  return code;
}

}  // namespace kigo::ffi

/// KIGO_TRY for an Outcome.
#define FFI_TRY(expression)                                                        \
  do {                                                                             \
    if (auto ffi_outcome = (expression); !ffi_outcome)                             \
      return tl::unexpected<::kigo::ffi::Failure>(std::move(ffi_outcome.error())); \
  } while (false)
