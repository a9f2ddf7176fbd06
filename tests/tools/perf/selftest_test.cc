// The self-test's estimates, on records whose true rates are known.
#include "tools/lib/perf/selftest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>

#include "core/base/cat.h"

namespace kigo::tools::perf {
namespace {

/// Blocks of one sample each: `us` times 1 + spread * normal, and the same of every process.
struct Made {
  int64_t runs = 300;
  int64_t blocks = 8;
  std::vector<double> us = {100};  // of each subject
  double spread = 0.01;
  double process_spread = 0;
};

Record record_of(const Subject& subject, int64_t block, double us) {
  Record record;
  record.block = block;
  record.run = "measured";
  record.subject = subject;
  record.setting.device = "made";
  record.us = {us};
  return record;
}

std::vector<SelftestRun> make(const Made& made, uint64_t seed = 3) {
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<SelftestRun> runs(static_cast<size_t>(made.runs));
  for (SelftestRun& run : runs) {
    const Subject ceiling{Kind::ceiling, "copy", "", Cache::none};
    run.same.base.push_back(record_of(ceiling, 0, 1));
    run.same.head.push_back(record_of(ceiling, 0, 1));
    for (size_t i = 0; i < made.us.size(); ++i) {
      const Subject subject{Kind::op, cat("op", i), "", Cache::cold};
      for (std::vector<Record>* side : {&run.same.base, &run.same.head}) {
        const double own = made.us[i] * (1 + made.process_spread * normal(engine));
        for (int64_t block = 0; block < made.blocks; ++block)
          side->push_back(record_of(subject, block, own * (1 + made.spread * normal(engine))));
      }
    }
  }
  return runs;
}

std::map<Subject, double> means(std::span<const Record> records) {
  std::map<Subject, double> sums;
  std::map<Subject, int64_t> counts;
  for (const Record& record : records) {
    if (record.subject.kind == Kind::ceiling) continue;
    sums[record.subject] += record.us.front();
    ++counts[record.subject];
  }
  for (auto& [subject, sum] : sums) sum /= static_cast<double>(counts[subject]);
  return sums;
}

/// SLOW when head's mean is more than a share above base's: how often can be said beforehand.
Judge threshold(double share) {
  return [share](std::span<const Record> base, std::span<const Record> head) {
    std::map<Subject, Verdict> said;
    const auto of_base = means(base);
    for (const auto& [subject, us] : means(head)) {
      const double ratio = us / of_base.at(subject) - 1;
      said[subject] = ratio > share ? Verdict::slow : ratio < -share ? Verdict::fast : Verdict::same;
    }
    return said;
  };
}

double above(double sigmas) { return std::erfc(sigmas / std::sqrt(2.0)) / 2; }

EstimateOptions drawn(int64_t resamples) {
  return {.resamples = resamples, .blocks = 4, .seed = 5, .progress = {}};
}

// The difference of two means of 4 blocks of 1 % each has a spread of 1 % * sqrt(2 / 4).
const double kSpread = 0.01 * std::sqrt(0.5);

TEST(Estimate, OfFalseAlarmsIsTheRateThatWasPutIn) {
  const auto selftest = evaluate(make({}), threshold(1.645 * kSpread), drawn(4000));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->subjects, 1);
  EXPECT_EQ(selftest->estimated.alarms.trials, 4000);
  EXPECT_NEAR(selftest->estimated.alarms.share(), above(1.645), 0.01);
  EXPECT_NEAR(selftest->estimated.fast_alarms.share(), above(1.645), 0.01);
  EXPECT_EQ(selftest->real.alarms.trials, 300);
  const Interval counted = interval_of(selftest->real.alarms);
  EXPECT_LT(counted.low, 0.05);
  EXPECT_GT(counted.high, 0.05);
}

TEST(Estimate, OfManySubjectsIsThatOfAnyOfThem) {
  const auto selftest =
      evaluate(make({.us = std::vector<double>(10, 100)}), threshold(2.326 * kSpread), drawn(2000));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_NEAR(selftest->estimated.subject_alarms.share(), above(2.326), 0.003);
  EXPECT_NEAR(selftest->estimated.alarms.share(), 1 - std::pow(1 - above(2.326), 10), 0.025);
}

TEST(Estimate, KeepsWhatDiffersFromProcessToProcess) {
  // Four blocks say little of a process that is 2 % slower throughout: drawing over processes would hide it.
  const double spread = std::hypot(kSpread, 0.02 * std::sqrt(2.0));
  const auto selftest = evaluate(make({.process_spread = 0.02}), threshold(1.645 * spread), drawn(4000));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_NEAR(selftest->estimated.alarms.share(), above(1.645), 0.015);
}

TEST(Estimate, OfNoiseThatIsNotThereIsNone) {
  const auto selftest = evaluate(make({.runs = 3, .spread = 0}), threshold(0.005), drawn(1000));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->estimated.alarms, (Rate{0, 1000}));
  EXPECT_NEAR(interval_of(selftest->estimated.alarms).high, 0.003, 1e-4);
  EXPECT_EQ(selftest->estimated.power[0].long_found, (Rate{1000, 1000}));
  EXPECT_TRUE(selftest->reaches_goals());
}

