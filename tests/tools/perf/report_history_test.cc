// One curve as a small drawing.
#include "tools/lib/perf/report_history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>

#include "tests/tools/perf/report_records.h"

namespace kigo::tools::perf {
namespace {

std::vector<Record> runs(int64_t count) {
  std::vector<Record> records;
  for (int64_t run = 0; run < count; ++run) records.push_back(test_record("linear", run, 10));
  return records;
}

ShownVerdict verdict_on(const Record& record, Verdict verdict) {
  return {record.setting, record.subject, record.run, record.commit, "ba5e",
          verdict,        0.05,           0.04,       0.06,          "5 % more time"};
}

/// How many points the line has.
size_t drawn_points(const std::string& drawing) {
  std::smatch found;
  if (!std::regex_search(drawing, found, std::regex("class=\"median\" points=\"([^\"]*)\""))) return 0;
  const std::string points = found[1];
  return static_cast<size_t>(std::ranges::count(points, ','));
}

TEST(ReportHistory, SaysTheNewestValue) {
  const auto records = runs(3);
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  EXPECT_TRUE(has(drawing, "<title>linear tokens=1 rows=64 cold: 3 runs, newest 10.0 us</title>")) << drawing;
  EXPECT_EQ(drawn_points(drawing), 3);
}

TEST(ReportHistory, ShowsTheNewestRunsOnly) {
  auto records = runs(kDrawnRuns + 7);
  const Curves all = curves_of(records);
  // What is oldest is slow: the largest value that is drawn says whether it is left out.
  for (Record& record : records)
    for (size_t i = 0; i < 7; ++i)
      if (record.run == all.curves.at(0).points[i].newest->run) record.us = {500};
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  EXPECT_EQ(drawn_points(drawing), kDrawnRuns);
  EXPECT_FALSE(has(drawing, "500 us")) << drawing;
}

TEST(ReportHistory, LessTimeIsLower) {
  std::vector<Record> records = runs(2);
  for (double& us : records[1].us) us /= 2;
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  std::smatch found;
  ASSERT_TRUE(std::regex_search(drawing, found,
                                std::regex("points=\"[\\d.]+,([\\d.]+) [\\d.]+,([\\d.]+)\"/><circle")));
  EXPECT_LT(std::stod(found[1]), std::stod(found[2]));  // y grows downwards
}

TEST(ReportHistory, MarksAVerdictWithShapeAndReason) {
  const auto records = runs(3);
  const Curves curves = curves_of(records);
  const std::vector<ShownVerdict> verdicts{verdict_on(records[1], Verdict::slow)};
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex(verdicts));
  EXPECT_TRUE(has(drawing, "<polygon class=\"slow\"")) << drawing;
  EXPECT_TRUE(has(drawing, "SLOW +5.00 % against ba5e: 5 % more time</title>")) << drawing;
  EXPECT_TRUE(has(drawing, "newest 10.0 us, 1 SLOW</title>")) << drawing;
}

TEST(ReportHistory, AVerdictOnAnotherSettingCaseOrCommitIsNotShown) {
  const auto records = runs(2);
  const Curves curves = curves_of(records);
  std::vector<ShownVerdict> verdicts(4, verdict_on(records[1], Verdict::slow));
  verdicts[0].setting.driver = "other";
  verdicts[1].subject.text = "other";
  verdicts[2].commit = "other";
  verdicts[3].run = "other";
  EXPECT_FALSE(has(history_drawing(curves.curves.at(0), VerdictIndex(verdicts)), "slow"));
}

TEST(ReportHistory, TheGravestVerdictCounts) {
  const auto records = runs(1);
  const Curves curves = curves_of(records);
  const std::vector<ShownVerdict> verdicts{verdict_on(records[0], Verdict::same),
                                           verdict_on(records[0], Verdict::slow),
                                           verdict_on(records[0], Verdict::fast)};
  const VerdictIndex index(verdicts);
  EXPECT_EQ(index.find(curves.curves.at(0), curves.curves[0].newest()), &verdicts[1]);
}

TEST(ReportHistory, AnInvalidRunBreaksTheLineAndIsMarked) {
  std::vector<Record> records = runs(5);
  records[2].state = State::invalid;
  records[2].why = "120 % of the copy";
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  EXPECT_TRUE(has(drawing, "<polygon class=\"invalid\"")) << drawing;
  EXPECT_TRUE(has(drawing, "invalid: 120 % of the copy</title>")) << drawing;
  EXPECT_TRUE(has(drawing, "1 measured invalid</title>")) << drawing;
  EXPECT_EQ(drawn_points(drawing), 2);  // the first of two stretches
}

TEST(ReportHistory, ATimeOutIsMarkedWhereItsSamplesAre) {
  std::vector<Record> records = runs(2);
  records[1].state = State::timed_out;
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  EXPECT_TRUE(has(drawing, "<polygon class=\"timed_out\"")) << drawing;
  EXPECT_EQ(drawn_points(drawing), 2);
}

TEST(ReportHistory, NothingButInvalidRunsIsStillADrawing) {
  std::vector<Record> records = runs(2);
  for (Record& record : records) record.state = State::invalid;
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  EXPECT_EQ(drawn_points(drawing), 0);
  EXPECT_TRUE(has(drawing, "2 measured invalid"));
}

TEST(ReportHistory, TokensASecondWhereThereAreTokens) {
  std::vector<Record> records{test_record("qwen2", 1, 1e6, Kind::model, Cache::none)};
  records[0].tokens = 12'800;
  const Curves curves = curves_of(records);
  EXPECT_EQ(value_text(curves.curves.at(0).newest()), "12,800 tokens/s");
  EXPECT_EQ(interval_text(curves.curves[0].newest()), "12,549 tokens/s to 12,929 tokens/s");
}

TEST(ReportHistory, TheIntervalHoldsTheMiddleHalf) {
  const std::vector<Record> records{test_record("linear", 1, 100)};  // 98, 100, 104
  const Curves curves = curves_of(records);
  EXPECT_EQ(interval_text(curves.curves.at(0).newest()), "99.0 us to 102 us");
}

TEST(ReportHistory, OneSampleHasNoInterval) {
  std::vector<Record> records{test_record("linear", 1, 100)};
  records[0].us = {100};
  const Curves curves = curves_of(records);
  EXPECT_EQ(interval_text(curves.curves.at(0).newest()), "–");
}

TEST(ReportHistory, SurvivesAbsurdFigures) {
  std::vector<Record> records = runs(3);
  records[0].us = {1e-308, 1e308};
  records[1].us = {1.7e308, 1.7e308};
  records[2].us = {0, -1, 5e-324};
  records[2].tokens = 1e300;
  const Curves curves = curves_of(records);
  const std::string drawing = history_drawing(curves.curves.at(0), VerdictIndex({}));
  EXPECT_FALSE(has(drawing, "nan"));
  EXPECT_FALSE(has(drawing, "inf"));
}

}  // namespace
}  // namespace kigo::tools::perf
