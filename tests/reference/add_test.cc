#include "reference/add.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "tests/reference/support.h"

namespace kigo {
namespace {

using test::Grid;

template <class T>
Grid<T> sum_of(Grid<T> a, Grid<T> b) {
  Grid<T> y(a.rows(), a.width());
  const Status status = reference::add<T>({.a = a.view(), .b = b.view(), .y = y.view()});
  EXPECT_TRUE(status) << test::message(status);
  return y;
}

TEST(Add, WorkedExample) {
  const Grid<double> y = sum_of<double>({2, 2, {1, 2, 3, 4}, 1}, {2, 2, {10, -20, 0.5, -4}, 3});
  EXPECT_EQ(y.dense(), (std::vector<double>{11, -18, 3.5, 0}));
}

TEST(Add, RoundsTheExactSumOnce) {
  const Grid<float> y = sum_of<float>({1, 1, {0x1p24}}, {1, 1, {3}});
  EXPECT_EQ(y(0, 0), 0x1p24f + 4);  // 2^24 + 3 lies between 2^24 + 2 and 2^24 + 4: the even one
}

TEST(Add, MayWriteOverEitherInput) {
  Grid<double> a = Grid<double>::random(2, 5, 1);
  Grid<double> b = Grid<double>::random(2, 5, 2);
  const Grid<double> want = sum_of(a, b);
  Grid<double> a_again = a;
  ASSERT_TRUE(reference::add<double>({.a = a.view(), .b = b.view(), .y = a.view()}));
  ASSERT_TRUE(reference::add<double>({.a = a_again.view(), .b = b.view(), .y = b.view()}));
  EXPECT_EQ(a.dense(), want.dense());
  EXPECT_EQ(b.dense(), want.dense());
}

RC_GTEST_PROP(Add, DoesNotCareWhichComesFirst, ()) {
  const auto seed = *rc::gen::arbitrary<uint64_t>();
  const Grid<float> a = Grid<float>::random(3, 7, seed);
  const Grid<float> b = Grid<float>::random(3, 7, seed + 1);
  RC_ASSERT(sum_of(a, b).dense() == sum_of(b, a).dense());
}

struct AddRefusal : testing::Test {
  Grid<double> a = Grid<double>::random(2, 3, 1);
  Grid<double> b = Grid<double>::random(2, 3, 2);
  Grid<double> y{2, 3};
  ops::Add<double, Space::Host> op{.a = a.view(), .b = b.view(), .y = y.view()};
  std::string refusal() { return test::message(reference::add<double>(op)); }
};

TEST_F(AddRefusal, AcceptsTheUnspoiltCase) { EXPECT_EQ(refusal(), "accepted"); }
TEST_F(AddRefusal, NamesAnotherShapeOfB) {
  op.b.shape = {1, 3};
  EXPECT_EQ(refusal(), "add.b: shape [1, 3], expected [2, 3] (bad_shape)");
}
TEST_F(AddRefusal, NamesAnotherShapeOfTheOutput) {
  op.y.shape = {2, 2};
  EXPECT_EQ(refusal(), "add.y: shape [2, 2], expected [2, 3] (bad_shape)");
}
TEST_F(AddRefusal, NamesMissingMemory) {
  op.y.data = nullptr;
  EXPECT_EQ(refusal(), "add.y: no data, expected memory for [2, 3] (bad_shape)");
}

}  // namespace
}  // namespace kigo
