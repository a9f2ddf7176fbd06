#include "tools/lib/perf/drift.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>
#include <numbers>
#include <optional>
#include <set>

#include "core/base/cat.h"
#include "tools/lib/perf/noise.h"
#include "tools/lib/perf/statistics.h"

namespace kigo::tools::perf {
namespace {

constexpr size_t kLeastShared = 8;
constexpr size_t kLeastRuns = 5;
constexpr double kLeastNoise = 0.003;
constexpr double kDriftNoise = 3;
constexpr size_t kPooled = 10;         // kernels whose noise together is well known
constexpr double kPooledDegrees = 30;  // and what that is worth

/// A build in a run. The map's order is that of time.
struct When {
  std::string time, build, commit;
  auto operator<=>(const When&) const = default;
};

/// The levels of a place, oldest first.
struct Series {
  std::vector<const When*> runs;
  std::vector<double> levels;
};

using AllSeries = std::map<std::string, Series>;

std::string text_of_share(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %%", 100 * share);
  return text.data();
}

/// All usable records as runs in order of time; the head's behind all others.
class Runs {
 public:
  void add(std::span<const Record> records, bool head) {
    for (const Record& record : records) {
      if (!usable(record) || record.delay_us != 0 || record.subject.kind == Kind::ceiling) continue;
      const std::string build = cat(record.run, '\0', record.commit);
      if (head) head_builds_.insert(build);
      if (!head && head_builds_.contains(build)) continue;
      std::string& time = times_[build];
      if (time.empty() || record.time < time) time = record.time;
      logs_[place_of(record)][build].push_back(block_of(record).log_us);
    }
  }

  /// The levels of the places that the head has too.
  AllSeries series(std::string_view not_before) {
    AllSeries all;
    for (const auto& [place, builds] : logs_) {
      std::vector<std::pair<const When*, double>> levels;
      bool has_head = false;
      for (const auto& [build, logs] : builds) {
        const bool head = head_builds_.contains(build);
        has_head = has_head || head;
        const std::string time = head ? "~" : times_[build];  // behind every digit
        if (!head && time < not_before) continue;
        const std::string commit = build.substr(build.find('\0') + 1);
        levels.emplace_back(&*whens_.insert({time, build, commit}).first, median(logs));
      }
      if (!has_head) continue;
      std::ranges::sort(levels, {}, [](const auto& level) { return *level.first; });
      Series& series = all[place];
      for (const auto& [when, level] : levels) {
        series.runs.push_back(when);
        series.levels.push_back(level);
      }
    }
    return all;
  }

  /// When the first run of the commit began.
  std::optional<std::string> first_time(std::string_view commit) const {
    std::optional<std::string> first;
    for (const auto& [build, time] : times_) {
      if (!std::string_view(build).substr(build.find('\0') + 1).starts_with(commit)) continue;
      if (!first || time < *first) first = time;
    }
    return first;
  }

 private:
  std::unordered_map<std::string, std::string> times_;  // build -> its first time
  std::unordered_map<std::string, std::unordered_map<std::string, std::vector<double>>> logs_;
  std::set<std::string> head_builds_;
  std::set<When> whens_;  // whose addresses stay
};

/// Takes out of every level what all kernels of that run share.
void remove_common(AllSeries& all) {
  std::map<const When*, std::vector<double>> shifts;
  for (const auto& [place, series] : all) {
    for (size_t i = 1; i < series.levels.size(); ++i)
      shifts[series.runs[i]].push_back(series.levels[i] - series.levels[0]);
  }
  std::map<const When*, double> common;
  for (auto& [when, each] : shifts) {
    if (each.size() >= kLeastShared) common[when] = median(std::move(each));
  }
  for (auto& [place, series] : all) {
    for (size_t i = 1; i < series.levels.size(); ++i) {
      const auto found = common.find(series.runs[i]);
      if (found != common.end()) series.levels[i] -= found->second;
    }
  }
}

/// From run to run, without a trend.
double noise_of(const Series& series) {
  std::vector<double> differences;
  for (size_t i = 1; i < series.levels.size(); ++i)
    differences.push_back(series.levels[i] - series.levels[i - 1]);
  return robust_deviation(differences) / std::numbers::sqrt2;
}

}  // namespace

Drifts drifts_of(std::span<const Record> history, std::span<const Record> head, const DriftOptions& options) {
  Runs runs;
  runs.add(head, true);
  runs.add(history, false);
  Drifts drifts;
  const auto first =
      options.anchor.empty() ? std::optional<std::string>("") : runs.first_time(options.anchor);
  if (!first)
    drifts.note =
        cat("drift: commit ", escaped(options.anchor), " is not in the history; from the oldest run");
  AllSeries all = runs.series(first.value_or(""));
  std::erase_if(all, [](const auto& each) { return each.second.levels.size() < kLeastRuns; });
  remove_common(all);
  std::vector<double> noises;
  for (const auto& [place, series] : all) noises.push_back(noise_of(series));
  const bool pooled = noises.size() >= kPooled;
  const double least_noise = std::max(kLeastNoise, noises.empty() ? 0 : median(noises));
  const double chance = options.family_error / 2 / static_cast<double>(std::max<size_t>(all.size(), 1));
  for (const auto& [place, series] : all) {
    const double noise = std::max(noise_of(series), least_noise);
    const double threshold = std::max(options.least_change, kDriftNoise * noise);
    const size_t count = series.levels.size();
    const double change = series.levels.back() - series.levels.front();
    const double degrees = pooled ? kPooledDegrees : static_cast<double>(count - 1);
    if (change > threshold && student_tail(change / (noise * std::numbers::sqrt2), degrees) < chance) {
      drifts.slower[place] =
          cat(text_of_share(std::expm1(change)), " slower than at the anchor ", series.runs.front()->commit,
              " of ", series.runs.front()->time.substr(0, 10), ", ", count, " runs");
      continue;
    }
    const size_t length = std::min(count, options.window);
    const std::span<const double> window(series.levels.data() + (count - length), length);
    const double rise = theil_sen_slope(window) * static_cast<double>(length - 1);
    if (rise > threshold && rise_p(window) < chance)
      drifts.slower[place] =
          cat("slower by ", text_of_share(std::expm1(rise)), " over the last ", length, " runs, ",
              text_of_share(std::expm1(rise / static_cast<double>(length - 1))), " each");
  }
  return drifts;
}

}  // namespace kigo::tools::perf
