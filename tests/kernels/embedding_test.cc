// What the twin refuses and the kernel cannot: an id beyond the table, met on the device.
#include "kernels/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "kernels/runtime/copy.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

TEST(GpuEmbedding, AnIdBeyondTheTableGivesNaNAndReadsNothing) {
  KIGO_NEEDS_GPU();
  Context context = test::make_context();
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};  // 2 rows of 3
  const std::vector<uint32_t> chosen = {1, 2, 0xFFFFFFFFu, 0};
  auto table = context.vram().array<float>(Purpose::weights, 6, "table");
  auto ids = context.vram().array<uint32_t>(Purpose::activations, 4, "ids");
  auto y = context.vram().array<float>(Purpose::activations, 12, "y");
  ASSERT_TRUE(table && ids && y);
  ASSERT_TRUE(upload_and_wait<float>({table->data(), {6}}, values, context.stream()));
  ASSERT_TRUE(upload_and_wait<uint32_t>({ids->data(), {4}}, chosen, context.stream()));
  ASSERT_TRUE(embedding<float>(
      {.ids = {ids->data(), {4}},
       .table = {reinterpret_cast<const std::byte*>(table->data()), quant::find_tensor_type("F32"), 2, 3},
       .y = {y->data(), {4, 3}}},
      context.stream()));
  const auto got = download_and_wait<float>({y->data(), {12}}, context.stream());
  ASSERT_TRUE(got) << got.error().message();
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*got)[i], values[3 + i]);
    EXPECT_TRUE(std::isnan((*got)[3 + i]));
    EXPECT_TRUE(std::isnan((*got)[6 + i]));
    EXPECT_EQ((*got)[9 + i], values[i]);
  }
}

}  // namespace
}  // namespace kigo::kernels