TEST(Estimate, OfPowerIsTheRateThatWasPutIn) {
  const auto selftest = evaluate(make({.us = {100, 10}}), threshold(0.025), drawn(4000));
  ASSERT_TRUE(selftest) << selftest.error().message();
  for (size_t size = 0; size < kSlowdowns.size(); ++size) {
    const double want = above((0.025 - kSlowdowns[size]) / kSpread);
    EXPECT_NEAR(selftest->estimated.power[size].long_found.share(), want, 0.02) << size;
    EXPECT_NEAR(selftest->estimated.power[size].short_found.share(), want, 0.02) << size;
    EXPECT_EQ(selftest->estimated.power[size].long_found.trials, 4000);
  }
}

TEST(Estimate, SplitsWhatIsLongFromWhatIsShort) {
  const auto selftest = evaluate(make({.runs = 20, .us = {19, 10}}), threshold(0.025), drawn(10));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->estimated.power[1].long_found.trials, 0);
  EXPECT_EQ(selftest->estimated.power[1].short_found.trials, 10);
}

TEST(Estimate, SlowsOneSubjectDownAtATime) {
  std::set<size_t> moved;
  const auto count = [&](std::span<const Record> base, std::span<const Record> head) {
    const auto said = threshold(0.005)(base, head);
    moved.insert(static_cast<size_t>(
        std::ranges::count_if(said, [](const auto& each) { return each.second == Verdict::slow; })));
    return said;
  };
  ASSERT_TRUE(evaluate(make({.runs = 3, .us = {100, 100, 10, 10}, .spread = 0}), count, drawn(50)));
  EXPECT_EQ(moved, (std::set<size_t>{0, 1}));
}

/// Whether records i and i + 1 of both sides are base, head, head, base of one run, or the other way round.
bool is_a_four(std::span<const SelftestRun> runs, std::span<const Record> base, std::span<const Record> head,
               size_t i) {
  const auto are = [i](std::span<const Record> side, const std::vector<Record>& run, size_t k) {
    return side[i].us == run[k].us && side[i + 1].us == run[k + 1].us;
  };
  for (const SelftestRun& run : runs) {
    const auto& [first, second] = run.same;
    for (size_t k = 1; k + 1 < first.size(); k += 2) {
      if (are(base, first, k) && are(head, second, k)) return true;
      if (are(base, second, k) && are(head, first, k)) return true;
    }
  }
  return false;
}

/// The runs with a second subject for every one: the same kernel in a row, at half the time, without noise.
std::vector<SelftestRun> with_rows(std::vector<SelftestRun> runs, double us) {
  for (SelftestRun& run : runs) {
    for (std::vector<Record>* side : {&run.same.base, &run.same.head}) {
      const std::vector<Record> cold = *side;
      for (Record record : cold) {
        if (record.subject.kind == Kind::ceiling) continue;
        record.subject.cache = Cache::row;
        record.us = {us};
        side->push_back(record);
      }
    }
  }
  return runs;
}

