// rmsnorm by hand: numbers that anyone can check, a row far from the first, and a width that no thread count
// divides.
#include "kernels/rmsnorm.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/runtime/copy.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

TEST(GpuRmsNorm, WorkedExample) {
  KIGO_NEEDS_GPU();
  Context context = test::make_context();
  auto x = context.vram().array<float>(Purpose::activations, 3, "x");
  auto weight = context.vram().array<float>(Purpose::weights, 3, "weight");
  ASSERT_TRUE(x && weight);
  ASSERT_TRUE(upload_and_wait<float>(x->view(), std::vector<float>{1, -2, 2}, context.stream()));
  ASSERT_TRUE(upload_and_wait<float>(weight->view(), std::vector<float>{2, 1, 4}, context.stream()));
  const View<float, 2, Space::Device> rows{x->data(), {1, 3}};
  ASSERT_TRUE(
      rmsnorm<float>({.x = rows, .weight = {weight->data(), {3}}, .y = rows, .eps = 1}, context.stream()));
  const auto y = download_and_wait<float>(x->view(), context.stream());
  ASSERT_TRUE(y) << y.error().message();
  // The mean of 1, 4 and 4 is 3; with eps the root is 2.
  EXPECT_FLOAT_EQ((*y)[0], 1);
  EXPECT_FLOAT_EQ((*y)[1], -1);
  EXPECT_FLOAT_EQ((*y)[2], 4);
}

TEST(GpuRmsNorm, FindsARowBeyondTwoToThe31Elements) {
  KIGO_NEEDS_GPU();
  constexpr int64_t kWidth = 8, kStride = int64_t{1} << 31;
  Context context = test::make_context();
  auto x = context.vram().array<f16>(Purpose::activations, kStride + kWidth, "x");
  auto weight = context.vram().array<float>(Purpose::weights, kWidth, "weight");
  auto y = context.vram().array<f16>(Purpose::activations, 2 * kWidth, "y");
  ASSERT_TRUE(x && weight && y) << "4 GiB of GPU memory are needed";
  const auto put = [&](int64_t at, float value) {
    const std::vector<f16> row(kWidth, to_f16(value));
    return upload_and_wait<f16>({x->data() + at, {kWidth}}, row, context.stream());
  };
  ASSERT_TRUE(put(0, 1));
  ASSERT_TRUE(put(kStride, -3));
  ASSERT_TRUE(upload_and_wait<float>(weight->view(), std::vector<float>(kWidth, 2.0f), context.stream()));
  ASSERT_TRUE(rmsnorm<f16>({.x = {x->data(), {2, kWidth}, {kStride, 1}},
                            .weight = {weight->data(), {kWidth}},
                            .y = {y->data(), {2, kWidth}},
                            .eps = 0},
                           context.stream()));
  const auto got = download_and_wait<f16>(y->view(), context.stream());
  ASSERT_TRUE(got) << got.error().message();
  EXPECT_EQ(to_float((*got)[0]), 2) << "of 1, whose sign it has";
  EXPECT_EQ(to_float((*got)[kWidth]), -2) << "of -3";
}

}  // namespace
}  // namespace kigo::kernels
