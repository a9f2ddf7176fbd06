// What cannot be is said to be invalid.
#include "bench/limits.h"

#include <gtest/gtest.h>

namespace kigo::bench {
namespace {

using tools::perf::Cache;
using tools::perf::Kind;
using tools::perf::Record;
using tools::perf::State;

Record ceiling(const char* name, double us, double bytes, double flops) {
  Record record;
  record.subject = {Kind::ceiling, name, "", Cache::none};
  record.us = {us};
  record.bytes = bytes;
  record.flops = flops;
  return record;
}

Record kernel(Cache cache, double us, double bytes, double flops) {
  Record record = ceiling("linear_q4_k", us, bytes, flops);
  record.subject.kind = Kind::op;
  record.subject.cache = cache;
  return record;
}

/// 4 TB/s of copying, 4.5 TB/s of reading, 800 TFLOP/s.
Limits h200() {
  return limits_of(std::vector<Record>{ceiling(kCopy, 100, 4e8, 0), ceiling(kRead, 100, 4.5e8, 0),
                                       ceiling(kHalfProduct, 1000, 0, 8e11),
                                       ceiling(kFloatProduct, 1000, 0, 5e10)});
}

TEST(Limits, AreTheFasterOfCopyAndReadAndTheHalfProduct) {
  EXPECT_DOUBLE_EQ(h200().bytes_per_us, 4.5e6);
  EXPECT_DOUBLE_EQ(h200().flops_per_us, 8e8);
}

TEST(Limits, AreUnknownWithoutGoodCeilings) {
  Record bad = ceiling(kCopy, 100, 4e8, 0);
  bad.state = State::timed_out;
  const Limits limits = limits_of(std::vector<Record>{bad});
  EXPECT_EQ(limits.bytes_per_us, 0);
  EXPECT_EQ(beyond(kernel(Cache::cold, 1, 1e12, 1e15), limits), "");
}

TEST(Beyond, AllowsTheNoiseOfACeiling) {
  EXPECT_EQ(beyond(kernel(Cache::cold, 100, 4.5e8 * 1.019, 0), h200()), "");
  EXPECT_NE(beyond(kernel(Cache::cold, 100, 4.5e8 * 1.021, 0), h200()), "");
}

TEST(Beyond, NamesWhatIsClaimedAndWhatIsPossible) {
  EXPECT_EQ(beyond(kernel(Cache::row, 100, 9e8, 0), h200()),
            "9 TB/s, expected at most 4.5, which this hardware reached");
  EXPECT_EQ(beyond(kernel(Cache::row, 100, 0, 1.6e11), h200()),
            "1600 TFLOP/s, expected at most 800, which this hardware reached");
}

TEST(Beyond, LeavesOutTheBytesThatACacheHolds) {
  EXPECT_EQ(beyond(kernel(Cache::hot, 100, 9e8, 0), h200()), "");
  EXPECT_NE(beyond(kernel(Cache::hot, 100, 0, 1.6e11), h200()), "");
}

}  // namespace
}  // namespace kigo::bench
