// Records as curves: one a setting and subject, a point a run and commit, with the ceilings of that run.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// What the hardware reached in a run; 0 where it was not measured.
struct Ceilings {
  double bytes_per_s = 0;              // the faster one of those that move memory
  double flops_per_s = 0;              // the fastest product
  std::vector<const Record*> records;  // usable ones, the newest of each name, by name
  std::vector<const Record*> bad;      // invalid or timed out: they count for nothing
};

/// All blocks of a subject in a run, of one commit.
struct RunPoint {
  const Record* newest = nullptr;      // the last block that counts: an ok one where there is one
  const Ceilings* ceilings = nullptr;  // of the same run and setting; null without any
  int64_t blocks = 0;                  // those that count
  int64_t bad_blocks = 0;              // invalid or timed out
  State state = State::ok;             // ok where one block is
  bool verified = false;               // the values of one block at least were compared with the twin's
  int64_t samples = 0;                 // of the blocks that count
  double us = 0;   // the middle one of all samples of the blocks that count; NaN without any
  double low = 0;  // their lower and upper quartile
  double high = 0;

  /// Per second of `us`; 0 where it is not known.
  double bytes_per_s() const;
  double flops_per_s() const;
  double tokens_per_s() const;
};

/// How near a point is to the run's ceilings.
struct Share {
  double value = 0;       // NaN where it is not known
  bool of_flops = false;  // of the products, not of the memory's bandwidth
};

/// The larger one of the shares of bandwidth and products. Operands that the cache holds (Cache::hot) have no
/// share of the memory's bandwidth.
Share share_of_limit(const RunPoint& point);

struct Curve {
  const Setting* setting = nullptr;
  const Subject* subject = nullptr;
  std::vector<RunPoint> points;  // oldest first

  const RunPoint& newest() const { return points.back(); }
};

/// What a page shows, in an order that does not depend on the records' order.
struct Curves {
  std::vector<Curve> curves;                                     // by setting, then subject; no ceilings
  std::map<std::pair<Setting, std::string>, Ceilings> ceilings;  // by setting and run
  int64_t with_delay = 0;  // records of kigo perf selftest's slowdowns: in no curve

  Curves() = default;
  Curves(Curves&&) = default;  // points hold addresses of `ceilings`: a map's stay when it moves
  Curves& operator=(Curves&&) = default;
};

/// Keeps the addresses of `records`, which outlive the curves.
Curves curves_of(std::span<const Record> records);

}  // namespace kigo::tools::perf
