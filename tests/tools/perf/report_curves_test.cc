// Records as curves.
#include "tools/lib/perf/report_curves.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tests/tools/perf/report_records.h"

namespace kigo::tools::perf {
namespace {

TEST(ReportCurves, APointIsTheSamplesOfAllBlocksOfARun) {
  std::vector<Record> records{test_record("linear", 1, 10), test_record("linear", 1, 20)};
  records[0].us = {1, 2};
  records[1].us = {5, 4, 3};
  records[1].block = 1;
  records[1].verified = false;  // once a run is enough
  const Curves curves = curves_of(records);
  ASSERT_EQ(curves.curves.size(), 1);
  ASSERT_EQ(curves.curves[0].points.size(), 1);
  const RunPoint& point = curves.curves[0].newest();
  EXPECT_EQ(point.us, 3);
  EXPECT_EQ(point.low, 2);
  EXPECT_EQ(point.high, 4);
  EXPECT_EQ(point.blocks, 2);
  EXPECT_EQ(point.newest, &records[1]);
  EXPECT_TRUE(point.verified);
}

TEST(ReportCurves, SettingsCachesAndCasesAreCurvesOfTheirOwn) {
  std::vector<Record> records(5, test_record("linear", 1, 10));
  records[1].setting.device = "Other GPU";
  records[2].subject.cache = Cache::hot;
  records[3].subject.text = "tokens=2 rows=64";
  records[4].setting.method = 2;
  const Curves curves = curves_of(records);
  EXPECT_EQ(curves.curves.size(), 5);
  for (const Curve& curve : curves.curves) EXPECT_EQ(curve.points.size(), 1);
}

TEST(ReportCurves, TwoCommitsOfOneRunAreTwoPoints) {
  std::vector<Record> records{test_record("linear", 1, 10), test_record("linear", 1, 11)};
  records[1].commit = "another";
  EXPECT_EQ(curves_of(records).curves.at(0).points.size(), 2);
}

TEST(ReportCurves, PointsAreInTheOrderOfTimeWhateverTheRecordsOrder) {
  std::vector<Record> records{test_record("linear", 1, 1), test_record("linear", 2, 2),
                              test_record("linear", 3, 3)};
  std::array<size_t, 3> order{0, 1, 2};
  do {
    const std::vector<Record> shuffled{records[order[0]], records[order[1]], records[order[2]]};
    const Curves curves = curves_of(shuffled);
    ASSERT_EQ(curves.curves.at(0).points.size(), 3);
    for (size_t i = 0; i < 3; ++i) EXPECT_EQ(curves.curves[0].points[i].us, static_cast<double>(i + 1));
  } while (std::ranges::next_permutation(order).found);
}

TEST(ReportCurves, AnInvalidRunIsAPointWithoutATime) {
  std::vector<Record> records{test_record("linear", 1, 10)};
  records[0].state = State::invalid;
  records[0].why = "104 % of the copy";
  const Curves curves = curves_of(records);
  const RunPoint& point = curves.curves.at(0).newest();
  EXPECT_EQ(point.state, State::invalid);
  EXPECT_TRUE(std::isnan(point.us));
  EXPECT_EQ(point.bad_blocks, 1);
  EXPECT_EQ(point.newest->why, "104 % of the copy");
  EXPECT_TRUE(std::isnan(share_of_limit(point).value));
}

TEST(ReportCurves, AGoodBlockOutweighsABadOne) {
  std::vector<Record> records{test_record("linear", 1, 10), test_record("linear", 1, 99)};
  records[1].state = State::timed_out;
  records[1].block = 1;
  const Curves curves = curves_of(records);
  const RunPoint& point = curves.curves.at(0).newest();
  EXPECT_EQ(point.state, State::ok);
  EXPECT_EQ(point.us, 10);
  EXPECT_EQ(point.bad_blocks, 1);
}

TEST(ReportCurves, ATimeOutKeepsTheSamplesUntilThen) {
  std::vector<Record> records{test_record("linear", 1, 10)};
  records[0].state = State::timed_out;
  const Curves curves = curves_of(records);
  EXPECT_EQ(curves.curves.at(0).newest().us, 10);
  EXPECT_EQ(curves.curves[0].newest().state, State::timed_out);
}

TEST(ReportCurves, ADelayPutInOnPurposeIsInNoCurve) {
  std::vector<Record> records{test_record("linear", 1, 10)};
  records[0].delay_us = 3;
  const Curves curves = curves_of(records);
  EXPECT_TRUE(curves.curves.empty());
  EXPECT_EQ(curves.with_delay, 1);
}

TEST(ReportShare, IsOfTheSameRunsCeilings) {
  std::vector<Record> records = test_ceilings(1);
  records.push_back(test_record("linear", 1, 2));  // 4 MB in 2 us: 2 TB/s of 4
  records.push_back(test_record("linear", 2, 2));  // a run without ceilings
  const Curves curves = curves_of(records);
  ASSERT_EQ(curves.curves.at(0).points.size(), 2);
  EXPECT_DOUBLE_EQ(share_of_limit(curves.curves[0].points[0]).value, 0.5);
  EXPECT_FALSE(share_of_limit(curves.curves[0].points[0]).of_flops);
  EXPECT_TRUE(std::isnan(share_of_limit(curves.curves[0].points[1]).value));
}

TEST(ReportShare, IsOfTheProductsWhereThoseAreNearer) {
  std::vector<Record> records = test_ceilings(1);
  records.push_back(test_record("linear", 1, 2));
  records.back().flops = 8e8;  // 400 TFLOP/s of 500
  const Curves curves = curves_of(records);
  const Share share = share_of_limit(curves.curves.at(0).newest());
  EXPECT_DOUBLE_EQ(share.value, 0.8);
  EXPECT_TRUE(share.of_flops);
}

TEST(ReportShare, WhatTheCacheHoldsHasNoShareOfTheMemory) {
  std::vector<Record> records = test_ceilings(1);
  records.push_back(test_record("linear", 1, 0.5, Kind::op, Cache::hot));  // 8 TB/s would be 200 %
  const Curves curves = curves_of(records);
  const Share share = share_of_limit(curves.curves.at(0).newest());
  EXPECT_DOUBLE_EQ(share.value, 0.032);  // 16 of 500 TFLOP/s
  EXPECT_TRUE(share.of_flops);
}

TEST(ReportShare, CeilingsOfAnotherSettingDoNotCount) {
  std::vector<Record> records = test_ceilings(1);
  records.push_back(test_record("linear", 1, 2));
  records.back().setting.clocks = "sm 1000 MHz";
  EXPECT_TRUE(std::isnan(share_of_limit(curves_of(records).curves.at(0).newest()).value));
}

TEST(ReportShare, AnInvalidCeilingIsNone) {
  std::vector<Record> records = test_ceilings(1);
  for (Record& record : records) record.state = State::invalid;
  records.push_back(test_record("linear", 1, 2));
  EXPECT_TRUE(std::isnan(share_of_limit(curves_of(records).curves.at(0).newest()).value));
}

}  // namespace
}  // namespace kigo::tools::perf
