// Which kernel linear() chooses, and that a token's bits do not depend on its company.
#include "kernels/linear.h"

#include <gtest/gtest.h>

#include <cstring>
#include <span>
#include <vector>

#include "core/base/random.h"
#include "core/ops/packing.h"
#include "kernels/runtime/copy.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

TEST(Linear, ChoosesByRisingNumbersOfTokensUpToAny) {
  const std::span<const LinearChoice> choices = linear_choices();
  ASSERT_EQ(choices.size(), 2u);
  EXPECT_EQ(choices[0].kernel, "linear_rows");
  EXPECT_EQ(choices[0].most_tokens, kLinearRowsTokens);
  EXPECT_EQ(choices[1].kernel, "linear_tiles");
  EXPECT_EQ(choices[1].most_tokens, INT64_MAX);
}

/// 8500 rows of 3 blocks of Q8_0 with d = 1/64, and up to 100 tokens: enough for the wide thread blocks of
/// linear_tiles, while 9 to 64 tokens take the narrow ones.
class GpuLinearBits : public testing::Test {
 protected:
  static constexpr int64_t kRows = 8500, kCols = 96, kTokens = 100;

  void SetUp() override { KIGO_NEEDS_GPU(); }

  /// y of tokens [first, first + count), as one call gives it.
  std::vector<float> run(int64_t first, int64_t count) {
    Context context = test::make_context();
    const quant::TensorType& type = *quant::find_tensor_type("Q8_0");
    const std::vector<std::byte> w = packed(type);
    const std::vector<float> x = activations();
    auto device_w = context.vram().array<std::byte>(Purpose::weights, static_cast<int64_t>(w.size()), "w");
    auto device_x = context.vram().array<float>(Purpose::activations, kTokens * kCols, "x");
    auto device_y = context.vram().array<float>(Purpose::activations, count * kRows, "y");
    if (!device_w || !device_x || !device_y) return {};
    EXPECT_TRUE(upload_and_wait<std::byte>(device_w->view(), w, context.stream()));
    EXPECT_TRUE(upload_and_wait<float>(device_x->view(), x, context.stream()));
    EXPECT_TRUE(linear({.x = {device_x->data() + first * kCols, {count, kCols}},
                        .w = {device_w->data(), &type, kRows, kCols},
                        .bias = {},
                        .y = {device_y->data(), {count, kRows}}},
                       context.stream(), Overlap::none));
    const auto y = download_and_wait<float>(device_y->view(), context.stream());
    EXPECT_TRUE(y);
    return y ? *y : std::vector<float>();
  }

  /// The rows of tokens [first, first + count) of all kTokens.
  static std::vector<float> part(const std::vector<float>& y, int64_t first, int64_t count) {
    return {y.begin() + first * kRows, y.begin() + (first + count) * kRows};
  }

 private:
  static std::vector<std::byte> packed(const quant::TensorType& type) {
    std::vector<std::byte> bytes(static_cast<size_t>(ops::packed_bytes(type, kRows, kCols)));
    Random random(1);
    for (std::byte& byte : bytes) byte = static_cast<std::byte>(random.below(256));
    const uint16_t d = 0x2400;  // 2^-6
    for (size_t at = static_cast<size_t>(ops::plane_offset(type, kRows, kCols, 1)); at < bytes.size();
         at += 2)
      std::memcpy(bytes.data() + at, &d, 2);
    return bytes;
  }
  static std::vector<float> activations() {
    Random random(2);
    std::vector<float> x(static_cast<size_t>(kTokens * kCols));
    for (float& value : x) value = static_cast<float>(random.normal());
    return x;
  }
};

TEST_F(GpuLinearBits, AreTheSameForAnyChunksOfAPromptBeyondTheBoundary) {
  const std::vector<float> all = run(0, kTokens);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(run(0, 9), part(all, 0, 9));
  EXPECT_EQ(run(9, 64), part(all, 9, 64));
  EXPECT_EQ(run(73, 27), part(all, 73, 27));
}

TEST_F(GpuLinearBits, AreTheSameForAnyFewTokens) {
  const std::vector<float> eight = run(3, kLinearRowsTokens);
  ASSERT_FALSE(eight.empty());
  for (int64_t t = 0; t < kLinearRowsTokens; ++t) EXPECT_EQ(run(3 + t, 1), part(eight, t, 1)) << t;
  EXPECT_EQ(run(5, 3), part(eight, 2, 3));
}

}  // namespace
}  // namespace kigo::kernels
