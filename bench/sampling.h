// When a measurement has enough samples, and which of them count: free of any device, so that it can be
// tested on a clock that is not real.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/perf/record.h"

namespace kigo::bench {

/// One sample, and what is known about the machine while it was taken.
struct Taken {
  double us = 0;
  double mhz = 0;   // of the multiprocessors; 0: not known
  std::string off;  // why the machine was not itself: "hw_thermal_slowdown"; empty: it was
};

/// Takes a few samples, one after another, now. An error ends the measurement.
using Take = std::function<Result<std::vector<Taken>>()>;
/// Seconds on a clock that never goes back.
using Seconds = std::function<double()>;
/// Lets the machine be, so that a clock that its power brought down comes back.
using Rest = std::function<void()>;

struct Plan {
  int64_t least = 10;            // samples below which nothing is ok
  int64_t most = 30;             // samples at which it is enough, however they scatter
  double half_width = 0.005;     // of the median's interval, as a share of the median: enough at or below
  double clock_off = 0.015;      // a sample counts when its clock is within this share of the median of all
  double clock_settled = 0.005;  // two warming takes whose clocks are this close have settled
  double most_discards = 0.5;    // of all samples; more make the measurement invalid
  double warm_up_least_s = 0;
  double warm_up_s = 1;  // at most
  double limit_s = 5;    // of the whole, warm-up included
};

struct Sampled {
  tools::perf::State state = tools::perf::State::ok;
  std::string why;
  std::vector<double> us;   // those that count, in order
  std::vector<double> mhz;  // the same; empty when one of them is not known
  int64_t discarded = 0;
};

/// Half of the width of a 95 % interval of the median, as a share of the median. The interval is that of
/// order statistics (ranks n/2 -+ 0.98 sqrt(n) by the normal approximation of the binomial), which asks
/// nothing of the distribution. Infinity for fewer than six samples, whose extremes do not make such an
/// interval.
double half_width_of_median(std::span<const double> samples);

/// The middle one; of an even number the mean of the two in the middle. NaN without any.
double median(std::span<const double> samples);

/// Sleeps for 30 ms: some four times what a take of the heaviest work keeps the machine busy.
void rest_a_moment();

/// Warms up until the clock settles, then takes samples until they are precise enough, or `most`, or out of
/// time; rests behind a take in which the clock went down. Which clock is right, the samples say themselves:
/// what the work's power allows may show only after a while. Never ok with fewer than `least` samples:
/// timed_out when the time was too short, invalid when more than `most_discards` of them did not count.
/// Errors: those of `take`.
Result<Sampled> sample(const Plan& plan, const Take& take, const Seconds& now,
                       const Rest& rest = rest_a_moment);

/// Moves what was sampled into a record.
void fill(tools::perf::Record& record, Sampled sampled);

/// The real clock.
double steady_seconds();

}  // namespace kigo::bench
