// Synthetic records for the tests of what is shown.
#pragma once

#include <string>
#include <vector>

#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

inline Setting test_setting(const std::string& device = "Test GPU") {
  return {device, "580.1", "13.0", "sm 1980 MHz, memory 3201 MHz", "nvcc 13.0 sm_90 release", 1};
}

/// A good measurement of `name` in run `run`: times of 3 samples around `us`.
inline Record test_record(const std::string& name, int64_t run, double us, Kind kind = Kind::op,
                          Cache cache = Cache::cold) {
  Record record;
  const std::string day = std::to_string(10 + run % 20);
  const std::string minute = std::to_string(10 + run / 20 % 50);
  record.time = "2026-11-" + day + "T06:" + minute + ":02.003Z";
  record.run = "run-" + std::to_string(1000 + run);
  record.machine = "test-machine";
  record.commit = "c0ffee" + std::to_string(100000 + run);
  record.setting = test_setting();
  record.subject = {kind, name, "tokens=1 rows=64", cache};
  record.us = {us * 0.98, us, us * 1.04};
  record.verified = true;
  record.bytes = 4e6;
  record.flops = 8e6;
  return record;
}

inline bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How often `part` is in the text.
inline size_t occurrences(const std::string& text, const std::string& part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

/// What the test's GPU can do: 4 TB/s copied, 500 TFLOP/s in products.
inline std::vector<Record> test_ceilings(int64_t run) {
  Record copy = test_record("copy", run, 1000, Kind::ceiling, Cache::none);
  copy.subject.text = "bytes=4000000000";
  copy.us = {1000};
  copy.bytes = 4e9;
  copy.flops = 0;
  Record half = test_record("half", run, 1000, Kind::ceiling, Cache::none);
  half.subject.text = "m=n=k=8192";
  half.us = {1000};
  half.bytes = 0;
  half.flops = 5e11;
  return {copy, half};
}

}  // namespace kigo::tools::perf
