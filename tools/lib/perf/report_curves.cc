#include "tools/lib/perf/report_curves.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <tuple>

#include "tools/lib/perf/statistics.h"

namespace kigo::tools::perf {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

struct ByValue {
  template <class T>
  bool operator()(const T* a, const T* b) const {
    return *a < *b;
  }
};

using Group = std::vector<const Record*>;

/// The same order whichever order the files were in. The samples come last: what is equal up to there and
/// differs in them is written twice for one block, by a merge of histories that should not have been.
bool before(const Record* a, const Record* b) {
  const auto key = [](const Record& record) {
    return std::tie(record.run, record.commit, record.time, record.block, record.machine, record.state,
                    record.us);
  };
  return key(*a) < key(*b);
}

/// Amount a microsecond as amount a second; 0 where it is not known.
double per_second(double amount, double us) {
  const double rate = amount > 0 && us > 0 ? amount / us * 1e6 : 0;
  return std::isfinite(rate) ? rate : 0;
}

std::vector<double> samples_of(std::span<const Record* const> records, State state) {
  std::vector<double> all;
  for (const Record* record : records)
    if (record->state == state) all.insert(all.end(), record->us.begin(), record->us.end());
  std::erase_if(all, [](double us) { return !std::isfinite(us) || us <= 0; });
  return all;
}

/// `records`: all of one run and commit, oldest first.
RunPoint point_of(std::span<const Record* const> records) {
  RunPoint point;
  for (const State state : {State::ok, State::timed_out, State::invalid}) {
    const auto last = std::ranges::find_if(records.rbegin(), records.rend(),
                                           [&](const Record* record) { return record->state == state; });
    if (last == records.rend()) continue;
    point.newest = *last;
    point.state = state;
    break;
  }
  point.bad_blocks = std::ranges::count_if(records, [](const Record* r) { return r->state != State::ok; });
  point.verified = std::ranges::any_of(records, &Record::verified);
  point.blocks = static_cast<int64_t>(records.size()) - point.bad_blocks;
  // The samples of an invalid block are not to be used at all; a time-out's are better than nothing beside
  // its mark.
  const auto samples =
      point.state == State::invalid ? std::vector<double>() : samples_of(records, point.state);
  point.samples = static_cast<int64_t>(samples.size());
  point.us = quantile(samples, 0.5);
  point.low = quantile(samples, 0.25);
  point.high = quantile(samples, 0.75);
  return point;
}

/// One point a run and commit, by the time of its newest block that counts.
std::vector<RunPoint> points_of(Group& records) {
  std::ranges::sort(records, before);
  std::vector<RunPoint> points;
  for (auto first = records.begin(); first != records.end();) {
    const auto last = std::find_if(first, records.end(), [&](const Record* record) {
      return record->run != (*first)->run || record->commit != (*first)->commit;
    });
    points.push_back(point_of(std::span(first, last)));
    first = last;
  }
  std::ranges::sort(points, {}, [](const RunPoint& point) {
    return std::tie(point.newest->time, point.newest->run, point.newest->commit);
  });
  return points;
}

void add_ceiling(Ceilings& ceilings, const Record& record) {
  if (record.state != State::ok) {
    ceilings.bad.push_back(&record);
    return;
  }
  const auto place = std::ranges::lower_bound(ceilings.records, record.subject, {}, &Record::subject);
  if (place == ceilings.records.end() || (*place)->subject != record.subject) {
    ceilings.records.insert(place, &record);
  } else if (std::tie((*place)->time, (*place)->block, (*place)->us) <
             std::tie(record.time, record.block, record.us)) {
    *place = &record;
  }
}

void set_rates(Ceilings& ceilings) {
  for (const Record* record : ceilings.records) {
    const double us = median_us(*record);
    ceilings.bytes_per_s = std::max(ceilings.bytes_per_s, per_second(record->bytes, us));
    ceilings.flops_per_s = std::max(ceilings.flops_per_s, per_second(record->flops, us));
  }
}

}  // namespace

double RunPoint::bytes_per_s() const { return per_second(newest->bytes, us); }
double RunPoint::flops_per_s() const { return per_second(newest->flops, us); }
double RunPoint::tokens_per_s() const { return per_second(newest->tokens, us); }

Share share_of_limit(const RunPoint& point) {
  if (point.ceilings == nullptr) return {kNan};
  const bool cached = point.newest->subject.cache == Cache::hot;
  const double bytes =
      cached || point.ceilings->bytes_per_s == 0 ? 0 : point.bytes_per_s() / point.ceilings->bytes_per_s;
  const double flops =
      point.ceilings->flops_per_s == 0 ? 0 : point.flops_per_s() / point.ceilings->flops_per_s;
  if (!(bytes > 0 || flops > 0)) return {kNan};
  return {std::max(bytes, flops), flops > bytes};
}

Curves curves_of(std::span<const Record> records) {
  Curves out;
  std::map<const Setting*, std::map<const Subject*, Group, ByValue>, ByValue> groups;
  for (const Record& record : records) {
    if (record.delay_us > 0) {
      ++out.with_delay;
    } else if (record.subject.kind == Kind::ceiling) {
      add_ceiling(out.ceilings[{record.setting, record.run}], record);
    } else {
      groups[&record.setting][&record.subject].push_back(&record);
    }
  }
  for (auto& [key, ceilings] : out.ceilings) {
    set_rates(ceilings);
    std::ranges::sort(ceilings.bad, [](const Record* a, const Record* b) {
      return std::tie(a->subject, a->time, a->block, a->why) <
             std::tie(b->subject, b->time, b->block, b->why);
    });
  }
  for (auto& [setting, subjects] : groups) {
    for (auto& [subject, group] : subjects) {
      Curve curve{setting, subject, points_of(group)};
      for (RunPoint& point : curve.points) {
        const auto found = out.ceilings.find({*setting, point.newest->run});
        point.ceilings = found == out.ceilings.end() ? nullptr : &found->second;
      }
      out.curves.push_back(std::move(curve));
    }
  }
  return out;
}

}  // namespace kigo::tools::perf
