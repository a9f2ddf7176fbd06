#include "tools/lib/perf/validity.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <set>
#include <string_view>
#include <tuple>

#include "core/base/cat.h"
#include "tools/lib/perf/noise.h"

namespace kigo::tools::perf {
namespace {

constexpr double kSlack = 1.02;
constexpr size_t kLeastBlocks = 2;

Limits limits_for(const Record& record, const std::map<std::string, Limits>& limits) {
  const auto found = limits.find(record.run);
  return found == limits.end() ? Limits{} : found->second;
}

std::string objection_to_block(const Record& record, const std::map<std::string, Limits>& limits) {
  if (record.state == State::invalid) return record.why.empty() ? "invalid" : record.why;
  for (const double us : record.us) {
    if (!std::isfinite(us) || us <= 0) return cat("a sample of ", us, " us");
  }
  const auto kept = static_cast<int64_t>(record.us.size());
  if (record.discarded > kept)
    return cat(record.discarded, " of ", static_cast<uint64_t>(record.discarded) + record.us.size(),
               " samples discarded");
  if (record.us.size() < least_samples(record.subject.kind))
    return cat(kept, " samples, expected at least ", least_samples(record.subject.kind),
               record.why.empty() ? "" : cat(" (", record.why, ")"));
  return beyond(record, limits_for(record, limits));
}

std::string claim(double share, double limit, const char* unit) {
  if (share <= kSlack) return {};
  return cat(std::round(1000 * share) / 10, " % of the ", std::round(limit / 1e3) / 1e3, " ", unit,
             " that the hardware reached in the same run, expected at most ", 100 * kSlack);
}

/// Of one subject and side there is one record of each.
using PlaceInRun = std::tuple<std::string_view, int64_t, double>;
PlaceInRun place_in_run(const Record& record) { return {record.run, record.block, record.delay_us}; }

}  // namespace

std::map<std::string, Limits> limits_of(std::span<const Record> records) {
  // What only slower ceilings are left of is no limit: half products are not held against the float ones'.
  constexpr double kNotKnown = std::numeric_limits<double>::infinity();
  std::map<std::string, Limits> all;
  for (const Record& record : records) {
    if (record.subject.kind != Kind::ceiling) continue;
    const bool good = record.state == State::ok && usable(record);
    const auto reached = [&](double work) {
      if (work == 0) return 0.0;
      return good ? work / median_us(record) : kNotKnown;
    };
    Limits& limits = all[record.run];
    limits.bytes_per_us = std::max(limits.bytes_per_us, reached(record.bytes));
    limits.flops_per_us = std::max(limits.flops_per_us, reached(record.flops));
  }
  for (auto& [run, limits] : all) {
    for (double* limit : {&limits.bytes_per_us, &limits.flops_per_us})
      if (*limit == kNotKnown) *limit = 0;
  }
  return all;
}

double bytes_share(const Record& record, const Limits& limits) {
  const bool from_memory = record.subject.cache == Cache::cold || record.subject.cache == Cache::row;
  return from_memory && limits.bytes_per_us > 0 ? record.bytes / median_us(record) / limits.bytes_per_us : 0;
}

double flops_share(const Record& record, const Limits& limits) {
  return limits.flops_per_us > 0 ? record.flops / median_us(record) / limits.flops_per_us : 0;
}

std::string beyond(const Record& record, const Limits& limits) {
  std::string why = claim(bytes_share(record, limits), limits.bytes_per_us, "TB/s");
  return why.empty() ? claim(flops_share(record, limits), limits.flops_per_us, "TFLOP/s") : why;
}

Blocks each_once(const Blocks& blocks) {
  std::map<PlaceInRun, const Record*> first;
  Blocks once;
  for (const Record* record : blocks) {
    const auto [place, added] = first.emplace(place_in_run(*record), record);
    if (added || *place->second != *record) once.push_back(record);
  }
  return once;
}

size_t least_samples(Kind kind) { return kind == Kind::model || kind == Kind::serve ? 3 : 10; }

std::string objection_to(const std::string& side, const Blocks& blocks,
                         const std::map<std::string, Limits>& limits) {
  if (blocks.empty()) return cat("not measured in ", side);
  for (const Record* record : blocks) {
    if (std::string why = objection_to_block(*record, limits); !why.empty())
      return cat(side, ", block ", record->block, ": ", why);
  }
  std::set<PlaceInRun> places;
  for (const Record* record : blocks) {
    if (!places.insert(place_in_run(*record)).second)
      return cat(side, ", block ", record->block, ": twice in run ", record->run, ", with different results");
  }
  if (blocks.size() < kLeastBlocks)
    return cat(side, ": ", blocks.size(), " block, expected ", kLeastBlocks,
               " or more, in turns with the other side");
  return {};
}

bool any_verified(const Blocks& blocks) { return std::ranges::any_of(blocks, &Record::verified); }

std::string mismatch(const Blocks& base, const Blocks& head) {
  const Setting& first = base.front()->setting;
  const auto differs = [&](std::string_view member, const auto& of) -> std::string {
    for (const Blocks* blocks : {&base, &head}) {
      for (const Record* record : *blocks) {
        if (of(record->setting) != of(first))
          return cat("not comparable: ", member, " ", of(first), " and ", of(record->setting));
      }
    }
    return {};
  };
  for (std::string why : {differs("method", [](const Setting& s) { return s.method; }),
                          differs("device", [](const Setting& s) { return s.device; }),
                          differs("driver", [](const Setting& s) { return s.driver; }),
                          differs("cuda", [](const Setting& s) { return s.cuda; }),
                          differs("clocks", [](const Setting& s) { return s.clocks; }),
                          differs("flags", [](const Setting& s) { return s.flags; })}) {
    if (!why.empty()) return why;
  }
  if (any_verified(base) != any_verified(head))
    return cat("the values of ", any_verified(base) ? "HEAD" : "BASE", " were not compared with the twin's");
  return {};
}

}  // namespace kigo::tools::perf
