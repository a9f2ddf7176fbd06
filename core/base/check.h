// KIGO_CHECK: for our own mistakes only. Nothing that input can cause may reach it.
#pragma once

namespace kigo::detail {
[[noreturn]] void check_failed(const char* condition, const char* file, int line);
}

/// Ends the process with file and line when the condition is false; on in every build.
#define KIGO_CHECK(condition) \
  ((condition) ? void(0) : ::kigo::detail::check_failed(#condition, __FILE__, __LINE__))
