#include "reference/kv_append.h"

#include <gtest/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

/// Two pages of the sequence in a pool of three; one KV head of two dimensions.
struct KvAppend : testing::Test {
  std::vector<float> keys = std::vector<float>(3 * 16 * 2, -1);
  std::vector<float> values = std::vector<float>(3 * 16 * 2, -1);
  std::vector<int32_t> table = {2, 0};
  std::vector<int64_t> positions = {17, 3};
  Grid<double> k{2, 2, {1, 2, /**/ 3, 4}};
  Grid<double> v{2, 2, {5, 6, /**/ 7, 8}};
  ops::KvAppend<double, float, Space::Host> op{
      .k = k.heads(1),
      .v = v.heads(1),
      .positions = test::row_view(positions),
      .cache = {{keys.data(), {3, 1, 16, 2}}, {values.data(), {3, 1, 16, 2}}, {table.data(), {2}}}};
  std::string refusal() { return test::message(reference::kv_append<double, float>(op)); }
};

TEST_F(KvAppend, WorkedExample) {
  ASSERT_EQ(refusal(), "accepted");
  // Position 17 is row 1 of the second page, which is pool page 0: elements 2 and 3.
  // Position 3 is row 3 of the first page, which is pool page 2: elements 2 * 32 + 6 and 7.
  std::vector<float> want_keys(96, -1), want_values(96, -1);
  want_keys[2] = 1, want_keys[3] = 2, want_keys[70] = 3, want_keys[71] = 4;
  want_values[2] = 5, want_values[3] = 6, want_values[70] = 7, want_values[71] = 8;
  EXPECT_EQ(keys, want_keys);
  EXPECT_EQ(values, want_values);
}

TEST_F(KvAppend, RoundsOnceToTheTypeOfTheCache) {
  std::vector<f16> halves(3 * 16 * 2), others(3 * 16 * 2);
  k(1, 0) = 1 + 0x1p-11 + 0x1p-40;  // a float in between would make it a tie, and the tie goes down
  ASSERT_TRUE((reference::kv_append<double, f16>(
      {.k = op.k,
       .v = op.v,
       .positions = op.positions,
       .cache = {{halves.data(), {3, 1, 16, 2}}, {others.data(), {3, 1, 16, 2}}, op.cache.table}})));
  EXPECT_EQ(halves[70], (f16{0x3C01}));
  EXPECT_EQ(halves[71], to_f16(4));
}

TEST_F(KvAppend, NamesAPositionWithoutAPage) {
  positions[0] = 32;
  EXPECT_EQ(refusal(), "kv_append.positions: 32, expected 0 to 31 (unsupported)");
}
TEST_F(KvAppend, NamesAPageThatThePoolDoesNotHave) {
  table[1] = 3;
  EXPECT_EQ(refusal(), "kv_append.table: 3, expected 0 to 2 (unsupported)");
}
TEST_F(KvAppend, NamesPagesOfAnotherSize) {
  op.cache.v.shape[2] = 15;
  EXPECT_EQ(refusal(), "kv_append.cache.v: shape [3, 1, 15, 2], expected [3, 1, 16, 2] (bad_shape)");
}

}  // namespace
}  // namespace kigo
