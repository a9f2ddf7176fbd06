// How often something happened, and how far from that the true rate may be.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/json.h"

namespace kigo::tools::perf {

/// `count` of `trials`, e.g. runs with a false alarm.
struct Rate {
  int64_t count = 0;
  int64_t trials = 0;
  bool operator==(const Rate&) const = default;

  void add(bool happened) {
    count += happened ? 1 : 0;
    ++trials;
  }
  double share() const;  // NaN without a trial
};

struct Interval {
  double low = 0;
  double high = 1;
};

/// Where the true rate lies with a confidence of 95 %: Clopper and Pearson's exact interval, 2.5 % on each
/// side; with 0 or all of the trials the whole 5 % on the one side, so that none of n gives [0, 3 / n] (the
/// rule of three). [0, 1] without a trial. Source: C. J. Clopper, E. S. Pearson, Biometrika 26 (1934).
Interval interval_of(const Rate& rate);

/// "3 of 1000: 0.3 % (0.0619 to 0.874 %)"
std::string text_of(const Rate& rate);
/// {"count", "trials", "low", "high"}
Json json_of(const Rate& rate);

}  // namespace kigo::tools::perf
