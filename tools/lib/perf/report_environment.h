// Where and how records were measured, summed up.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// Of a quantity, from the smallest to the largest; nothing where low > high.
struct Range {
  double low = 1;
  double high = 0;
  void add(double value);
  bool empty() const { return low > high; }
};

/// What the records of one setting have in common, or the spread of it.
struct Environment {
  std::set<std::string> machines;
  std::set<std::string> throttles;  // reasons, as NVML names them
  Range mhz;
  Range temperature_c;
  Range power_w;
  int64_t records = 0;
  int64_t discarded = 0;  // samples
  int64_t samples = 0;
  std::map<Subject, bool> verified;  // cases of kernels with a good record: whether values were compared
  int64_t timed_out = 0;
  int64_t invalid = 0;
  std::string first_time;
  std::string last_time;

  void add(const Record& record);
};

/// Names with what they stand for, in words: {"device", "NVIDIA H200"}, {"SM clock", "1,965 to 1,980 MHz"}
/// ...
std::vector<std::pair<std::string, std::string>> rows_of(const Setting& setting,
                                                         const Environment& environment);

}  // namespace kigo::tools::perf
