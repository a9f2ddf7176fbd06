// The roofline chart.
#include "tools/lib/perf/report_roofline.h"

#include <gtest/gtest.h>

#include <regex>

#include "tests/tools/perf/report_records.h"

namespace kigo::tools::perf {
namespace {

TEST(ReportRoofline, PlacesAKernelByItsOperations) {
  const std::vector<Record> records{test_record("linear_q4_k", 1, 2)};
  const Curves curves = curves_of(records);
  const auto points = roofline_points(curves.curves);
  ASSERT_EQ(points.size(), 1);
  EXPECT_EQ(points[0].flops_per_byte, 2);
  EXPECT_DOUBLE_EQ(points[0].flops_per_s, 4e12);
}

TEST(ReportRoofline, TakesInARowBeforeColdAndNeverHot) {
  std::vector<Record> records{test_record("linear", 1, 4), test_record("linear", 1, 3, Kind::op, Cache::row),
                              test_record("linear", 1, 2, Kind::op, Cache::hot),
                              test_record("norm", 1, 2, Kind::op, Cache::hot)};
  const Curves curves = curves_of(records);
  const auto points = roofline_points(curves.curves);
  ASSERT_EQ(points.size(), 1);
  EXPECT_EQ(points[0].curve->subject->cache, Cache::row);
}

TEST(ReportRoofline, LeavesOutWhatHasNoPlace) {
  std::vector<Record> records(4, test_record("a", 1, 2));
  records[0].flops = 0;
  records[1].subject.name = "b";
  records[1].bytes = 0;
  records[2].subject.name = "c";
  records[2].state = State::invalid;
  records[3].subject = {Kind::model, "d", "", Cache::none};
  EXPECT_TRUE(roofline_points(curves_of(records).curves).empty());
}

TEST(ReportRoofline, DrawsEveryPointAndEveryCeiling) {
  std::vector<Record> records = test_ceilings(1);
  for (const char* name : {"linear_a", "linear_b", "norm", "attention", "rope", "copy", "head", "embed"})
    records.push_back(test_record(name, 1, 2));
  const Curves curves = curves_of(records);
  const auto points = roofline_points(curves.curves);
  const std::string chart = roofline(points, &curves.ceilings.begin()->second);
  EXPECT_EQ(occurrences(chart, "of the limit</title>"), 8);
  EXPECT_EQ(occurrences(chart, "class=\"roof "), 4);  // two lines, and each in the legend
  EXPECT_NE(chart.find("half 500 TFLOP/s"), std::string::npos);
  EXPECT_NE(chart.find("copy 4.00 TB/s"), std::string::npos);
  EXPECT_NE(
      chart.find("linear_a tokens=1 rows=64 cold: 2.00 us, 2.00 TB/s, 4.00 TFLOP/s, 50.0 % of the limit"),
      std::string::npos);
}

TEST(ReportRoofline, ACeilingIsAboveWhatItBounds) {
  std::vector<Record> records = test_ceilings(1);
  records.push_back(test_record("linear", 1, 1));  // exactly the copy's bandwidth: on the line
  const Curves curves = curves_of(records);
  const std::string chart = roofline(roofline_points(curves.curves), &curves.ceilings.begin()->second);
  const std::regex rising(
      R"re(<line class="roof dash0" x1="([\d.]+)" y1="([\d.]+)" x2="([\d.]+)" y2="([\d.]+)"/>)re");
  const std::regex mark(R"re(<circle class="family0" cx="([\d.]+)" cy="([\d.]+)" r="4"><title>)re");
  std::smatch line;
  std::smatch point;
  ASSERT_TRUE(std::regex_search(chart, line, rising));
  ASSERT_TRUE(std::regex_search(chart, point, mark));
  const auto number = [](const std::ssub_match& match) { return std::stod(match.str()); };
  const double part = (number(point[1]) - number(line[1])) / (number(line[3]) - number(line[1]));
  EXPECT_NEAR(number(point[2]), number(line[2]) + part * (number(line[4]) - number(line[2])), 0.3);
}

TEST(ReportRoofline, NeedsNoCeilings) {
  const std::vector<Record> records{test_record("linear", 1, 2)};
  const Curves curves = curves_of(records);
  const std::string chart = roofline(roofline_points(curves.curves), nullptr);
  EXPECT_EQ(occurrences(chart, "class=\"roof "), 0);
  EXPECT_EQ(occurrences(chart, "of the limit</title>"), 1);
}

TEST(ReportRoofline, SaysWhereThereIsNothing) {
  EXPECT_EQ(occurrences(roofline({}, nullptr), "<svg"), 0);
  EXPECT_NE(roofline({}, nullptr).find("No roofline"), std::string::npos);
}

TEST(ReportRoofline, SurvivesAbsurdFigures) {
  std::vector<Record> records(3, test_record("linear", 1, 1e-300));
  records[1].subject.name = "b";
  records[1].us = {1e300};
  records[1].flops = 1e-300;
  records[2].subject.name = "c";
  records[2].bytes = 1e300;
  const Curves curves = curves_of(records);
  const std::string chart = roofline(roofline_points(curves.curves), nullptr);
  EXPECT_EQ(chart.find("nan"), std::string::npos);
  EXPECT_EQ(chart.find("inf"), std::string::npos);
}

}  // namespace
}  // namespace kigo::tools::perf
