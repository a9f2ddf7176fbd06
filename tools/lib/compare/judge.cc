#include "tools/lib/compare/judge.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "tools/lib/compare/causes.h"

namespace kigo::tools {
namespace {

using model::Tap;

constexpr int64_t kExplained = 16;  // looking for causes takes many times as long as finding what is wrong

/// What nobody can tell from the input, because the input is not finite, counts as right: it was inherited.
void forgive_unknown(std::span<const double> got, Expected& want) {
  if (want.values.size() != got.size()) return;
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isfinite(want.values[i]) && std::isfinite(want.bounds[i])) continue;
    want.values[i] = got[i];
    want.bounds[i] = 0;
  }
}

/// Largest finite magnitude and first value that is not finite.
void measure_range(const ComputedStage& stage, Checkpoint& point) {
  for (size_t i = 0; i < stage.got.size(); ++i) {
    if (std::isfinite(stage.got[i])) {
      point.largest = std::max(point.largest, std::abs(stage.got[i]));
    } else if (!point.non_finite) {
      point.non_finite = static_cast<int64_t>(i);
    }
  }
  point.half_headroom =
      point.largest == 0 ? std::numeric_limits<double>::infinity() : kLargestHalf / point.largest;
}

/// Coordinates of a flat index, position counted from the start of the sequence.
void locate(const ComputedStage& stage, int64_t flat, Checkpoint& point) {
  const std::vector<int64_t> at = compare::coordinates(flat, stage.shape);
  point.position = stage.first_position + at[0];
  point.head = stage.shape[1] > 1 ? at[1] : -1;
  point.element = at[2];
}

/// The part of the other side's checkpoint that stands beside the stage's.
std::optional<std::span<const double>> beside(const ComputedStage& stage, const Checkpoints* other) {
  const std::vector<double>* values = other == nullptr ? nullptr : other->find(stage.tap, stage.layer);
  if (values == nullptr || values->size() < stage.got.size()) return std::nullopt;
  const bool cache = stage.tap == Tap::cache_k || stage.tap == Tap::cache_v;
  if (!cache && values->size() != stage.got.size()) return std::nullopt;
  const std::span<const double> all = *values;
  return stage.old_positions ? all.first(stage.got.size()) : all.last(stage.got.size());
}

}  // namespace

void Judge::differences(const Where& where, const ComputedStage& stage, const Expected* want,
                        Checkpoint& point) const {
  const auto other = beside(stage, where.other);
  if (!other) return;
  double off = 0, size = 0, share = 0;
  for (size_t i = 0; i < stage.got.size(); ++i) {
    const double difference = std::abs(stage.got[i] - (*other)[i]);
    off += difference * difference;
    size += (*other)[i] * (*other)[i];
    if (want == nullptr || difference == 0) continue;
    const double one = difference / want->bounds[i];
    share = std::isnan(one) ? std::numeric_limits<double>::infinity() : std::max(share, one);
  }
  point.difference = off == 0 ? 0 : std::sqrt(off / size);
  if (want != nullptr) point.difference_share = share;
}

Checkpoint Judge::judged(const Where& where, const ComputedStage& stage) {
  Checkpoint point;
  point.tap = stage.tap;
  point.layer = stage.layer;
  point.call = where.number;
  point.side = index_;
  point.side_name = side_.name;
  point.name = model::name(stage.tap, stage.layer);
  point.position = stage.first_position;
  measure_range(stage, point);
  if (!stage.recipe) {
    point.origin = Origin::undecided;
    differences(where, stage, nullptr, point);
    return point;
  }
  Expected want = expected(*stage.recipe, stage.how);
  forgive_unknown(stage.got, want);
  compare::Subject subject;
  subject.name = cat(point.name, stage.old_positions ? ", earlier positions" : "");
  subject.non_finite = compare::NonFinite::as_wanted;
  subject.shape.assign(stage.shape.begin(), stage.shape.end());
  subject.axes = {"token", "head", "element"};
  if (stage.shape[1] == 1) {
    subject.shape.erase(subject.shape.begin() + 1);
    subject.axes.erase(subject.axes.begin() + 1);
  }
  point.report = compare::close(stage.got, want.values, compare::Bound::each(want.bounds), subject);
  point.share = point.report.worst_share;
  if (want.values.size() == stage.got.size()) differences(where, stage, &want, point);
  point.origin = !point.report.pass                       ? Origin::introduced
                 : point.difference_share.value_or(0) > 1 ? Origin::inherited
                                                          : Origin::within;
  if (point.report.wrong != 0) {
    locate(stage, point.report.damage.first, point);
  } else if (point.report.worst) {
    locate(stage, point.report.worst->flat, point);
  }
  if (causes_ && point.origin == Origin::introduced && explained_++ < kExplained) {
    const auto before = latest_.find(stage.tap);
    point.causes = likely_causes({config_, weights_, stage, want, point.report, where.got, caches_,
                                  before == latest_.end() ? nullptr : &before->second});
  }
  return point;
}

void Judge::group(const Call& call, int64_t number, int64_t first, int64_t group, const Checkpoints& got,
                  const Checkpoints* other, std::vector<Checkpoint>& found) {
  const bool step = call.tokens.size() == 1 && call.which == model::Logits::Last;
  const StageCall stage_call{call.tokens, first, step ? side_.rounding.step : side_.rounding.prompt};
  const Where where{call, number, got, other};
  const StageSink sink = [&](const ComputedStage& stage) { found.push_back(judged(where, stage)); };
  const std::vector<double>* output = nullptr;
  if (group == 0) {
    walk_.embed(stage_call, got, sink);
    output = got.find(Tap::embed, 0);
  } else if (group <= config_.layers) {
    KeptCache cache = caches_[static_cast<size_t>(group - 1)];
    walk_.layer(stage_call, group - 1, got, residual(), cache, sink);
    caches_[static_cast<size_t>(group - 1)] = std::move(cache);
    output = got.find(Tap::ffn_residual, group - 1);
  } else {
    walk_.head(stage_call, got, residual(), sink);
  }
  residual_.reset();
  if (output != nullptr) residual_ = *output;
  if (causes_)
    for (const auto& [key, values] : got.all()) latest_[key.first] = values;
}

}  // namespace kigo::tools
