// Drift: a creep of 1 % a commit is found, noise and the machine are not.
#include "tools/lib/perf/drift.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/base/random.h"
#include "tests/tools/perf/records.h"
#include "tools/lib/perf/decide.h"
#include "tools/lib/perf/noise.h"

namespace kigo::tools::perf {
namespace {

using Records = std::vector<Record>;

constexpr int kKernels = 20;

/// Two blocks of every kernel in the run of one commit; kernel 0 takes `slower` longer, the machine `shift`.
Records run_of(int number, double slower, double shift, double noise, Random& random,
               int kernels = kKernels) {
  Records records;
  for (int kernel = 0; kernel < kernels; ++kernel) {
    const double own = noise * random.normal();
    for (int64_t block = 0; block < 2; ++block) {
      const double level =
          50 * (1 + (kernel == 0 ? slower : 0)) * std::exp(shift + own + 0.001 * random.normal());
      Record record = op_record(cat("k", kernel), block, std::vector<double>(10, level));
      record.time = cat("2026-", 10 + number / 28, "-", 10 + number % 28, "T06:00:00.000Z");
      record.run = cat("run", number);
      record.commit = cat("commit", number);
      records.push_back(std::move(record));
    }
  }
  return records;
}

struct Past {
  Records history, head;
};

template <class Slower>
Past past_of(int runs, const Slower& slower, uint64_t seed, int kernels = kKernels) {
  Random random(seed);
  Past past;
  for (int number = 0; number < runs; ++number) {
    const Records run = run_of(number, slower(number), 0.01 * random.normal(), 0.003, random, kernels);
    past.history.insert(past.history.end(), run.begin(), run.end());
  }
  past.head = run_of(runs, slower(runs), 0.01 * random.normal(), 0.003, random, kernels);
  return past;
}

double creep(int number) { return std::pow(1.01, number) - 1; }

TEST(PerfDrift, ACreepOfOnePercentACommitIsFound) {
  const Past past = past_of(8, creep, 1);
  const Drifts drifts = drifts_of(past.history, past.head);
  ASSERT_EQ(drifts.slower.size(), 1u);
  const std::string& why = drifts.slower.begin()->second;
  EXPECT_EQ(drifts.slower.begin()->first, place_of(past.head.front()));
  EXPECT_NE(why.find("slower than at the anchor commit0 of 2026-10-10, 9 runs"), std::string::npos) << why;
}

TEST(PerfDrift, TheWindowFindsACreepBehindAnImprovement) {
  // Twice as fast at the fifth commit, and since then 1 % slower with each.
  const Past past = past_of(
      24, [](int n) { return n < 5 ? 0.0 : creep(n - 5) - 0.5; }, 2);
  const Drifts drifts = drifts_of(past.history, past.head);
  ASSERT_EQ(drifts.slower.size(), 1u);
  EXPECT_NE(drifts.slower.begin()->second.find("over the last 20 runs"), std::string::npos)
      << drifts.slower.begin()->second;
}

TEST(PerfDrift, NoiseAndTheMachineAreNoDrift) {
  int alarms = 0;
  for (uint64_t seed = 0; seed < 100; ++seed) {
    const Past past = past_of(
        12, [](int) { return 0.0; }, 100 + seed, 50);
    alarms += !drifts_of(past.history, past.head).slower.empty();
  }
  EXPECT_LE(alarms, 2);
}

TEST(PerfDrift, AnAnchorForgetsWhatWasBefore) {
  const Past past = past_of(
      12, [](int n) { return n < 6 ? 0.0 : 0.1; }, 3);
  EXPECT_EQ(drifts_of(past.history, past.head).slower.size(), 1u);
  const Drifts drifts = drifts_of(past.history, past.head, {.anchor = "commit6"});
  EXPECT_TRUE(drifts.slower.empty());
  EXPECT_TRUE(drifts.note.empty());
  EXPECT_NE(drifts_of(past.history, past.head, {.anchor = "none"}).note.find("is not in the history"),
            std::string::npos);
}

TEST(PerfDrift, AnotherSettingIsNotThePast) {
  Past past = past_of(8, creep, 4);
  for (Record& record : past.history) record.setting.method = 0;
  EXPECT_TRUE(drifts_of(past.history, past.head).slower.empty());
}

TEST(PerfDrift, ADelayPutInIsNotThePast) {
  Past past = past_of(8, creep, 5);
  for (Record& record : past.history) record.delay_us = 1;
  EXPECT_TRUE(drifts_of(past.history, past.head).slower.empty());
}

TEST(PerfDrift, TheHeadInTheHistoryCountsOnce) {
  Past past = past_of(8, creep, 6);
  const auto without = drifts_of(past.history, past.head).slower;
  past.history.insert(past.history.end(), past.head.begin(), past.head.end());
  EXPECT_EQ(drifts_of(past.history, past.head).slower, without);
}

TEST(PerfDrift, TurnsSameIntoSlow) {
  const Past past = past_of(8, creep, 7);
  Records base = past.head;
  for (Record& record : base) record.commit = "base";
  const Decision decision = decide(base, past.head, past.history);
  EXPECT_EQ(decision.count(Verdict::slow), 1);
  EXPECT_TRUE(decision.rows.front().judgement.why.starts_with("drift: ")) << decision.text();
  EXPECT_TRUE(decide(base, past.head, {}).passes());
}

}  // namespace
}  // namespace kigo::tools::perf
