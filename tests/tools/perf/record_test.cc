// A record as a line of JSON and back.
#include "tools/lib/perf/record.h"

#include <gtest/gtest.h>

#include <cmath>

namespace kigo::tools::perf {
namespace {

Record whole() {
  Record record;
  record.time = "2026-11-22T06:01:02.003Z";
  record.run = "r1";
  record.block = 3;
  record.machine = "h200";
  record.commit = "abc";
  record.code = "00ff";
  record.setting = {"NVIDIA H200", "580.1", "13.0", "sm 1980 MHz", "g++ -O3", 2};
  record.subject = {Kind::op, "linear_q4_k", "tokens=1 rows=64", Cache::cold};
  record.state = State::timed_out;
  record.why = "10 of 20 \"samples\"";
  record.us = {14.3, 14.2, 15};
  record.mhz = {1980, 1979.5, 1980};
  record.discarded = 1;
  record.verified = true;
  record.bytes = 12345678901.0;
  record.flops = 2e9;
  record.tokens = 1;
  record.delay_us = 0.25;
  record.kernels = {{"_Z1kv", 40, 8, 49152, 0.5, 2}, {"_Z1mv", 0, 0, 0, 0, 1}};
  record.temperature_c = 41;
  record.power_w = 312.5;
  record.throttle = "none";
  return record;
}

std::string refusal(std::string_view line) {
  const auto parsed = parse_record(line, "f.jsonl:7");
  return parsed ? "read" : parsed.error().message();
}

TEST(PerfRecord, KeepsEveryMember) {
  const auto read = parse_record(line_of(whole()), "f");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, whole());
}

TEST(PerfRecord, IsOneLineInTheOrderOfTheTable) {
  Record record;
  record.time = "2026-11-22T06:01:02.003Z";
  record.subject = {Kind::op, "rope", "tokens=1", Cache::none};
  record.us = {1.23456789, 1e-7, 4000000};
  EXPECT_EQ(line_of(record),
            "{\"time\":\"2026-11-22T06:01:02.003Z\",\"kind\":\"op\",\"name\":\"rope\",\"case\":\"tokens=1\","
            "\"us\":[1.23457,1e-07,4000000]}\n");
}

TEST(PerfRecord, KeepsWhatIsNoNumberForTheVerdict) {
  Record record = whole();
  record.us = {std::nan(""), INFINITY, -INFINITY};
  const auto read = parse_record(line_of(record), "f");
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_TRUE(std::isnan(read->us[0]));
  EXPECT_EQ(read->us[1], INFINITY);
  EXPECT_EQ(read->us[2], -INFINITY);
}

TEST(PerfRecord, ThatIsCutIsRefused) {
  const std::string line = line_of(whole());
  for (size_t size = 0; size < line.size() - 2; ++size)
    EXPECT_NE(refusal(line.substr(0, size)), "read") << size;
}

TEST(PerfRecord, RefusalsNameTheMember) {
  const std::string start = R"({"time":"2026-11-22T06:01:02.003Z","kind":"op","name":"rope")";
  EXPECT_EQ(refusal(start + "}"), "read");
  EXPECT_NE(refusal(start + R"(,"us":3})").find("f.jsonl:7, us: 3, expected an array"), std::string::npos);
  EXPECT_NE(refusal(start + R"(,"block":-1})").find("f.jsonl:7, block: -1"), std::string::npos);
  EXPECT_NE(refusal(start + R"(,"cache":"warm"})").find("f.jsonl:7, cache: \"warm\""), std::string::npos);
  EXPECT_NE(refusal(start + R"(,"us":[1,2],"mhz":[3]})").find("mhz: 1 numbers, expected 2"),
            std::string::npos);
  EXPECT_NE(refusal(start + R"(,"speed":1})").find("members: 1 more"), std::string::npos);
  EXPECT_NE(refusal(start + R"(,"kernels":[{"regs":1}]})").find("kernels"), std::string::npos);
  EXPECT_NE(refusal(R"({"time":"2026-11-22","kind":"op","name":"rope"})").find("time: 2026-11-22"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"time":"2026-11-22T06:01:02.003Z","name":"rope"})").find("kind"), std::string::npos);
  EXPECT_NE(refusal(R"({"time":"2026-11-22T06:01:02.003Z","kind":"op"})").find("name"), std::string::npos);
  EXPECT_NE(refusal("[]").find("no object"), std::string::npos);
}

TEST(PerfRecord, OfTheOldFormatIsSaidToBe) {
  EXPECT_NE(refusal(R"({"date":"2026-11-21","pair":"rope","case":"x"})").find("a line as before"),
            std::string::npos);
  EXPECT_NE(refusal(R"({"date":"2026-11-21","bench":"model"})").find("a line as before"), std::string::npos);
}

TEST(PerfRecord, MedianIsTheMiddle) {
  Record record;
  EXPECT_TRUE(std::isnan(median_us(record)));
  record.us = {3, 1, 2};
  EXPECT_EQ(median_us(record), 2);
  record.us = {4, 1, 2, 30};
  EXPECT_EQ(median_us(record), 3);
}

TEST(PerfRecord, SubjectReadsAsOneLine) {
  EXPECT_EQ(text_of(whole().subject), "linear_q4_k tokens=1 rows=64 cold");
  EXPECT_EQ(text_of(Subject{Kind::ceiling, "copy", "", Cache::none}), "copy");
}

}  // namespace
}  // namespace kigo::tools::perf
