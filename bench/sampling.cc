#include "bench/sampling.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>
#include <thread>
#include <utility>

#include "core/base/cat.h"

namespace kigo::bench {
namespace {

using tools::perf::State;

double clock_of(const std::vector<Taken>& taken) {
  std::vector<double> mhz;
  for (const Taken& one : taken) mhz.push_back(one.mhz);
  return mhz.empty() ? 0 : median(mhz);
}

/// Takes until two in a row have the same clock; at least two, whose samples are not kept.
Status warm_up(const Plan& plan, const Take& take, const Seconds& now, double begun) {
  KIGO_ASSIGN(const std::vector<Taken> first, take());
  double last = clock_of(first);
  while (true) {
    KIGO_ASSIGN(const std::vector<Taken> taken, take());
    const double clock = clock_of(taken), elapsed_s = now() - begun;
    const bool settled = std::abs(clock - last) <= plan.clock_settled * last;
    if ((settled && elapsed_s >= plan.warm_up_least_s) || elapsed_s > plan.warm_up_s) return {};
    last = clock;
  }
}

/// Why a sample does not count; empty when it does.
std::string objection(const Plan& plan, const Taken& taken, double usual_mhz) {
  if (!taken.off.empty()) return taken.off;
  if (!std::isfinite(taken.us) || taken.us <= 0) return cat("a time of ", taken.us, " us");
  if (usual_mhz > 0 && std::abs(taken.mhz - usual_mhz) > plan.clock_off * usual_mhz)
    return cat("a clock of ", std::round(taken.mhz), " MHz, of most samples ", std::round(usual_mhz));
  return {};
}

/// What counts of all that was taken, with the last objection as `why`.
Sampled sorted_out(const Plan& plan, const std::vector<Taken>& all, double usual_mhz) {
  Sampled sampled;
  for (const Taken& one : all) {
    if (std::string why = objection(plan, one, usual_mhz); !why.empty()) {
      ++sampled.discarded;
      sampled.why = std::move(why);
    } else {
      sampled.us.push_back(one.us);
      sampled.mhz.push_back(one.mhz);
    }
  }
  return sampled;
}

/// The state that the samples are left in, once no more are taken.
void judge(const Plan& plan, double elapsed_s, Sampled& sampled) {
  const std::string last_objection = std::exchange(sampled.why, {});
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
  KIGO_TRY(warm_up(plan, take, now, begun));
  std::vector<Taken> all;
  Sampled sampled;
  const auto enough = [&] {
    const auto kept = static_cast<int64_t>(sampled.us.size());
    if (kept >= plan.most || now() - begun > plan.limit_s) return true;
    // A machine that is never itself is not waited for until the time is up.
    if (kept + sampled.discarded >= 2 * plan.most) return true;
    return kept >= plan.least && half_width_of_median(sampled.us) <= plan.half_width;
  };
  while (!enough()) {
    KIGO_ASSIGN(const std::vector<Taken> taken, take());
    all.insert(all.end(), taken.begin(), taken.end());
    const double usual_mhz = clock_of(all);
    sampled = sorted_out(plan, all, usual_mhz);
    const auto slowed = [&](const Taken& one) { return one.mhz < (1 - plan.clock_off) * usual_mhz; };
    if (std::ranges::any_of(taken, slowed)) rest();
  }
  if (std::ranges::find(sampled.mhz, 0.0) != sampled.mhz.end()) sampled.mhz.clear();
  judge(plan, now() - begun, sampled);
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
