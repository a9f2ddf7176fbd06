// One curve as a small drawing: the newest runs, the interval of their samples, and the verdicts.
#pragma once

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <tuple>

#include "tools/lib/perf/report_curves.h"
#include "tools/lib/perf/summary.h"

namespace kigo::tools::perf {

/// Runs that a drawing shows: the newest ones.
inline constexpr size_t kDrawnRuns = 50;

/// Finds verdicts by what they are on. Keeps addresses: the verdicts outlive it.
class VerdictIndex {
 public:
  explicit VerdictIndex(std::span<const ShownVerdict> verdicts);
  /// The verdict on a point of a curve, the gravest where there are several (base, anchor); null without one.
  const ShownVerdict* find(const Curve& curve, const RunPoint& point) const;

 private:
  struct Less {
    bool operator()(const ShownVerdict* a, const ShownVerdict* b) const;
  };
  std::map<const ShownVerdict*, const ShownVerdict*, Less> gravest_;
};

/// The value that a curve shows: tokens a second where it is a matter of tokens, else the time.
std::string value_text(const RunPoint& point);
/// The lower and upper quartile of it: "4.20 us to 4.31 us"; kUnknown for one sample.
std::string interval_text(const RunPoint& point);

/// The drawing: runs from left to right at equal distances, a larger value higher up (of time less is better,
/// of tokens a second more). A run without a value is a mark at the lower edge.
std::string history_drawing(const Curve& curve, const VerdictIndex& verdicts);

}  // namespace kigo::tools::perf
