// What a test says that needs a GPU, and what it works with there.
#pragma once

#include <gtest/gtest.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "core/base/check.h"
#include "kernels/runtime/context.h"

namespace kigo::test {

/// Empty with a usable device, else why there is none.
inline std::string why_no_gpu() {
  const Result<int> devices = kernels::device_count();
  if (!devices) return "no CUDA device (" + devices.error().message() + ")";
  return *devices > 0 ? "" : "no CUDA device";
}

/// KIGO_REQUIRE_GPU=1: on a machine that has a GPU a test that does not run is a failure (ci/gpu).
inline bool gpu_is_required() {
  const char* value = std::getenv("KIGO_REQUIRE_GPU");
  return value != nullptr && std::string_view(value) == "1";
}

/// A context that the test could create; only behind KIGO_NEEDS_GPU().
inline kernels::Context make_context(kernels::MemorySource memory = kernels::cuda_memory()) {
  Result<kernels::Context> context = kernels::Context::create(0, std::move(memory));
  if (!context) ADD_FAILURE() << context.error().message();
  KIGO_CHECK(context.has_value());
  return std::move(*context);
}

}  // namespace kigo::test

/// The first line of a test that needs a GPU. Without one the test is skipped as NOT RUN, and counted; where
/// one is required it fails.
#define KIGO_NEEDS_GPU()                                                                  \
  do {                                                                                    \
    if (const std::string kigo_why = ::kigo::test::why_no_gpu(); !kigo_why.empty()) {     \
      if (::kigo::test::gpu_is_required()) FAIL() << kigo_why << ", and one is required"; \
      GTEST_SKIP() << "NOT RUN: " << kigo_why;                                            \
    }                                                                                     \
  } while (false)
