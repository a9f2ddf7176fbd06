// Intervals of a rate, against published and independent figures.
#include "tools/lib/perf/rate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace kigo::tools::perf {
namespace {

struct Known {
  Rate rate;
  double low, high;
};

// Quantiles of beta distributions by bisection of mpmath's betainc, which has another way to them.
class Intervals : public testing::TestWithParam<Known> {};

TEST_P(Intervals, AreThoseOfAnotherProgram) {
  const auto& [rate, low, high] = GetParam();
  EXPECT_NEAR(interval_of(rate).low, low, 1e-6);
  EXPECT_NEAR(interval_of(rate).high, high, 1e-6);
}

INSTANTIATE_TEST_SUITE_P(
    OfClopperAndPearson, Intervals,
    testing::Values(Known{{1, 2}, 0.0125791, 0.9874209}, Known{{5, 10}, 0.1870860, 0.8129140},
                    Known{{3, 1000}, 0.0006191, 0.0087420}, Known{{57, 60}, 0.8607568, 0.9895677},
                    Known{{999, 1000}, 0.9944411, 0.9999747}, Known{{1, 10000}, 0.0000025, 0.0005570}));

TEST(Interval, OfNoneIsTheRuleOfThree) {
  for (const int64_t trials : {100, 300, 1000, 10'000}) {
    EXPECT_EQ(interval_of({0, trials}).low, 0);
    EXPECT_NEAR(interval_of({0, trials}).high, 3.0 / static_cast<double>(trials),
                0.05 / static_cast<double>(trials))
        << trials;
    EXPECT_NEAR(interval_of({trials, trials}).low, 1 - 3.0 / static_cast<double>(trials),
                0.05 / static_cast<double>(trials));
    EXPECT_EQ(interval_of({trials, trials}).high, 1);
  }
}

TEST(Interval, OfNothingIsEverything) {
  EXPECT_EQ(interval_of({}).low, 0);
  EXPECT_EQ(interval_of({}).high, 1);
  EXPECT_TRUE(std::isnan(Rate{}.share()));
  EXPECT_EQ(text_of(Rate{}), "none of none");
}

TEST(Interval, HoldsTheTrueRateInNineteenOfTwentyCases) {
  std::mt19937 engine(1);
  std::binomial_distribution<int64_t> count(200, 0.03);
  int inside = 0;
  constexpr int kCases = 2000;
  for (int i = 0; i < kCases; ++i) {
    const Interval interval = interval_of({count(engine), 200});
    inside += interval.low <= 0.03 && 0.03 <= interval.high ? 1 : 0;
  }
  EXPECT_GE(inside, 0.95 * kCases);  // an exact interval is never too narrow
}

TEST(Interval, IsShown) {
  EXPECT_EQ(text_of(Rate{3, 1000}), "3 of 1000: 0.3 % (0.0619 to 0.874 %)");
  EXPECT_EQ(json_of(Rate{1, 2}).find("count")->integer(), 1);
}

}  // namespace
}  // namespace kigo::tools::perf
