#include "tools/lib/compare/causes.h"

#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "core/base/half.h"
#include "tools/lib/compare/trials.h"

namespace kigo::tools {
namespace {

bool same(double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); }

/// "from element 1000 on", where the last axis has an end from which on everything is wrong.
std::string cut_off(const compare::Damage& damage) {
  if (damage.axes.empty()) return {};
  const compare::AxisDamage& last = damage.axes.back();
  const bool end =
      last.kind == compare::AxisDamage::Kind::from || last.kind == compare::AxisDamage::Kind::partial_tile;
  return end ? cat("element ", last.first) : std::string();
}

/// Every wrong element holds the same bits.
std::optional<double> constant(const Trials& trials) {
  const std::span<const double> got = trials.suspect().stage.got;
  std::optional<double> first;
  for (size_t i = 0; i < got.size(); ++i) {
    if (!trials.wrong(i)) continue;
    if (!first) first = got[i];
    if (!same(got[i], *first)) return std::nullopt;
  }
  return first;
}

void try_never_written(Trials& trials) {
  const Suspect& s = trials.suspect();
  if (s.report.wrong < 2) return;
  const auto value = constant(trials);
  if (!value) return;
  const std::string end = cut_off(s.report.damage);
  const std::string holds = *value == 0 ? "zero" : cat(*value, " throughout, a fill pattern");
  if (s.stage.tap == model::Tap::logits && !end.empty())
    return trials.add("truncated", cat("the vocabulary is cut off at ", end, ": what follows is ", holds),
                      true);
  if (!end.empty())
    return trials.add("truncated", cat("output is cut off at ", end, ": what follows is ", holds), true);
  const std::string where =
      s.report.damage.kind == compare::Damage::Kind::whole_tensor ? "the output" : s.report.damage.text;
  trials.add("unwritten", cat(where, " was never written: ", holds), true);
}

/// What the buffer held before, in the wrong elements.
void try_stale(Trials& trials) {
  const Suspect& s = trials.suspect();
  const bool cache = s.stage.tap == model::Tap::cache_k || s.stage.tap == model::Tap::cache_v;
  if (s.before == nullptr || cache || s.before->size() < s.stage.got.size()) return;
  // A buffer's first rows, when the call before was longer.
  for (size_t i = 0; i < s.stage.got.size(); ++i)
    if (trials.wrong(i) && !same(s.stage.got[i], (*s.before)[i])) return;
  trials.add("stale",
             "holds what this checkpoint held one layer or call earlier: the kernel was not launched, or did "
             "not finish",
             true);
}

/// Each row is that of the token before or behind.
void try_shifted_rows(Trials& trials) {
  const Suspect& s = trials.suspect();
  const size_t rows = trials.rows(), width = trials.row_elements();
  if (rows < 3 || s.want.values.size() != rows * width) return;
  for (const bool back : {true, false}) {
    Expected shifted = s.want;
    for (size_t t = 0; t + 1 < rows; ++t) {
      const auto from = static_cast<std::ptrdiff_t>((back ? t : t + 1) * width);
      const auto to = static_cast<std::ptrdiff_t>((back ? t + 1 : t) * width);
      const auto copy = [&](const std::vector<double>& source, std::vector<double>& target) {
        std::copy_n(source.begin() + from, width, target.begin() + to);
      };
      copy(s.want.values, shifted.values);
      copy(s.want.bounds, shifted.bounds);
    }
    trials.outcome("token-shift", cat("each row is that of the token ", back ? "before" : "behind"),
                   std::move(shifted));
  }
}

void try_overflow(Trials& trials) {
  const Suspect& s = trials.suspect();
  if (s.report.non_finite == 0) return;
  double operand = 0;
  if (const auto* op = std::get_if<Multiplied>(&*s.stage.recipe))
    for (const double x : op->x) operand = std::max(operand, std::abs(x));
  bool too_large = true, any = false;
  for (size_t i = 0; i < s.stage.got.size(); ++i) {
    if (!trials.wrong(i)) continue;
    any = true;
    too_large = too_large && !std::isfinite(s.stage.got[i]) && std::abs(s.want.values[i]) > kLargestHalf;
  }
  if (any && too_large)
    return trials.add("half-overflow",
                      cat("overflow: every wrong value should be beyond 65504, the largest half"), true);
  if (operand > kLargestHalf)
    trials.add("half-overflow", cat("overflow: an operand is ", operand, ", beyond 65504, the largest half"),
               false);
}

/// A whole checkpoint that fits into a shorter type, where the truth does not.
void try_rounded(Trials& trials) {
  const Suspect& s = trials.suspect();
  if (s.report.wrong < 8 || s.stage.got.size() != s.want.values.size()) return;
  const auto try_type = [&](const char* id, const char* type, auto round) {
    size_t fits = 0;
    Expected rounded = s.want;
    for (size_t i = 0; i < s.stage.got.size(); ++i) {
      fits += same(round(s.stage.got[i]), s.stage.got[i]);
      // The truth's own error may carry it over a boundary of the shorter type: one step more.
      const double step =
          std::abs(round(rounded.values[i] * 1.01) - round(rounded.values[i])) + rounded.bounds[i];
      rounded.bounds[i] += std::max(step, std::abs(rounded.values[i]) * 0x1p-7);
    }
    if (fits == s.stage.got.size())
      trials.outcome(id, cat("results are rounded to ", type), std::move(rounded));
  };
  try_type("rounded-half", "half", [](double x) { return to_half(x); });
  try_type("rounded-bfloat16", "bfloat16",
           [](double x) { return double{to_float(to_bf16(static_cast<float>(x)))}; });
}

}  // namespace

