#include "core/compare/close.h"

#include <cmath>
#include <compare>
#include <limits>
#include <span>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/compare/bound.h"

namespace kigo::compare {
namespace {

constexpr int64_t kEnoughToBeNoAccident = 8;

bool same(double got, double want) { return (std::isnan(got) && std::isnan(want)) || got == want; }

std::string place(const std::vector<int64_t>& at) { return list(std::span(at)); }

/// Puts the worst element last: wrong ones, then by share of the bound, then by distance.
struct Rank {
  bool wrong;
  double share;
  double off;
  auto operator<=>(const Rank&) const = default;
};

struct Comparison {
  Values got;
  Values want;
  const Bound& bound;
  const Subject& subject;

  bool right(size_t i) const {
    if (!std::isfinite(want[i])) return same(got[i], want[i]);
    const double off = std::abs(got[i] - want[i]);
    return KIGO_FAULT(F55) ? !(off > bound.at(i, want[i])) : off <= bound.at(i, want[i]);  // false for NaN
  }
  /// How far apart; infinite where one alone is NaN.
  double off(size_t i) const {
    if (same(got[i], want[i])) return 0;
    const double off = std::abs(got[i] - want[i]);
    return std::isnan(off) ? kInfinity : off;
  }
  /// 0 when equal, above 1 when wrong; infinite for NaN, infinity and whatever misses a bound of zero.
  double share(size_t i) const {
    const double off = this->off(i);
    if (off == 0) return 0;
    return std::isfinite(want[i]) ? off / bound.at(i, want[i]) : kInfinity;
  }
  Rank rank(size_t i) const { return {!right(i), share(i), off(i)}; }
  Element element(size_t i, std::span<const int64_t> shape) const {
    return {static_cast<int64_t>(i),
            coordinates(static_cast<int64_t>(i), shape),
            got[i],
            want[i],
            bound.at(i, want[i]),
            share(i)};
  }
};

/// Why the two cannot be compared at all, or nothing.
std::string refusal(const Comparison& c, std::span<const int64_t> shape) {
  int64_t size = 1;
  for (const int64_t n : shape) size *= n;
  if (c.got.size() != c.want.size()) return cat(c.got.size(), " values, expected ", c.want.size());
  if (size != static_cast<int64_t>(c.want.size()))
    return cat("shape ", list(shape), ", expected one of ", c.want.size(), " values");
  if (const auto bounds = c.bound.size(); bounds && *bounds != c.want.size())
    return cat(*bounds, " bounds, expected ", c.want.size());
  const Values& before = c.subject.before;
  if (before.size() != 0 && before.size() != c.want.size())
    return cat(before.size(), " values before the run, expected ", c.want.size());
  for (size_t i = 0; i < c.want.size(); ++i) {
    const double bound = c.bound.at(i, c.want[i]);
    if (!std::isfinite(c.want[i])) {
      if (c.subject.non_finite == NonFinite::refuse)
        return cat("truth is ", c.want[i], " at ", place(coordinates(static_cast<int64_t>(i), shape)));
    } else if (!(bound >= 0 && bound < kInfinity)) {
      return cat("bound is ", bound, " at ", place(coordinates(static_cast<int64_t>(i), shape)));
    }
  }
  return {};
}

/// Whether the output is zero everywhere while the truth, where a float can hold it, is not.
bool zero_by_fault(const Comparison& c) {
  int64_t missed = 0;
  for (size_t i = 0; i < c.got.size(); ++i) {
    if (!(c.got[i] == 0)) return false;
    missed += std::abs(c.want[i]) >= double{std::numeric_limits<float>::min()};
  }
  return missed >= kEnoughToBeNoAccident;
}

/// The three right elements nearest to `worst` by flat index.
std::vector<Element> right_neighbours(const Comparison& c, size_t worst, std::span<const int64_t> shape) {
  std::vector<Element> found;
  const size_t size = c.want.size();
  for (size_t distance = 1; distance < size && found.size() < 3; ++distance) {
    if (distance <= worst && c.right(worst - distance)) found.push_back(c.element(worst - distance, shape));
    if (found.size() < 3 && worst + distance < size && c.right(worst + distance))
      found.push_back(c.element(worst + distance, shape));
  }
  return found;
}

std::string numbers(const Element& e) { return cat(place(e.at), " got ", e.got, ", expected ", e.want); }

Json json_of(const Element& e) {
  return Json::object({{"flat", e.flat},
                       {"at", Json::array_of(e.at)},
                       {"got", e.got},
                       {"want", e.want},
                       {"bound", e.bound},
                       {"share", e.share}});
}

}  // namespace

double Bound::at(size_t i, double want) const {
  return each_ ? (*each_)[i] : absolute_ + relative_ * std::abs(want);
}

Report close(Values got, Values want, const Bound& bound, const Subject& subject) {
  const Comparison c{got, want, bound, subject};
  std::vector<int64_t> shape = subject.shape;
  if (shape.empty()) shape.push_back(static_cast<int64_t>(want.size()));
  Report report;
  report.name = subject.name;
  report.replay = subject.replay;
  report.refusal = refusal(c, shape);
  if (!report.refusal.empty()) return report;

  DamageMap damage(shape, subject.axes);
  size_t worst = 0;
  Rank worst_rank{};
  for (size_t i = 0; i < want.size(); ++i) {
    const auto rank = c.rank(i);
    if (rank > worst_rank) {
      worst = i;
      worst_rank = rank;
    }
    if (c.right(i)) continue;
    damage.add(static_cast<int64_t>(i));
    report.non_finite += !std::isfinite(got[i]);
    if (subject.before.size() != 0) report.unwritten += same(got[i], subject.before[i]);
  }
  report.compared = static_cast<int64_t>(want.size());
  report.damage = damage.describe();
  report.wrong = report.damage.wrong;
  if (zero_by_fault(c) && !KIGO_FAULT(F84)) report.refusal = "zero everywhere, where the truth is not";
  if (report.compared != 0) report.worst = c.element(worst, shape);
  report.worst_share = worst_rank.share;
  if (report.wrong != 0) report.neighbours = right_neighbours(c, worst, shape);
  report.pass = report.wrong == 0 && report.refusal.empty();
  return report;
}

std::string Report::text() const {
  if (pass && compared == 0) return name + ": no elements";
  if (pass)
    return cat(name, ": ", compared, " elements right, worst ", worst_share, " of its bound at ",
               place(worst->at));
  std::string out = name + ": ";
  if (!refusal.empty()) out += refusal;
  if (wrong != 0) {
    out += cat(refusal.empty() ? "" : "; ", wrong, " of ", compared, " elements beyond their bound");
    out += cat("\n  worst      ", numbers(*worst), ", off by ", std::abs(worst->got - worst->want),
               ", bound ", worst->bound, ", ", worst->share, " of it, flat ", worst->flat);
    out += cat("\n  damage     ", damage.text, "\n  range      ", damage.ranges);
    if (non_finite != 0) out += cat("\n  not finite ", non_finite);
    if (unwritten != 0) out += cat("\n  unwritten  ", unwritten, " hold what was there before");
    for (const Element& right : neighbours) out += cat("\n  right      ", numbers(right));
  }
  if (!replay.empty()) out += "\n  replay     " + replay;
  return out;
}

Json Report::json() const {
  Json json = Json::object({{"name", name},
                            {"pass", pass},
                            {"compared", compared},
                            {"wrong", wrong},
                            {"worst_share", worst_share}});
  if (worst) json.set("worst", json_of(*worst));
  if (!refusal.empty()) json.set("refusal", refusal);
  if (wrong != 0) {
    json.set("damage", Json::object({{"kind", std::string(compare::name(damage.kind))},
                                     {"text", damage.text},
                                     {"ranges", damage.ranges}}));
    json.set("non_finite", non_finite);
    json.set("unwritten", unwritten);
    Json right = Json::array();
    for (const Element& element : neighbours) right.push(json_of(element));
    json.set("neighbours", std::move(right));
  }
  if (!replay.empty()) json.set("replay", replay);
  return json;
}

}  // namespace kigo::compare
