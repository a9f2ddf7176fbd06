#include "bench/sampling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>

#include "core/base/cat.h"

namespace kigo::bench {
namespace {

using tools::perf::State;

double clock_of(const std::vector<Taken>& taken) {
  std::vector<double> mhz;
  for (const Taken& one : taken) mhz.push_back(one.mhz);
  return mhz.empty() ? 0 : median(mhz);
}

/// Takes until two in a row have the same clock; at least two, whose samples are not kept. The clock it
/// settled at, or the last one when the time was up; 0: not known.
Result<double> warm_up(const Plan& plan, const Take& take, const Seconds& now, double begun) {
  KIGO_ASSIGN(const std::vector<Taken> first, take());
  double last = clock_of(first);
  while (true) {
    KIGO_ASSIGN(const std::vector<Taken> taken, take());
    const double clock = clock_of(taken);
    if (std::abs(clock - last) <= plan.clock_settled * last || now() - begun > plan.warm_up_s) return clock;
    last = clock;
  }
}

bool clock_is_off(const Plan& plan, const Taken& taken, double settled_mhz) {
  return settled_mhz > 0 && std::abs(taken.mhz - settled_mhz) > plan.clock_off * settled_mhz;
}

/// Why a sample does not count; empty when it does.
std::string objection(const Plan& plan, const Taken& taken, double settled_mhz) {
  if (!taken.off.empty()) return taken.off;
  if (!std::isfinite(taken.us) || taken.us <= 0) return cat("a time of ", taken.us, " us");
  if (clock_is_off(plan, taken, settled_mhz))
    return cat("a clock of ", std::round(taken.mhz), " MHz, settled at ", std::round(settled_mhz));
  return {};
}

/// The state that the samples are left in, once no more are taken.
void judge(const Plan& plan, const std::string& last_objection, double elapsed_s, Sampled& sampled) {
  const auto kept = static_cast<int64_t>(sampled.us.size());
  const int64_t all = kept + sampled.discarded;
  if (static_cast<double>(sampled.discarded) > plan.most_discards * static_cast<double>(all)) {
    sampled.state = State::invalid;
    sampled.why = cat(sampled.discarded, " of ", all, " samples discarded, the last for ", last_objection);
  } else if (kept < plan.least) {
    sampled.state = State::timed_out;
    sampled.why =
        cat(kept, " samples in ", std::round(10 * elapsed_s) / 10, " s, expected at least ", plan.least);
  }
}

}  // namespace

double median(std::span<const double> samples) {
  if (samples.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const size_t middle = sorted.size() / 2;
  return sorted.size() % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

double half_width_of_median(std::span<const double> samples) {
  if (samples.size() < 6) return std::numeric_limits<double>::infinity();
  std::vector<double> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const auto count = static_cast<double>(sorted.size());
  // 1.96 / 2: the binomial's deviation is sqrt(n) / 2.
  const auto low = static_cast<size_t>(std::max(0.0, std::floor(count / 2 - 0.98 * std::sqrt(count))));
  return (sorted[sorted.size() - 1 - low] - sorted[low]) / 2 / median(samples);
}

void rest_a_moment() { std::this_thread::sleep_for(std::chrono::milliseconds(30)); }

Result<Sampled> sample(const Plan& plan, const Take& take, const Seconds& now, const Rest& rest) {
  const double begun = now();
  KIGO_ASSIGN(const double settled_mhz, warm_up(plan, take, now, begun));
  Sampled sampled;
  std::string last_objection;
  const auto enough = [&] {
    const auto kept = static_cast<int64_t>(sampled.us.size());
    if (kept >= plan.most || now() - begun > plan.limit_s) return true;
    // A machine that is never itself is not waited for until the time is up.
    if (kept + sampled.discarded >= 2 * plan.most) return true;
    return kept >= plan.least && half_width_of_median(sampled.us) <= plan.half_width;
  };
  while (!enough()) {
    KIGO_ASSIGN(const std::vector<Taken> taken, take());
    for (const Taken& one : taken) {
      if (const std::string why = objection(plan, one, settled_mhz); !why.empty()) {
        ++sampled.discarded;
        last_objection = why;
      } else {
        sampled.us.push_back(one.us);
        sampled.mhz.push_back(one.mhz);
      }
    }
    const auto off = [&](const Taken& one) { return clock_is_off(plan, one, settled_mhz); };
    if (std::ranges::any_of(taken, off)) rest();
  }
  if (std::ranges::find(sampled.mhz, 0.0) != sampled.mhz.end()) sampled.mhz.clear();
  judge(plan, last_objection, now() - begun, sampled);
  return sampled;
}

void fill(tools::perf::Record& record, Sampled sampled) {
  record.state = sampled.state;
  record.why = std::move(sampled.why);
  record.us = std::move(sampled.us);
  record.mhz = std::move(sampled.mhz);
  record.discarded = sampled.discarded;
}

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace kigo::bench
