// What cannot be is said to be invalid.
#include "tools/lib/perf/validity.h"

#include <gtest/gtest.h>

namespace kigo::tools::perf {
namespace {

Record ceiling(const char* name, double us, double bytes, double flops) {
  Record record;
  record.run = "r";
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
  return limits_of(std::vector<Record>{ceiling("copy", 100, 4e8, 0), ceiling("read", 100, 4.5e8, 0),
                                       ceiling("gemm_half", 1000, 0, 8e11),
                                       ceiling("gemm_float", 1000, 0, 5e10)})
      .at("r");
}

TEST(Limits, AreTheFasterOfCopyAndReadAndOfTheProducts) {
  EXPECT_DOUBLE_EQ(h200().bytes_per_us, 4.5e6);
  EXPECT_DOUBLE_EQ(h200().flops_per_us, 8e8);
}

TEST(Limits, AreUnknownWithoutGoodCeilings) {
  Record bad = ceiling("copy", 100, 4e8, 0);
  bad.state = State::timed_out;
  const Limits limits = limits_of(std::vector<Record>{bad}).at("r");
  EXPECT_EQ(limits.bytes_per_us, 0);
  EXPECT_EQ(limits.flops_per_us, 0);
  EXPECT_EQ(beyond(kernel(Cache::cold, 1, 1e12, 1e15), {}), "");
}

/// The ceiling of half products timed out: those of floats are none for a half product.
TEST(Limits, AreUnknownWhereTheFastestCeilingMayBeMissing) {
  Record half = ceiling("gemm_half", 1000, 0, 8e11);
  half.state = State::invalid;
  for (const bool last : {false, true}) {
    std::vector<Record> records = {ceiling("read", 100, 4.5e8, 0), ceiling("gemm_float", 1000, 0, 5e10)};
    records.insert(last ? records.end() : records.begin(), half);
    const Limits limits = limits_of(records).at("r");
    EXPECT_EQ(limits.bytes_per_us, 4.5e6);
    EXPECT_EQ(limits.flops_per_us, 0);
  }
}

TEST(Beyond, AllowsTheNoiseOfACeiling) {
  EXPECT_EQ(beyond(kernel(Cache::cold, 100, 4.5e8 * 1.019, 0), h200()), "");
  EXPECT_NE(beyond(kernel(Cache::cold, 100, 4.5e8 * 1.021, 0), h200()), "");
}

TEST(Beyond, NamesWhatIsClaimedAndWhatIsPossible) {
  EXPECT_EQ(beyond(kernel(Cache::row, 100, 9e8, 0), h200()),
            "200 % of the 4.5 TB/s that the hardware reached in the same run, expected at most 102");
  EXPECT_EQ(beyond(kernel(Cache::row, 100, 0, 1.6e11), h200()),
            "200 % of the 800 TFLOP/s that the hardware reached in the same run, expected at most 102");
}

TEST(Beyond, IsNeverTheLimitItself) {
  EXPECT_EQ(beyond(kernel(Cache::cold, 100, 4.5e8 * 1.021, 0), h200()),
            "102.1 % of the 4.5 TB/s that the hardware reached in the same run, expected at most 102");
}

TEST(Beyond, LeavesOutTheBytesThatACacheHolds) {
  EXPECT_EQ(beyond(kernel(Cache::hot, 100, 9e8, 0), h200()), "");
  EXPECT_NE(beyond(kernel(Cache::hot, 100, 0, 1.6e11), h200()), "");
}

}  // namespace
}  // namespace kigo::tools::perf
