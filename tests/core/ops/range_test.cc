// Sizes that a kernel's int does not hold are refused by the contract, before anything is launched: the last
// row of docs/gguf.md, section 5. Device views need no memory behind them.
#include <gtest/gtest.h>

#include "core/ops/argmax.h"
#include "core/ops/top_k.h"

namespace kigo::ops {
namespace {

constexpr int64_t kTooWide = int64_t{1} << 31;

TEST(LaunchSize, RefusesAWidthAboveTheLargestInt) {
  float* const nowhere = reinterpret_cast<float*>(uintptr_t{4096});
  uint32_t* const ids = reinterpret_cast<uint32_t*>(uintptr_t{8192});
  const auto with_width = [&](int64_t width) {
    return check(Argmax<float, Space::Device>{.x = {nowhere, {1, width}}, .ids = {ids, {1}}});
  };
  EXPECT_TRUE(with_width(kTooWide - 1));
  const Status refused = with_width(kTooWide);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "argmax.width: 2147483648, expected 1 to 2147483647 (unsupported)");
}

TEST(LaunchSize, RefusesATopKAboveTheLargestInt) {
  double* const nowhere = reinterpret_cast<double*>(uintptr_t{4096});
  const auto with_k = [&](int64_t k) {
    return check(
        TopK<Space::Device>{.x = {nowhere, {1, 8}}, .y = {nowhere, {1, 8}}, .workspace = {}, .k = k});
  };
  EXPECT_TRUE(with_k(kTooWide - 1));
  EXPECT_EQ(with_k(kTooWide).error().subject, "top_k.k");
}

}  // namespace
}  // namespace kigo::ops
