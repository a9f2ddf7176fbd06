// Each pattern of damage gets the words that point at its cause.
#include "core/compare/damage.h"

#include <gtest/gtest.h>

#include <functional>

#include "core/base/random.h"

namespace kigo::compare {
namespace {

using Kind = Damage::Kind;
using Where = std::function<bool(const std::vector<int64_t>&)>;

Damage damage(const std::vector<int64_t>& shape, const Where& wrong, std::vector<std::string> axes = {}) {
  DamageMap map(shape, std::move(axes));
  int64_t size = 1;
  for (const int64_t n : shape) size *= n;
  for (int64_t flat = 0; flat < size; ++flat) {
    if (wrong(coordinates(flat, shape))) map.add(flat);
  }
  return map.describe();
}

void expect(const Damage& got, Kind kind, const std::string& text) {
  EXPECT_EQ(name(got.kind), name(kind)) << got.text;
  EXPECT_EQ(got.text, text);
}

TEST(Damage, IsNoneWithoutWrongElements) {
  const Damage none = damage({4, 5}, [](auto&) { return false; });
  expect(none, Kind::none, "");
  EXPECT_EQ(none.elements, 20);
}
TEST(Damage, NamesOneElement) {
  const Damage one = damage({4, 5}, [](auto& at) { return at[0] == 2 && at[1] == 3; });
  expect(one, Kind::one_element, "one element");
  EXPECT_EQ(one.ranges, "rows 2..2, columns 3..3");
}
TEST(Damage, NamesTheWholeTensor) {
  expect(damage({4, 5}, [](auto&) { return true; }), Kind::whole_tensor, "whole tensor");
  expect(damage({4, 5}, [](auto& at) { return at[0] != at[1]; }), Kind::whole_tensor,
         "whole tensor (16 of 20 elements there)");
}
TEST(Damage, NamesOneRowAndOneColumn) {
  expect(damage({4, 5}, [](auto& at) { return at[0] == 2; }), Kind::block, "row 2");
  expect(damage({4, 5}, [](auto& at) { return at[1] == 0; }), Kind::block, "column 0");
}
TEST(Damage, NamesOneHead) {
  expect(damage({5, 14, 64}, [](auto& at) { return at[1] == 9; }), Kind::block, "head 9");
  expect(damage({5, 14, 64}, [](auto& at) { return at[1] == 9 && at[0] == 1; }), Kind::block,
         "token 1, head 9");
}
TEST(Damage, ListsHeadsWithoutARule) {  // F33: the heads that read another kv head
  const Where wrong = [](auto& at) { return at[1] % 2 != at[1] / 7; };
  expect(damage({3, 14, 64}, wrong), Kind::block, "heads 1 3 5 8 10 12 of 14");
}
TEST(Damage, NamesEvery32ndColumn) {
  expect(damage({3, 100}, [](auto& at) { return at[1] % 32 == 31; }), Kind::block,
         "every 32nd column from 31");
}
TEST(Damage, NamesEverySecondHead) {
  expect(damage({3, 8, 16}, [](auto& at) { return at[1] % 2 == 1; }), Kind::block, "every 2nd head from 1");
}
TEST(Damage, NamesEvery32ndElementAcrossRows) {
  const Where wrong = [](auto& at) { return (at[0] * 70 + at[1]) % 32 == 0; };
  expect(damage({9, 70}, wrong), Kind::flat_every, "every 32nd element from flat index 0");
}
TEST(Damage, NamesTheLastPartialTile) {  // F18
  expect(damage({3, 70}, [](auto& at) { return at[1] >= 64; }), Kind::block,
         "columns 64..69 (the last partial tile of 8, 16, 32, 64)");
  expect(damage({3, 33}, [](auto& at) { return at[1] >= 32; }), Kind::block,
         "columns 32..32 (the last partial tile of 8, 16, 32)");
}
TEST(Damage, NamesPositionsFromOneOn) {  // F24 and F25: position 0 is right
  expect(damage({9, 4, 16}, [](auto& at) { return at[0] >= 1; }), Kind::block, "tokens from 1 on");
}
TEST(Damage, NamesColumnsFromOneOn) {  // F21: from 896 = 7 * 128 on, of 4864 = 38 * 128
  expect(damage({2, 4864}, [](auto& at) { return at[1] >= 896; }), Kind::block, "columns from 896 on");
}
TEST(Damage, NamesABeginningAndAMiddle) {
  expect(damage({8, 5}, [](auto& at) { return at[0] <= 2; }), Kind::block, "rows up to 2");
  expect(damage({8, 5}, [](auto& at) { return at[0] >= 2 && at[0] <= 4; }), Kind::block, "rows 2..4");
}
TEST(Damage, NamesATailThatBeginsInsideARow) {  // a grid that is too small
  const Where wrong = [](auto& at) { return at[0] * 50 + at[1] >= 217; };
  expect(damage({6, 50}, wrong), Kind::flat_from, "all elements from flat index 217 on");
}
TEST(Damage, SaysScatteredWhereThereIsNoPattern) {
  Random random(3);
  const Damage noise = damage({40, 50}, [&](auto&) { return random.below(100) == 0; });
  EXPECT_EQ(noise.kind, Kind::scattered);
  EXPECT_EQ(noise.text, "scattered, " + std::to_string(noise.wrong) + " of 2000");
}
TEST(Damage, TakesNamesForItsAxes) {
  const Damage named = damage({4, 5}, [](auto& at) { return at[0] == 2; }, {"position", "logit"});
  expect(named, Kind::block, "position 2");
  EXPECT_EQ(named.ranges, "positions 2..2, logits 0..4");
}
TEST(Damage, TakesFourAxesWithoutNames) {
  EXPECT_EQ(damage({2, 2, 2, 2}, [](auto& at) { return at[3] == 1; }).text, "index of axis 3 1");
}

TEST(Coordinates, CountTheLastAxisFastest) {
  EXPECT_EQ(coordinates(51, std::vector<int64_t>{3, 4, 8}), (std::vector<int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace kigo::compare
