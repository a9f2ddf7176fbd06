// The statistics against SciPy 1.14.1, by hand, and by what must hold of them.
#include "tools/lib/perf/statistics.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>

namespace kigo::tools::perf {
namespace {

using Numbers = std::vector<double>;

TEST(PerfStatistics, QuantilesAsNumpy) {
  EXPECT_EQ(quantile({3, 1, 2, 10}, 0.25), 1.75);
  EXPECT_EQ(quantile({3, 1, 2, 10}, 0.5), 2.5);
  EXPECT_NEAR(quantile({3, 1, 2, 10}, 0.9), 7.9, 1e-12);
  EXPECT_EQ(quantile({3, 1, 2, 10}, 1), 10);
  EXPECT_EQ(median({7}), 7);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(PerfStatistics, DeviationLeavesOutliersAlone) {
  EXPECT_NEAR(robust_deviation({1, 2, 3, 4, 1000}), 1.4826, 1e-12);
  EXPECT_EQ(robust_deviation({5, 5, 5, 5, 900}), 0);
}

TEST(PerfStatistics, MannWhitneyExactAsScipy) {
  EXPECT_NEAR(mann_whitney_p(Numbers{1.1, 2.2, 3.3, 4.4}, Numbers{2.5, 3.5, 4.5, 5.5, 6.5}), 1.0 / 9, 1e-12);
  EXPECT_NEAR(mann_whitney_p(Numbers{1, 2, 3, 4, 5}, Numbers{6, 7, 8, 9, 10}), 2.0 / 252, 1e-12);
  EXPECT_NEAR(mann_whitney_p(Numbers{6, 7, 8, 9, 10}, Numbers{1, 2, 3, 4, 5}), 2.0 / 252, 1e-12);
}

TEST(PerfStatistics, MannWhitneyWithTiesAsScipy) {
  EXPECT_NEAR(mann_whitney_p(Numbers{1, 2, 2, 3, 4, 4, 4, 5, 6, 7}, Numbers{2, 3, 4, 5, 5, 6, 6, 7, 8, 9, 9}),
              0.05524991314256724, 1e-12);
}

TEST(PerfStatistics, MannWhitneyOfManyAsScipy) {
  Numbers x, y;
  for (int i = 0; i < 30; ++i) x.push_back((i * 37 % 101) / 10.0);
  for (int i = 0; i < 25; ++i) y.push_back((i * 53 % 103) / 10.0 + 1.5 + 0.001);
  EXPECT_NEAR(mann_whitney_p(x, y), 0.22682786316118997, 1e-12);
}

TEST(PerfStatistics, MannWhitneyWithoutEvidenceIsOne) {
  EXPECT_EQ(mann_whitney_p(Numbers{}, Numbers{1}), 1);
  EXPECT_EQ(mann_whitney_p(Numbers(20, 3.0), Numbers(30, 3.0)), 1);
}

TEST(PerfStatistics, StudentAsScipy) {
  EXPECT_NEAR(student_tail(2, 5), 0.05096973941492914, 1e-12);
  EXPECT_NEAR(student_tail(5, 3.5), 0.00527508949593389, 1e-12);
  EXPECT_NEAR(student_tail(12, 6), 1.0153703097686606e-05, 1e-15);
  EXPECT_NEAR(student_tail(0.5, 40), 0.309907367616724, 1e-12);
  EXPECT_NEAR(student_tail(-1, 7), 0.8246916685898963, 1e-12);
  EXPECT_NEAR(student_quantile(1e-5, 8), 8.907026870843952, 1e-6);
  EXPECT_NEAR(student_quantile(0.025, 30), 2.042272456301238, 1e-8);
  EXPECT_NEAR(student_quantile(1e-5, 2.5), 87.64328685666227, 1e-4);
  EXPECT_NEAR(normal_tail(4.5), 3.3976731247300535e-06, 1e-17);
}

TEST(PerfStatistics, QuotientOfVariancesIsStudentSquared) {
  EXPECT_NEAR(f_tail(4, 1, 5), 2 * student_tail(2, 5), 1e-12);
  EXPECT_NEAR(f_tail(1, 7, 7), 0.5, 1e-12);
}

TEST(PerfStatistics, GammasAsScipy) {
  EXPECT_NEAR(digamma(0.5), -1.9635100260214235, 1e-10);
  EXPECT_NEAR(digamma(1), -0.5772156649015329, 1e-10);
  EXPECT_NEAR(digamma(7.3), 1.917820335637986, 1e-10);
  EXPECT_NEAR(trigamma(0.5), 4.93480220054468, 1e-9);
  EXPECT_NEAR(trigamma(7.3), 0.14679576813142703, 1e-10);
  EXPECT_NEAR(inverse_trigamma(trigamma(0.3)), 0.3, 1e-8);
  EXPECT_NEAR(inverse_trigamma(trigamma(40)), 40, 1e-5);
}

TEST(PerfStatistics, TrendsByHand) {
  EXPECT_EQ(theil_sen_slope(Numbers{1, 3, 2, 5, 4, 8, 7}), 1);  // as scipy.stats.theilslopes
  EXPECT_EQ(theil_sen_slope(Numbers{1, 2, 300, 4, 5}), 1);
  EXPECT_EQ(theil_sen_slope(Numbers{3}), 0);
  // Ten in order: S = 45, variance 10 * 9 * 25 / 18 = 125, z = 44 / sqrt(125).
  const Numbers rising{1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_NEAR(rise_p(rising), normal_tail(44 / std::sqrt(125.0)), 1e-15);
  EXPECT_NEAR(rise_p(Numbers(rising.rbegin(), rising.rend())), 1 - rise_p(rising), 1e-12);
  EXPECT_EQ(rise_p(Numbers(10, 1.0)), 1);
}

rc::Gen<Numbers> values(size_t least) {
  return rc::gen::suchThat(
      rc::gen::container<Numbers>(rc::gen::map(rc::gen::inRange(-1000, 1000), [](int x) { return x / 8.0; })),
      [least](const Numbers& all) { return all.size() >= least; });
}

RC_GTEST_PROP(PerfStatistics, OrderDoesNotMatter, ()) {
  const Numbers a = *values(1), b = *values(1);
  Numbers c = a, d = b;
  std::ranges::reverse(c);
  std::ranges::sort(d);
  RC_ASSERT(median(a) == median(c));
  RC_ASSERT(hodges_lehmann(a, b) == hodges_lehmann(c, d));
  RC_ASSERT(mann_whitney_p(a, b) == mann_whitney_p(c, d));
}

RC_GTEST_PROP(PerfStatistics, AShiftIsFoundAsItIs, ()) {
  const Numbers a = *values(1);
  Numbers b = a;
  for (double& value : b) value += 12.5;
  RC_ASSERT(std::abs(hodges_lehmann(a, b) - 12.5) < 1e-9);
  RC_ASSERT(std::abs(median(b) - median(a) - 12.5) < 1e-9);
  RC_ASSERT(std::abs(robust_deviation(a) - robust_deviation(b)) < 1e-9);
}

RC_GTEST_PROP(PerfStatistics, AgainstItselfNothingIsFound, ()) {
  const Numbers a = *values(1);
  RC_ASSERT(hodges_lehmann(a, a) == 0);
  RC_ASSERT(mann_whitney_p(a, a) > 0.9);
}

RC_GTEST_PROP(PerfStatistics, SidesAreEqual, ()) {
  const Numbers a = *values(1), b = *values(1);
  RC_ASSERT(std::abs(mann_whitney_p(a, b) - mann_whitney_p(b, a)) < 1e-12);
  RC_ASSERT(hodges_lehmann(a, b) == -hodges_lehmann(b, a));
}

}  // namespace
}  // namespace kigo::tools::perf