void try_output(Trials& trials) {
  try_never_written(trials);
  try_stale(trials);
  try_overflow(trials);
  try_shifted_rows(trials);
}

bool Trials::wrong(size_t i) const {
  const double got = s_.stage.got[i], want = s_.want.values[i];
  return !same(got, want) && !(std::abs(got - want) <= s_.want.bounds[i]);
}

bool Trials::matches(const Expected& wrong) const {
  if (wrong.values.size() != s_.stage.got.size()) return false;
  for (size_t i = 0; i < wrong.values.size(); ++i) {
    const double got = s_.stage.got[i], made = wrong.values[i];
    // What the mistake makes of these inputs may be beyond every number; then the output must be as well.
    if (!std::isfinite(made) || !std::isfinite(wrong.bounds[i])) {
      if (std::isfinite(got)) return false;
    } else if (!(std::abs(got - made) <= wrong.bounds[i])) {
      return false;
    }
  }
  return true;
}

void Trials::outcome(const char* id, std::string text, Expected wrong) {
  if (matches(wrong)) found_.push_back({id, std::move(text), true});
}

void Trials::recipe(const char* id, std::string text, const Recipe& recipe) {
  outcome(id, std::move(text), expected(recipe, s_.stage.how));
}

void Trials::values(const char* id, std::string text, std::vector<double> wrong) {
  std::vector<double> bounds(wrong.size());
  outcome(id, std::move(text), {std::move(wrong), std::move(bounds)});
}

void Trials::add(const char* id, std::string text, bool reproduces) {
  found_.push_back({id, std::move(text), reproduces});
}

std::vector<Cause> likely_causes(const Suspect& suspect) {
  if (suspect.want.values.size() != suspect.stage.got.size()) return {};
  Trials trials(suspect);
  try_products(trials);
  try_rotation(trials);
  try_cache(trials);
  try_attention(trials);
  try_elementwise(trials);
  try_output(trials);  // what says least comes last
  try_rounded(trials);
  std::vector<Cause> causes = trials.take();
  std::ranges::stable_partition(causes, &Cause::reproduces);
  return causes;
}

}  // namespace kigo::tools