TEST(Estimate, SlowsAKernelDownInAllItsCachesAndFindsItInOne) {
  // Cold is too noisy to find anything; the row is not.
  const auto selftest = evaluate(
      with_rows(make({.runs = 5, .us = {100}, .spread = 0.3}), 25),
      [](auto base, auto head) {
        Verdicts said;
        const auto of_base = means(base);
        for (const auto& [subject, us] : means(head)) {
          const bool slow = subject.cache == Cache::row && us > 1.005 * of_base.at(subject);
          said[subject] = slow ? Verdict::slow : Verdict::same;
        }
        return said;
      },
      drawn(20));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->estimated.alarms, (Rate{0, 20}));
  EXPECT_EQ(selftest->estimated.power[0].long_found, (Rate{20, 20}));
}

TEST(Estimate, GoesByTheTimeInARow) {
  const auto selftest = evaluate(with_rows(make({.runs = 5, .us = {100}}), 15), threshold(1), drawn(20));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->estimated.power[0].long_found.trials, 0);
  EXPECT_EQ(selftest->estimated.power[0].short_found.trials, 20);
}

TEST(Estimate, DrawsFoursOfOneRunAsTheyWereMeasured) {
  const auto runs = make({.runs = 5, .us = {100, 50}});
  int call = 0;
  const auto check = [&](std::span<const Record> base, std::span<const Record> head) {
    EXPECT_EQ(base.size(), 1u + 2 * 4);
    EXPECT_EQ(head.size(), base.size());
    for (size_t i = 1; i < base.size(); ++i) {
      EXPECT_EQ(base[i].block, static_cast<int64_t>(i - 1) % 4);
      EXPECT_EQ(base[i].run, head[i].run);
    }
    // The runs as they are, then each draw once as it is and once with each slowdown.
    const bool slowed = call >= 5 && (call - 5) % 4 != 0;
    for (size_t i = 1; i < base.size() && !slowed; i += 2)
      EXPECT_TRUE(is_a_four(runs, base, head, i)) << call;
    ++call;
    return std::map<Subject, Verdict>{};
  };
  ASSERT_TRUE(evaluate(runs, check, drawn(50)));
  EXPECT_EQ(call, 5 + 50 * 4);
}

TEST(Estimate, LeavesOutWhatFailedAndSaysSo) {
  auto runs = make({.runs = 2, .us = {100, 50}});
  runs[1].same.head.back().state = State::invalid;
  runs[1].same.head.back().why = "died";
  const auto selftest = evaluate(runs, threshold(1), drawn(5));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->subjects, 1);
  EXPECT_EQ(selftest->left_out, std::vector<std::string>{"op1 cold: died"});
  EXPECT_FALSE(selftest->passes());
  EXPECT_NE(selftest->text().find("1 subject left out: failed"), std::string::npos) << selftest->text();
  EXPECT_EQ(*selftest->json().find("passes")->boolean(), false);
}

TEST(Estimate, WritesWhatFilesSayInOneLine) {
  auto runs = make({.runs = 2, .us = {100, 50}});
  runs[1].same.head.back().state = State::invalid;
  runs[1].same.head.back().why = "died\n\x1b[2J";
  const auto selftest = evaluate(runs, threshold(1), drawn(5));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_NE(selftest->text().find("left out  op1 cold: died\\x0a\\x1b[2J\n"), std::string::npos)
      << selftest->text();
}

TEST(Estimate, TakesOfAStoppedRunWhatItHasWhole) {
  auto runs = make({.runs = 3, .us = {100, 50}});
  std::vector<Record>& stopped = runs[2].same.head;
  stopped.erase(stopped.end() - 7, stopped.end());  // one block of the second subject is left
  const auto selftest = evaluate(runs, threshold(1), drawn(20));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->subjects, 2);
  EXPECT_TRUE(selftest->left_out.empty());
  EXPECT_EQ(selftest->real.subject_alarms.trials, 5);
  EXPECT_EQ(selftest->estimated.subject_alarms.trials, 40);
}

TEST(Estimate, OfNothingIsAnError) {
  EXPECT_FALSE(evaluate(make({.runs = 2, .blocks = 2}), threshold(1), drawn(5)));
  EXPECT_FALSE(evaluate({}, threshold(1), drawn(5)));
}

