// The sampling loop on a machine and a clock that are not real.
#include "bench/sampling.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/random.h"

namespace kigo::bench {
namespace {

using tools::perf::State;

/// Takes batches of samples that a function makes of their numbers; each takes a second of its clock.
struct Machine {
  std::function<Taken(int64_t)> sample_of;
  int64_t batch = 5;
  double seconds = 0;
  int64_t taken = 0;
  int64_t rested = 0;

  Result<Sampled> run(const Plan& plan) {
    const Take take = [this]() -> Result<std::vector<Taken>> {
      std::vector<Taken> all;
      for (int64_t i = 0; i < batch; ++i) all.push_back(sample_of(taken++));
      seconds += 1;
      return all;
    };
    return sample(
        plan, take, [this] { return seconds; }, [this] { ++rested; });
  }
};

Taken at(double us, double mhz = 1980, std::string off = {}) {
  return {.us = us, .mhz = mhz, .off = std::move(off)};
}

/// Times that scatter by `share`, at a settled clock.
std::function<Taken(int64_t)> noisy(double share) {
  return [share](int64_t i) {
    Random random(static_cast<uint64_t>(i) + 1);
    return at(100 * (1 + share * (random.uniform() - 0.5)));
  };
}

const Plan kPlan{.least = 10, .most = 30, .warm_up_s = 100, .limit_s = 1000};

TEST(Sampling, StopsAtTheFewestSamplesThatArePrecise) {
  Machine machine{noisy(0)};
  const Sampled sampled = machine.run(kPlan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.us, std::vector<double>(10, 100.0));
  EXPECT_EQ(sampled.mhz, std::vector<double>(10, 1980.0));
  EXPECT_EQ(machine.taken, 20);  // two takes of 5 to see that the clock has settled
}

TEST(Sampling, TakesMoreWhenTheyScatterButNotForEver) {
  const Sampled some = Machine{noisy(0.03)}.run(kPlan).value();
  EXPECT_EQ(some.state, State::ok);
  EXPECT_GT(some.us.size(), 10u);
  EXPECT_TRUE(half_width_of_median(some.us) <= kPlan.half_width || some.us.size() == 30);
  const Sampled all = Machine{noisy(0.9)}.run(kPlan).value();
  EXPECT_EQ(all.state, State::ok);
  EXPECT_EQ(all.us.size(), 30u);
}

TEST(Sampling, RestsWhenTheClockWentDownAndGoesOnWhereItComesBack) {
  Machine machine{nullptr};
  int64_t since_rest = 0, rested = 0;
  machine.sample_of = [&](int64_t) {  // three takes of five without a rest are too much for it
    if (machine.rested != rested) {
      rested = machine.rested;
      since_rest = 0;
    }
    return at(100, ++since_rest <= 15 ? 1980 : 1450);
  };
  Plan plan = kPlan;
  plan.least = 20;
  const Sampled sampled = machine.run(plan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.us.size(), 20u);
  EXPECT_EQ(sampled.discarded, 5);
  EXPECT_EQ(machine.rested, 1);
  Machine steady{noisy(0.9)};
  ASSERT_TRUE(steady.run(kPlan));
  EXPECT_EQ(steady.rested, 0);
}

TEST(Sampling, KeepsTheOrder) {
  const Sampled sampled =
      Machine{[](int64_t i) { return at(100.0 + static_cast<double>(i)); }}.run(kPlan).value();
  EXPECT_TRUE(std::ranges::is_sorted(sampled.us));
  EXPECT_EQ(sampled.us.front(), 110);  // those of the warm-up are not kept
}

TEST(Sampling, WarmsUpUntilTheClockSettles) {
  const auto rising = [](int64_t i) {
    return at(100, std::min(1980.0, 345 + 20.0 * static_cast<double>(i)));
  };
  const Sampled sampled = Machine{rising}.run(kPlan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.discarded, 0);
  EXPECT_EQ(sampled.mhz, std::vector<double>(10, 1980.0));
}

TEST(Sampling, DoesNotWarmUpForEver) {
  // The clock goes up and down by 5 %: it never settles, and half of the samples are off.
  Machine machine{[](int64_t i) { return at(100, i / 5 % 2 == 0 ? 1900.0 : 2000.0); }};
  Plan plan = kPlan;
  plan.warm_up_s = 20;
  const Sampled sampled = machine.run(plan).value();
  EXPECT_LE(machine.seconds, 20 + 2 + 2 * 30 / 5);
  EXPECT_GT(sampled.discarded, 0);
}

TEST(Sampling, WarmsUpForAsLongAsItIsTold) {
  Plan plan = kPlan;
  plan.warm_up_least_s = 7;
  Machine machine{noisy(0)};
  EXPECT_EQ(machine.run(plan).value().us.size(), 10u);
  EXPECT_EQ(machine.taken, 5 * 7 + 10);
}

/// A device whose power is too small for the work: the clock comes down behind the warm-up and stays there.
TEST(Sampling, KeepsTheClockThatThePowerAllows) {
  Plan plan = kPlan;
  plan.least = 20;
  const Sampled sampled =
      Machine{[](int64_t i) { return at(i < 15 ? 100 : 110, i < 15 ? 1980 : 1780); }}.run(plan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.discarded, 5);  // two takes were the warm-up
  EXPECT_EQ(sampled.us, std::vector<double>(20, 110.0));
}

/// What it was called back from, a sample that is faster than the others, costs no rest.
TEST(Sampling, RestsOnlyForALowerClock) {
  Machine machine{[](int64_t i) { return at(100, i % 5 == 4 ? 2050.0 : 1980.0); }};
  EXPECT_EQ(machine.run(kPlan).value().discarded, 3);
  EXPECT_EQ(machine.rested, 0);
}

TEST(Sampling, DiscardsWhatTheClockWasOffFor) {
  const Sampled sampled =
      Machine{[](int64_t i) { return at(100, i % 5 == 4 ? 1940.0 : 1980.0); }}.run(kPlan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.us.size(), 12u);
  EXPECT_EQ(sampled.discarded, 3);
  EXPECT_EQ(std::ranges::count(sampled.mhz, 1940.0), 0);
}

TEST(Sampling, KeepsWhatTheClockWasNearlyOffFor) {
  Machine machine{[](int64_t i) { return at(100, i % 5 == 4 ? 1951.0 : 1980.0); }};  // 1.46 %
  EXPECT_EQ(machine.run(kPlan).value().discarded, 0);
}

TEST(Sampling, IsInvalidWhenTooManyAreDiscarded) {
  const auto hot = [](int64_t i) { return at(100, 1980, i % 5 < 3 ? "hw_thermal_slowdown" : ""); };
  const Sampled sampled =
      Machine{hot}.run({.least = 30, .most = 30, .warm_up_s = 100, .limit_s = 1000}).value();
  EXPECT_EQ(sampled.state, State::invalid);
  EXPECT_EQ(sampled.why, "36 of 60 samples discarded, the last for hw_thermal_slowdown");
}

TEST(Sampling, IsInvalidWhenAllAreDiscarded) {
  const Sampled sampled = Machine{[](int64_t) { return at(100, 1980, "hw_slowdown"); }}.run(kPlan).value();
  EXPECT_EQ(sampled.state, State::invalid);
  EXPECT_TRUE(sampled.us.empty());
}

TEST(Sampling, IsTimedOutWithTheSamplesUntilThen) {
  Plan plan = kPlan;
  plan.limit_s = 2.5;  // two takes for the warm-up, and one
  const Sampled sampled = Machine{noisy(0)}.run(plan).value();
  EXPECT_EQ(sampled.state, State::timed_out);
  EXPECT_EQ(sampled.us.size(), 5u);
  EXPECT_EQ(sampled.why, "5 samples in 3 s, expected at least 10");
}

TEST(Sampling, IsTimedOutWithoutAnySample) {
  Plan plan = kPlan;
  plan.limit_s = 1;
  const Sampled sampled = Machine{noisy(0)}.run(plan).value();
  EXPECT_EQ(sampled.state, State::timed_out);
  EXPECT_TRUE(sampled.us.empty());
}

TEST(Sampling, IsOkAtTheTimeLimitWithEnoughSamples) {
  Plan plan = kPlan;
  plan.limit_s = 4.5;  // 15 samples
  const Sampled sampled = Machine{noisy(0.9)}.run(plan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.us.size(), 15u);
}

TEST(Sampling, RefusesTimesThatAreNone) {
  const Sampled sampled =
      Machine{[](int64_t i) { return at(i % 2 == 0 ? std::nan("") : 0.0); }}.run(kPlan).value();
  EXPECT_EQ(sampled.state, State::invalid);
  EXPECT_TRUE(sampled.us.empty());
}

TEST(Sampling, GoesOnWithoutAClock) {
  const Sampled sampled = Machine{[](int64_t) { return at(100, 0); }}.run(kPlan).value();
  EXPECT_EQ(sampled.state, State::ok);
  EXPECT_EQ(sampled.us.size(), 10u);
  EXPECT_TRUE(sampled.mhz.empty());
}

TEST(Sampling, EndsWithTheFirstError) {
  int calls = 0;
  const Take take = [&]() -> Result<std::vector<Taken>> {
    if (++calls == 4) return fail(Code::cuda, "launch", "no", "yes");
    return std::vector<Taken>{at(1)};
  };
  const auto sampled = sample(kPlan, take, [] { return 0.0; });
  ASSERT_FALSE(sampled);
  EXPECT_EQ(sampled.error().subject, "launch");
  EXPECT_EQ(calls, 4);
}

/// Whatever the machine does: never ok with too few samples, nor with many discarded.
RC_GTEST_PROP(SamplingProperty, IsNeverOkWithoutSamples, (uint64_t seed)) {
  Random drawn(seed);
  const double off_share = drawn.uniform();
  Plan plan = kPlan;
  plan.limit_s = drawn.uniform(0, 40);
  Machine machine{[&](int64_t i) {
    Random random(seed + 7 * static_cast<uint64_t>(i));
    return at(1 + random.uniform(), 1980 - 100 * random.uniform() * off_share,
              random.uniform() < off_share ? "hw_slowdown" : "");
  }};
  const Sampled sampled = machine.run(plan).value();
  const auto kept = static_cast<int64_t>(sampled.us.size());
  RC_ASSERT(sampled.state != State::ok || (kept >= plan.least && sampled.discarded <= kept));
  RC_ASSERT((sampled.state == State::ok) == sampled.why.empty());
  RC_ASSERT(sampled.mhz.size() == sampled.us.size());
}

TEST(Median, IsTheMiddleOne) {
  EXPECT_EQ(median(std::vector<double>{3, 1, 2}), 2);
  EXPECT_EQ(median(std::vector<double>{4, 1, 2, 3}), 2.5);
  EXPECT_TRUE(std::isnan(median({})));
}

TEST(HalfWidth, IsThatOfTheOrderStatistics) {
  // n = 20: 10 - 0.98 sqrt(20) = 5.6, so five are left out at either end: 6 and 15 around 10.5.
  std::vector<double> samples;
  for (int i = 1; i <= 20; ++i) samples.push_back(i);
  EXPECT_DOUBLE_EQ(half_width_of_median(samples), (15.0 - 6.0) / 2 / 10.5);
  EXPECT_EQ(half_width_of_median(std::vector<double>(5, 1.0)), std::numeric_limits<double>::infinity());
}

/// The interval holds the true median in 95 % of experiments, or a little more, since ranks are whole.
TEST(HalfWidth, CoversTheMedian) {
  Random random(2026);
  int covered = 0;
  constexpr int kExperiments = 4000;
  for (int e = 0; e < kExperiments; ++e) {
    std::vector<double> sorted(15);
    for (double& x : sorted) x = random.uniform(1, 2);
    std::ranges::sort(sorted);
    // n = 15: 7.5 - 0.98 sqrt(15) = 3.7, so three are left out at either end.
    EXPECT_NEAR(2 * half_width_of_median(sorted) * median(sorted), sorted[11] - sorted[3], 1e-12);
    covered += sorted[3] <= 1.5 && 1.5 <= sorted[11];
  }
  // P(4 <= Binomial(15, 1/2) <= 11) = 0.9648; five deviations of Binomial(4000, 0.9648) are 58.
  EXPECT_NEAR(covered, 0.9648 * kExperiments, 58);
}

}  // namespace
}  // namespace kigo::bench
