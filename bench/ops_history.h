// The history of kernel times: one line of JSON for each measurement, appended to files in bench/history. The
// fields are described in bench/README.md.
#pragma once

#include <fstream>
#include <string>

#include "core/base/result.h"

namespace kigo::bench {

/// Where the measurements of one run were taken.
struct Setup {
  std::string machine;
  std::string gpu;
  std::string driver;  // the newest CUDA version that it supports: "13.0"
  std::string cuda;    // the runtime's version
  std::string commit;
  std::string date;  // "2026-08-01"
  double copy_bytes_per_s = 0;
  double half_flops_per_s = 0;
};

struct Measurement {
  std::string pair;
  std::string text;  // of the case
  double cold_us = 0;
  double row_us = 0;  // 0: not measured
  double hot_us = 0;
  double bytes = 0;
  double flops = 0;
};

/// One line, with a line feed.
std::string history_line(const Setup& setup, const Measurement& measured);

/// A file that grows by a line for each measurement, at once: what was measured is there even if the run is
/// stopped.
class History {
 public:
  /// Appends to what is there. Errors: io.
  static Result<History> open(const std::string& path);
  /// Errors: io.
  Status add(const Setup& setup, const Measurement& measured);

 private:
  std::string path_;
  std::ofstream file_;
};

}  // namespace kigo::bench
