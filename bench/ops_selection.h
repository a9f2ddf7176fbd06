// What ops_bench measures: every pair's bench() cases, or one of each in a quick run.
#pragma once

#include <string>
#include <vector>

#include "tests/pairs/any_pair.h"

namespace kigo::bench {

struct Selected {
  pairs::PairPtr pair;
  pairs::CasePtr one;

  /// "op/rope_f32/tokens=1 heads=14 seed=1"
  std::string name() const;
};

/// All cases of all pairs, or with `quick` one of each: of those that are drawn and compared with the twin in
/// a fraction of a second, at most kMostQuickBytes and kMostQuickFlops, the one that moves the least but
/// kWorthwhileBytes, which keep a GPU busy for more than its launch; where none moves as much the one that
/// moves the most; where all take too long the one that moves the least.
std::vector<Selected> selected(bool quick);
inline constexpr double kMostQuickBytes = 4e7;
inline constexpr double kMostQuickFlops = 4e7;
inline constexpr double kWorthwhileBytes = 4e6;

}  // namespace kigo::bench