// ---- real slowdowns ----

/// The runs with a slowdown of 3 % of the first subject, measured as such.
std::vector<SelftestRun> with_slow(const Made& made) {
  auto runs = make(made);
  const auto slower = make(made, 99);
  for (size_t i = 0; i < runs.size(); ++i) {
    Sides& slow = runs[i].slow[1];
    slow = slower[i].same;
    const double own = runs[i].same.base[1].us.front();
    for (Record& record : slow.head) {
      if (record.subject.kind == Kind::ceiling) continue;
      record.delay_us = 0.03 * own;
      record.us.front() += 0.03 * own;
    }
  }
  return runs;
}

TEST(RealSlowdowns, AreCountedForTheSubjectWhoseTimeTheyAreAShareOf) {
  const auto selftest =
      evaluate(with_slow({.runs = 40, .us = {100, 50}, .spread = 1e-4}), threshold(0.02), drawn(5));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->real.power[1].long_found, (Rate{40, 40}));
  EXPECT_EQ(selftest->real.power[0].long_found, (Rate{0, 0}));
  EXPECT_NEAR(selftest->real.power[1].realised, 0.03, 0.001);
}

TEST(RealSlowdowns, AreNotToldToTheJudge) {
  const auto runs = with_slow({.runs = 2});
  ASSERT_GT(runs[0].slow[1].head.back().delay_us, 0);
  int64_t seen = 0;
  const auto judge = [&](std::span<const Record>, std::span<const Record> head) {
    for (const Record& record : head) EXPECT_EQ(record.delay_us, 0);
    seen += std::ranges::count(head, runs[0].slow[1].head.back().us, &Record::us);
    return std::map<Subject, Verdict>{};
  };
  ASSERT_TRUE(evaluate(runs, judge, {.resamples = 0, .blocks = 8, .seed = 1, .progress = {}}));
  EXPECT_EQ(seen, 1);
}

TEST(RealSlowdowns, AreMissedWhereTheJudgeMissesThem) {
  const auto selftest = evaluate(with_slow({.runs = 200}), threshold(0.03), drawn(5));
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->real.power[1].long_found.trials, 200);
  EXPECT_NEAR(selftest->real.power[1].long_found.share(), 0.5, 0.15);
}

TEST(Goals, AreOnePerCentAndNinetyFive) {
  Selftest selftest;
  selftest.estimated.alarms = {10, 1000};
  selftest.estimated.power[1].long_found = {950, 1000};
  EXPECT_TRUE(selftest.reaches_goals());
  EXPECT_TRUE(selftest.passes());
  selftest.estimated.alarms = {11, 1000};
  EXPECT_FALSE(selftest.reaches_goals());
  selftest.estimated.alarms = {10, 1000};
  selftest.estimated.power[1].long_found = {949, 1000};
  EXPECT_FALSE(selftest.reaches_goals());
  EXPECT_FALSE(selftest.passes());
}

TEST(Runs, AreReadFromTheirLabels) {
  std::vector<Record> base, head;
  const Subject subject{Kind::op, "a", "", Cache::none};
  for (const int64_t run : {1, 2}) {
    for (const double slowdown : {0.0, 0.01, 0.03, 0.1}) {
      for (std::vector<Record>* side : {&base, &head}) {
        side->push_back(record_of(subject, 0, static_cast<double>(run) + slowdown));
        side->back().run = run_label("2026 7", run, slowdown);
      }
    }
  }
  const auto runs = runs_of(base, head);
  ASSERT_TRUE(runs) << runs.error().message();
  ASSERT_EQ(runs->size(), 2u);
  EXPECT_EQ((*runs)[1].same.base.at(0).us, std::vector<double>{2});
  EXPECT_EQ((*runs)[0].slow[2].head.at(0).us, std::vector<double>{1.1});
  base[0].run = "2026 7/1/5";
  EXPECT_FALSE(runs_of(base, head));
  base[0].run = "of perf measure";
  EXPECT_FALSE(runs_of(base, head));
  EXPECT_FALSE(runs_of({}, {}));
}

}  // namespace
}  // namespace kigo::tools::perf
