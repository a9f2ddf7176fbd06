// Verdicts as they are shown.
#include "tools/lib/perf/shown_verdicts.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/tools/perf/report_records.h"

namespace kigo::tools::perf {
namespace {

/// Four blocks of each of 12 kernels at two commits in turns; the last kernel's time at the second one is
/// `factor` of the first's.
std::vector<Record> pair_of_builds(double factor, const std::string& run = "run-1001") {
  std::vector<Record> records;
  for (int64_t block = 0; block < 4; ++block) {
    for (int64_t kernel = 0; kernel < 12; ++kernel) {
      for (const bool head : {false, true}) {
        Record record = test_record("kernel_" + std::to_string(kernel), 1, 1);
        record.run = run;
        record.block = block;
        record.commit = head ? "aaaa" : "bbbb";  // the newer one comes first by name
        record.time = "2026-11-22T06:0" + std::to_string(2 * block + (head ? 1 : 0)) + ":00.000Z";
        record.us.clear();
        for (int64_t i = 0; i < 20; ++i) {
          const double wobble = 1 + 0.0005 * static_cast<double>((i * 7 + block * 3 + kernel) % 11 - 5);
          record.us.push_back(50 * wobble * (head && kernel == 11 ? factor : 1));
        }
        records.push_back(record);
      }
    }
  }
  return records;
}

const ShownVerdict* on(const std::vector<ShownVerdict>& verdicts, const std::string& name) {
  for (const ShownVerdict& verdict : verdicts)
    if (verdict.subject.name == name) return &verdict;
  return nullptr;
}

TEST(ShownVerdicts, APairInTheHistoryIsJudgedAgain) {
  const auto verdicts = past_verdicts(pair_of_builds(1.2));
  ASSERT_EQ(verdicts.size(), 12);
  const ShownVerdict* slow = on(verdicts, "kernel_11");
  ASSERT_NE(slow, nullptr);
  EXPECT_EQ(slow->verdict, Verdict::slow) << slow->reason;
  EXPECT_EQ(slow->base, "bbbb") << "what was measured first";
  EXPECT_EQ(slow->commit, "aaaa");
  EXPECT_EQ(slow->run, "run-1001");
  EXPECT_NEAR(slow->change, 0.2, 0.01);
  EXPECT_LE(slow->low, slow->change);
  EXPECT_GE(slow->high, slow->change);
  EXPECT_EQ(on(verdicts, "kernel_3")->verdict, Verdict::same) << on(verdicts, "kernel_3")->reason;
}

TEST(ShownVerdicts, ARunOfOneCommitHasNone) {
  std::vector<Record> records = pair_of_builds(1.2);
  for (Record& record : records) record.commit = "bbbb";
  EXPECT_TRUE(past_verdicts(records).empty());
}

TEST(ShownVerdicts, TwoRunsAreNotMixed) {
  std::vector<Record> records = pair_of_builds(1.0, "run-1");
  for (const Record& record : pair_of_builds(1.2, "run-2")) records.push_back(record);
  const auto verdicts = past_verdicts(records);
  ASSERT_EQ(verdicts.size(), 24);
  for (const ShownVerdict& verdict : verdicts)
    EXPECT_EQ(verdict.verdict == Verdict::slow,
              verdict.run == "run-2" && verdict.subject.name == "kernel_11");
}

TEST(ShownVerdicts, ADelayPutInOnPurposeIsNoNews) {
  std::vector<Record> records = pair_of_builds(1.2);
  for (Record& record : records) record.delay_us = 10;
  EXPECT_TRUE(past_verdicts(records).empty());
}

TEST(ShownVerdicts, WhatOneSideLacksHasNoChange) {
  std::vector<Record> base = {test_record("gone", 1, 10)};
  std::vector<Record> head = {test_record("new", 1, 10)};
  const auto verdicts = shown(decide(base, head, {}), base, head);
  ASSERT_EQ(verdicts.size(), 2);
  for (const ShownVerdict& verdict : verdicts) {
    EXPECT_TRUE(std::isnan(verdict.change));
    EXPECT_FALSE(verdict.reason.empty());
  }
  EXPECT_EQ(on(verdicts, "new")->base, "");
}

}  // namespace
}  // namespace kigo::tools::perf
