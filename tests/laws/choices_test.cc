#include "tests/support/choices.h"

#include <gtest/gtest.h>

namespace kigo::test {
namespace {

TEST(Choices, ReplayWhatWasDrawn) {
  Choices drawn(7);
  const int64_t a = drawn(1, 1000), b = drawn(-5, 5);
  Choices again(drawn.taken());
  EXPECT_EQ(again(1, 1000), a);
  EXPECT_EQ(again(-5, 5), b);
}
TEST(Choices, StayInTheRangeThatIsAskedFor) {
  Choices choices(std::vector<int64_t>{100, -3});
  EXPECT_EQ(choices(0, 9), 9);
  EXPECT_EQ(choices(2, 9), 2);
  EXPECT_EQ(choices(4, 9), 4) << "the lowest, where nothing is left";
}
TEST(Choices, ShrinkToTheSmallestFailingCase) {
  // Fails from 37 on, whatever the second number.
  const Fails fails = [](const std::vector<int64_t>& given) -> std::optional<std::vector<int64_t>> {
    Choices choices(given);
    const int64_t size = choices(1, 1000);
    choices(3, 9);
    return size >= 37 ? std::optional(choices.taken()) : std::nullopt;
  };
  EXPECT_EQ(shrunk({900, 8}, fails, 1000), (std::vector<int64_t>{37, 3}));
}
TEST(Choices, ShrinkNoFurtherThanTheBudget) {
  int asked = 0;
  const Fails passes = [&](const std::vector<int64_t>&) { return ++asked, std::nullopt; };
  EXPECT_EQ(shrunk({1 << 20, 1 << 20}, passes, 3), (std::vector<int64_t>{1 << 20, 1 << 20}));
  EXPECT_EQ(asked, 3);
}
TEST(Choices, AreReadBackFromText) {
  EXPECT_EQ(choices_of(text_of({3, 0, -17})), (std::vector<int64_t>{3, 0, -17}));
  EXPECT_EQ(choices_of("3,x"), std::nullopt);
  EXPECT_EQ(choices_of("3,"), std::nullopt);
}

}  // namespace
}  // namespace kigo::test
