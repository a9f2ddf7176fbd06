// The comparator is a product of its own: each thing that it must reject, let pass, or say, by name.
#include "core/compare/close.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/base/random.h"

namespace kigo::compare {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNaN = std::numeric_limits<float>::quiet_NaN();
constexpr double kRoom = 1e-5;

/// A truth of about `scale`, no element of it zero.
std::vector<double> truth(size_t size, double scale = 1, uint64_t seed = 1) {
  Random random(seed);
  std::vector<double> values(size);
  for (double& value : values) value = scale * (random.below(2) == 0 ? 1 : -1) * random.uniform(0.5, 1.5);
  return values;
}
std::vector<float> rounded(const std::vector<double>& values) { return {values.begin(), values.end()}; }

Report judge(const std::vector<float>& got, const std::vector<double>& want,
             Bound bound = Bound::within(kRoom)) {
  return close(got, want, bound, {.name = "op"});
}

TEST(Passes, AnOutputWithinItsBoundEverywhere) {
  const auto want = truth(1000);
  const Report report = judge(rounded(want), want);
  EXPECT_TRUE(report) << report.text();
  EXPECT_EQ(report.compared, 1000);
  EXPECT_EQ(report.wrong, 0);
  EXPECT_GT(report.worst_share, 0);
  EXPECT_LE(report.worst_share, 1);
}
TEST(Passes, AnElementExactlyOnItsBound) {
  EXPECT_TRUE(judge({1.5f}, {1.0}, Bound::within(0.5)));
  EXPECT_FALSE(judge({1.5f}, {1.0}, Bound::within(0.499999)));
}
TEST(Passes, MinusZeroForZeroUnderTheExactBound) {
  EXPECT_TRUE(judge({-0.0f, 0.0f}, {0.0, -0.0}, Bound::exact()));
}
TEST(Rejects, TheNextNumberUnderTheExactBound) {
  EXPECT_TRUE(judge({2.0f}, {2.0}, Bound::exact()));
  EXPECT_FALSE(judge({2.0f + 0x1p-22f}, {2.0}, Bound::exact()));
}
TEST(Passes, AnEmptyTensorAndSaysThatNothingWasCompared) {
  const Report report = judge({}, {});
  EXPECT_TRUE(report);
  EXPECT_EQ(report.compared, 0);
  EXPECT_EQ(report.text(), "op: no elements");
}
TEST(Passes, ZerosWhereTheTruthIsZero) {
  EXPECT_TRUE(judge(std::vector<float>(100), std::vector<double>(100)));
}
TEST(Passes, OneElementThatCancelsToZeroWithinItsBound) { EXPECT_TRUE(judge({0.0f}, {1e-7})); }
TEST(Passes, SevenElementsThatCancelToZeroButNotEight) {
  const Bound wide = Bound::within(1);
  EXPECT_TRUE(judge(std::vector<float>(7), std::vector<double>(7, 1e-7), wide));
  EXPECT_FALSE(judge(std::vector<float>(8), std::vector<double>(8, 1e-7), wide));
}
TEST(Passes, ZerosWhereNoFloatHoldsTheTruth) {
  EXPECT_TRUE(judge(std::vector<float>(100), std::vector<double>(100, 1e-60)));
}

TEST(Rejects, ZerosWhereAFloatHoldsTheTruthAsANormalNumber) {
  constexpr double kLeast = double{std::numeric_limits<float>::min()};
  EXPECT_FALSE(judge(std::vector<float>(8), std::vector<double>(8, kLeast)));
  EXPECT_TRUE(judge(std::vector<float>(8), std::vector<double>(8, std::nextafter(kLeast, 0))));
}

TEST(Rejects, NaN) {  // F55
  const auto want = truth(100);
  auto got = rounded(want);
  got[41] = kNaN;
  const Report report = judge(got, want);
  EXPECT_FALSE(report);
  EXPECT_EQ(report.wrong, 1);
  EXPECT_EQ(report.non_finite, 1);
  EXPECT_EQ(report.worst->flat, 41);
  EXPECT_TRUE(std::isnan(report.worst->got));
}
TEST(Rejects, NaNHoweverWideTheBound) { EXPECT_FALSE(judge({kNaN}, {1.0}, Bound::within(1e300, 1e300))); }
TEST(Rejects, NothingButNaN) { EXPECT_EQ(judge(std::vector<float>(9, kNaN), truth(9)).wrong, 9); }
TEST(Rejects, Infinity) {
  EXPECT_FALSE(judge({kInf}, {1.0}, Bound::within(1e300)));
  EXPECT_FALSE(judge({-kInf}, {1.0}, Bound::within(1e300)));
}
TEST(Rejects, AllZeroOutput) { EXPECT_EQ(judge(std::vector<float>(64), truth(64)).wrong, 64); }
TEST(Rejects, AllZeroOutputForATinyTruthUnderTheBoundOfItsOwnSize) {  // F84
  const auto want = truth(64, 1e-6);
  EXPECT_EQ(judge(std::vector<float>(64), want, Bound::within(1e-12)).wrong, 64);
}
TEST(Rejects, AllZeroOutputForATinyTruthEvenUnderABoundThatIsTooWide) {  // F84
  const auto want = truth(64, 1e-6);
  ASSERT_TRUE(judge(rounded(want), want));
  const Report report = judge(std::vector<float>(64), want);
  EXPECT_EQ(report.wrong, 0);  // the bound of 1e-5 lets every single one pass
  EXPECT_FALSE(report);
  EXPECT_EQ(report.text(), "op: zero everywhere, where the truth is not");
}
TEST(Rejects, StaleOutputAndSaysThatItWasNeverWritten) {
  const auto want = truth(64, 1, 1);
  const auto before = rounded(truth(64, 1, 2));
  const Report report = close(before, want, Bound::within(kRoom), {.name = "op", .before = before});
  EXPECT_FALSE(report);
  EXPECT_EQ(report.unwritten, report.wrong);
  EXPECT_NE(report.text().find("unwritten  64 hold what was there before"), std::string::npos)
      << report.text();
}
TEST(Rejects, OutputThatKeptThePoison) {
  const auto want = truth(64);
  auto got = rounded(want);
  const std::vector<float> before(64, kNaN);
  for (size_t i = 48; i < 64; ++i) got[i] = kNaN;
  const Report report = close(got, want, Bound::within(kRoom), {.name = "op", .before = before});
  EXPECT_EQ(report.wrong, 16);
  EXPECT_EQ(report.unwritten, 16);
}
TEST(Rejects, OneWrongElementInAMillion) {
  const auto want = truth(1'000'000);
  auto got = rounded(want);
  got[777'777] += 1e-3f;
  const Report report = judge(got, want);
  EXPECT_FALSE(report);
  EXPECT_EQ(report.wrong, 1);
  EXPECT_EQ(report.worst->flat, 777'777);
}
TEST(Rejects, WrongLengths) {
  const auto want = truth(32);
  auto got = rounded(want);
  got.pop_back();
  EXPECT_EQ(judge(got, want).text(), "op: 31 values, expected 32");
  got.resize(33);
  EXPECT_EQ(judge(got, want).text(), "op: 33 values, expected 32");
  EXPECT_EQ(judge({}, want).text(), "op: 0 values, expected 32");
  EXPECT_EQ(judge(got, {}).text(), "op: 33 values, expected 0");
}
TEST(Rejects, AShapeOfAnotherSize) {
  EXPECT_EQ(
      close(std::vector{1.0f}, std::vector{1.0}, Bound::exact(), {.name = "op", .shape = {2, 3}}).text(),
      "op: shape [2, 3], expected one of 1 values");
}
TEST(Rejects, BoundsOfAnotherLength) {
  const std::vector<double> bounds(3, 1.0), none;
  EXPECT_EQ(judge({1, 2}, {1, 2}, Bound::each(bounds)).text(), "op: 3 bounds, expected 2");
  EXPECT_EQ(judge({1, 2}, {1, 2}, Bound::each(none)).text(), "op: 0 bounds, expected 2");
}
TEST(Rejects, ABoundThatWouldLetAnythingPass) {
  for (const double bound : {std::nan(""), double{kInf}, -1.0})
    EXPECT_FALSE(judge({1, 2}, {1, 2}, Bound::each(std::vector{1.0, bound}))) << bound;
  EXPECT_EQ(judge({1, 2}, {1, 2}, Bound::within(kInf)).text(), "op: bound is inf at [0]");
}
TEST(Rejects, ATruthThatIsNotFinite) {
  EXPECT_EQ(judge({1, kNaN}, {1, std::nan("")}).text(), "op: truth is nan at [1]");
  EXPECT_EQ(judge({kInf}, {double{kInf}}).text(), "op: truth is inf at [0]");
}

TEST(AsWanted, TakesNaNAndInfinityExactlyWhereTheTruthHasThem) {
  const Subject subject{.name = "op", .non_finite = NonFinite::as_wanted};
  const std::vector<double> want{1, std::nan(""), double{kInf}, -double{kInf}};
  const auto right = [&](std::vector<float> got) {
    return close(got, want, Bound::within(kRoom), subject).wrong == 0;
  };
  EXPECT_TRUE(right({1, kNaN, kInf, -kInf}));
  EXPECT_FALSE(right({kNaN, kNaN, kInf, -kInf}));
  EXPECT_FALSE(right({1, kInf, kInf, -kInf}));
  EXPECT_FALSE(right({1, kNaN, -kInf, -kInf}));
  EXPECT_FALSE(right({1, kNaN, 3e38f, -kInf}));
  EXPECT_FALSE(right({1, 0, kInf, -kInf}));
}

TEST(AsWanted, CountsEqualInfinityAsNoError) {
  const std::vector<float> got{kInf, 1};
  const std::vector<double> want{kInf, 1};
  const Report report =
      close(got, want, Bound::within(kRoom), {.name = "op", .non_finite = NonFinite::as_wanted});
  EXPECT_TRUE(report);
  EXPECT_EQ(report.worst_share, 0);
}
TEST(Rejects, WithoutAnyCountWhenNothingCanBeCompared) {
  const Report report = judge({1, 2}, {1.0});
  EXPECT_FALSE(report);
  EXPECT_EQ(report.compared, 0);
  EXPECT_EQ(report.worst_share, 0);
  EXPECT_EQ(report.damage.kind, Damage::Kind::none);
  EXPECT_EQ(report.damage.wrong, 0);
  EXPECT_EQ(report.damage.elements, 0);
  EXPECT_EQ(report.damage.first, 0);
  EXPECT_EQ(report.damage.last, 0);
  EXPECT_EQ(report.damage.step, 1);
}

TEST(Bounds, AreTakenElementByElement) {
  const std::vector<double> bounds{0.1, 0.001};
  EXPECT_TRUE(judge({1.05f, 1.0005f}, {1, 1}, Bound::each(bounds)));
  EXPECT_EQ(judge({1.05f, 1.05f}, {1, 1}, Bound::each(bounds)).worst->flat, 1);
}
TEST(Bounds, RelativeOnesGrowWithTheTruth) {
  EXPECT_TRUE(judge({100.5f, 0.001f}, {100, 0.001}, Bound::within(0, 0.01)));
  EXPECT_EQ(judge({100.5f, 0.5f}, {100, 0.001}, Bound::within(0, 0.01)).wrong, 1);
}

TEST(Worst, IsTheLargestShareOfTheBoundNotTheLargestDistance) {
  const std::vector<double> bounds{1, 0.001};
  const Report report = judge({3, 2.01f}, {1, 2}, Bound::each(bounds));
  EXPECT_EQ(report.worst->flat, 1);
  EXPECT_NEAR(report.worst_share, 10, 1e-2);
}
TEST(Worst, OfBoundsOfZeroIsTheLargestDistance) {
  EXPECT_EQ(judge({1, 2.5f, 4}, {1, 2, 3}, Bound::exact()).worst->flat, 2);
  EXPECT_EQ(judge({1, 8.5f, 4}, {1, 8, 3}, Bound::exact()).worst->flat, 2);
}
TEST(Worst, IsTheFirstOfEquals) {
  EXPECT_EQ(judge({1, 1}, {1, 1}, Bound::exact()).worst->flat, 0);
  EXPECT_EQ(judge({2, 2}, {1, 1}, Bound::within(4)).worst->flat, 0);
}
TEST(Worst, PrefersNaNToAnyNumber) { EXPECT_EQ(judge({3e38f, kNaN, 5}, {1, 2, 3}).worst->flat, 1); }
TEST(Worst, IsReportedForAPassToo) {
  const Report report = judge({1.2f, 2.1f}, {1, 2}, Bound::within(0.4));
  EXPECT_TRUE(report);
  EXPECT_NEAR(report.worst_share, 0.5, 1e-6);
  EXPECT_EQ(report.worst->flat, 0);
}
TEST(Worst, TakesAnotherPrecisionOfOutput) {
  const std::vector<double> got{1.25};
  EXPECT_DOUBLE_EQ(close(got, std::vector{1.0}, Bound::within(1), {}).worst_share, 0.25);
}

TEST(Report, SaysWhereAndHowItIsWrong) {
  std::vector<double> want(3 * 4 * 8, 2);
  std::vector<float> got(want.begin(), want.end());
  for (size_t i = 0; i < 8; ++i) got[(1 * 4 + 2) * 8 + i] = 2.5f;
  got[(1 * 4 + 2) * 8 + 3] = 4;
  const Report report =
      close(got, want, Bound::within(0.125),
            {.name = "blk.0.attn_mix", .shape = {3, 4, 8}, .replay = "kigo verify --seed 7"});
  EXPECT_EQ(report.text(),
            "blk.0.attn_mix: 8 of 96 elements beyond their bound\n"
            "  worst      [1, 2, 3] got 4, expected 2, off by 2, bound 0.125, 16 of it, flat 51\n"
            "  damage     token 1, head 2\n"
            "  range      tokens 1..1, heads 2..2, elements 0..7\n"
            "  right      [1, 1, 7] got 2, expected 2\n"
            "  right      [1, 1, 6] got 2, expected 2\n"
            "  right      [1, 3, 0] got 2, expected 2\n"
            "  replay     kigo verify --seed 7");
}
TEST(Report, HasFewerNeighboursWhereFewerAreRight) {
  EXPECT_EQ(judge({1, 9, 9}, {1, 2, 3}).neighbours.size(), 1u);
  EXPECT_TRUE(judge({9}, {1}).neighbours.empty());
}
TEST(Report, KeepsNaNAndInfinityInTextAndJson) {  // F88
  const Report nan = judge({kNaN}, {1});
  EXPECT_NE(nan.text().find("[0] got nan, expected 1, off by nan"), std::string::npos) << nan.text();
  EXPECT_NE(nan.json().dump().find(R"("got":"nan")"), std::string::npos) << nan.json().dump();
  const Report infinite = judge({-kInf}, {1});
  EXPECT_NE(infinite.text().find("got -inf"), std::string::npos);
  EXPECT_NE(infinite.json().dump().find(R"("got":"-inf")"), std::string::npos);
}
TEST(Report, PassesInOneLine) {
  EXPECT_EQ(judge({1.5f, 2}, {1, 2}, Bound::within(1)).text(),
            "op: 2 elements right, worst 0.5 of its bound at [0]");
}
TEST(Report, IsCompleteAsJson) {
  const Json json = judge({1, 9}, {1, 2}, Bound::within(1)).json();
  EXPECT_EQ(json.dump(),
            R"({"name":"op","pass":false,"compared":2,"wrong":1,"worst_share":7.0,)"
            R"("worst":{"flat":1,"at":[1],"got":9.0,"want":2.0,"bound":1.0,"share":7.0},)"
            R"("damage":{"kind":"one_element","text":"one element","ranges":"elements 1..1"},)"
            R"("non_finite":0,"unwritten":0,)"
            R"("neighbours":[{"flat":0,"at":[0],"got":1.0,"want":1.0,"bound":1.0,"share":0.0}]})");
}

}  // namespace
}  // namespace kigo::compare
