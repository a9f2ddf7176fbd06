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
  EXPECT_EQ(none.wrong, 0);
  EXPECT_EQ(none.first, 0);
  EXPECT_EQ(none.last, 0);
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
TEST(Damage, CountsInEnglish) {
  const std::pair<int64_t, const char*> cases[] = {
      {2, "2nd"},   {3, "3rd"},   {4, "4th"},     {11, "11th"},   {12, "12th"},   {13, "13th"},
      {20, "20th"}, {21, "21st"}, {101, "101st"}, {111, "111th"}, {112, "112th"}, {122, "122nd"}};
  for (const auto& [step, text] : cases) {
    const Where wrong = [step = step](auto& at) { return at[1] % step == 0; };
    expect(damage({2, 3 * step}, wrong), Kind::block, "every " + std::string(text) + " column from 0");
  }
}
TEST(Damage, ListsSixteenIndicesWithoutARuleAndCountsTheRest) {
  const auto of = [](int64_t wrong) {  // 0 1 3 4 6 7 ...
    return damage({2, 40}, [&](auto& at) { return at[1] % 3 != 2 && at[1] < wrong / 2 * 3 + wrong % 2; })
        .text;
  };
  EXPECT_EQ(of(16), "columns 0 1 3 4 6 7 9 10 12 13 15 16 18 19 21 22 of 40");
  EXPECT_EQ(of(17), "columns 0 1 3 4 6 7 9 10 12 13 15 16 18 19 21 22 ... (17) of 40");
}
TEST(Damage, SeesNoStepBetweenTwoIndicesNorWhereOneIsLeftOut) {
  expect(damage({2, 8}, [](auto& at) { return at[1] == 1 || at[1] == 4; }), Kind::block, "columns 1 4 of 8");
  expect(damage({2, 8}, [](auto& at) { return at[1] == 0 || at[1] == 2 || at[1] == 6; }), Kind::block,
         "columns 0 2 6 of 8");
}

/// Whether an element with this flat index is wrong, of a tensor with rows of 7 or 70.
Damage flat_damage(std::vector<int64_t> shape, const std::function<bool(int64_t)>& wrong) {
  return damage(shape, [&](auto& at) { return wrong(at[0] * shape[1] + at[1]); });
}
TEST(Damage, NamesAStepAcrossRowsFromThreeElementsAndFromTwoOn) {
  expect(flat_damage({3, 70}, [](int64_t flat) { return flat % 100 == 5; }), Kind::flat_every,
         "every 100th element from flat index 5");
  expect(flat_damage({2, 70}, [](int64_t flat) { return flat % 100 == 5; }), Kind::scattered,
         "scattered, 2 of 140");
  expect(flat_damage({3, 7}, [](int64_t flat) { return flat % 2 == 0; }), Kind::flat_every,
         "every 2nd element from flat index 0");
  expect(flat_damage({3, 7}, [](int64_t flat) { return flat == 0 || flat == 8 || flat == 20; }),
         Kind::scattered, "scattered, 3 of 21");
}
TEST(Damage, IsABlockWhereMoreThanHalfOfItIsWrong) {
  const auto from_three_to = [](int64_t last) {
    return flat_damage({3, 7}, [=](int64_t flat) { return flat >= 3 && flat <= last; });
  };
  expect(from_three_to(9), Kind::scattered, "scattered, 7 of 21");  // half of rows 0 and 1
  expect(from_three_to(10), Kind::block, "rows up to 1 (8 of 14 elements there)");
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
TEST(Damage, KnowsTilesOfEightToOneThousandAndTwentyFour) {
  for (int64_t tile = 8; tile <= 1024; tile *= 2) {
    const int64_t size = tile + tile / 2;
    const std::string n = std::to_string(tile);
    expect(damage({2, size}, [&](auto& at) { return at[1] >= tile; }), Kind::block,
           "columns " + n + ".." + std::to_string(size - 1) + " (the last partial tile of " + n + ")");
  }
  expect(damage({2, 3072}, [](auto& at) { return at[1] >= 2048; }), Kind::block, "columns from 2048 on");
}
TEST(Damage, SeesAPartialTileOnlyWhereAllOfTheLastAxisFromItsStartIsWrong) {
  expect(damage({70, 3}, [](auto& at) { return at[0] >= 64; }), Kind::block, "rows from 64 on");
  expect(damage({3, 70}, [](auto& at) { return at[1] >= 64 && at[1] <= 66; }), Kind::block, "columns 64..66");
  expect(damage({3, 70}, [](auto& at) { return at[1] == 64 || at[1] == 66 || at[1] == 69; }), Kind::block,
         "columns 64 66 69 of 70");
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
  EXPECT_EQ(axis_names(4, {}), (std::vector<std::string>{"index of axis 0", "index of axis 1",
                                                         "index of axis 2", "index of axis 3"}));
  EXPECT_EQ(damage({2, 2, 2, 2}, [](auto& at) { return at[3] == 1; }).text, "index of axis 3 1");
}

TEST(Coordinates, CountTheLastAxisFastest) {
  EXPECT_EQ(coordinates(51, std::vector<int64_t>{3, 4, 8}), (std::vector<int64_t>{1, 2, 3}));
}

}  // namespace
}  // namespace kigo::compare
