// Rotation, cache and attention that went wrong.
#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "tools/lib/compare/trials.h"

namespace kigo::tools {
namespace {

using model::Tap;

constexpr double kLargestExponent = 88.7;  // log of the largest float

/// Rows of one head, [positions, kv_heads, head_dim].
std::span<const double> head_of(std::span<const double> rows, const model::Config& config, size_t position,
                                size_t head) {
  const auto dim = static_cast<size_t>(config.head_dim);
  return rows.subspan((position * static_cast<size_t>(config.kv_heads) + head) * dim, dim);
}

bool equal_rows(std::span<const double> a, std::span<const double> b) { return std::ranges::equal(a, b); }

/// Which earlier rows the wrong rows of old positions hold: of another layer, or of another position.
void try_moved(Trials& trials) {
  const Suspect& s = trials.suspect();
  const auto row = trials.row_elements();
  const bool keys = s.stage.tap == Tap::cache_k;
  for (size_t layer = 0; layer < s.caches.size(); ++layer) {
    const auto& held = keys ? s.caches[layer].k : s.caches[layer].v;
    if (!held) continue;
    std::optional<int64_t> shift;
    bool all = true;
    for (size_t t = 0; t < trials.rows() && all; ++t) {
      const auto got = s.stage.got.subspan(t * row, row);
      if (equal_rows(got, std::span(s.want.values).subspan(t * row, row))) continue;
      bool found = false;
      for (size_t p = 0; p * row < held->size() && !found; ++p) {
        const int64_t by = static_cast<int64_t>(p) - static_cast<int64_t>(t);
        if ((shift && by != *shift) || !equal_rows(got, std::span(*held).subspan(p * row, row))) continue;
        shift = by;
        found = true;
      }
      all = found;
    }
    if (!all || !shift) continue;
    const bool own = static_cast<int64_t>(layer) == s.stage.layer;
    if (own && *shift != 0)
      trials.add("cache-position",
                 cat("position p holds what belongs to p ", *shift < 0 ? "- " : "+ ", std::abs(*shift),
                     ": the stride or the position of the cache is wrong"),
                 true);
    if (!own && *shift == 0)
      trials.add(
          "cache-layer",
          cat("holds what belongs to layer ", layer, ": the cache's offset of the layer is missing or wrong"),
          true);
  }
}

void try_heads_unwritten(Trials& trials) {
  const Suspect& s = trials.suspect();
  const auto heads = static_cast<size_t>(s.config.kv_heads);
  std::vector<std::string> names;
  for (size_t head = 0; head < heads; ++head) {
    bool constant = true, wrong = false;
    const double first = head_of(s.stage.got, s.config, 0, head)[0];
    for (size_t t = 0; t < trials.rows(); ++t) {
      const auto got = head_of(s.stage.got, s.config, t, head);
      for (const double value : got)
        constant = constant && (value == first || (std::isnan(value) && std::isnan(first)));
      wrong = wrong || !equal_rows(got, head_of(s.want.values, s.config, t, head));
    }
    if (constant && wrong) names.push_back(cat(head));
  }
  if (names.empty()) return;
  std::string list_of = names[0];
  for (size_t i = 1; i < names.size(); ++i) list_of += ", " + names[i];
  if (names.size() < heads)
    trials.add("cache-head-unwritten",
               cat("kv head ", list_of, " is not written, ", heads - names.size(), " of ", heads, " are"),
               true);
  else
    trials.add("cache-unwritten", cat("new positions are not written"), true);
}

}  // namespace

void try_rotation(Trials& trials) {
  const auto* op = std::get_if<Turned>(&*trials.suspect().stage.recipe);
  if (op == nullptr) return;
  const auto attempt = [&](const char* id, std::string text, auto change) {
    Turned wrong = *op;
    change(wrong);
    trials.recipe(id, std::move(text), wrong);
  };
  const bool halves = op->pairing == ops::Pairing::halves;
  const std::string_view architecture = trials.suspect().config.architecture->name;
  attempt("rope-pairing",
          cat("rotates ", halves ? "neighbours (2i, 2i+1)" : "halves (i, i + rope_dims/2)", ", where ",
              architecture, " rotates ", halves ? "halves (i, i + rope_dims/2)" : "neighbours (2i, 2i+1)"),
          [&](Turned& wrong) { wrong.pairing = halves ? ops::Pairing::neighbours : ops::Pairing::halves; });
  attempt("rope-position", "the rotary position is off by one: position + 1",
          [](Turned& wrong) { ++wrong.first_position; });
  if (op->first_position > 0) {
    attempt("rope-position", "the rotary position is off by one: position - 1",
            [](Turned& wrong) { --wrong.first_position; });
    attempt("rope-position", "the rotary position starts at 0 in every call",
            [](Turned& wrong) { wrong.first_position = 0; });
  }
  for (const float base : {1e4F, 5e5F, 1e6F})
    if (base != op->base)
      attempt("rope-base", cat("the rotary base is ", base, ", where the file says ", op->base),
              [&](Turned& wrong) { wrong.base = base; });
  if (op->factor != 1)
    attempt("rope-scaling", "the rotary scaling factor is left out", [](Turned& wrong) { wrong.factor = 1; });
  if (op->divisors != nullptr)
    attempt("rope-scaling", "the divisors of rope_freqs.weight are left out",
            [](Turned& wrong) { wrong.divisors = nullptr; });
  if (op->source) {
    trials.outcome("rope-missing", "is not rotated, or at position 0",
                   expected(Stored{.rows = {}, .source = op->source, .to_half = op->to_half},
                            trials.suspect().stage.how));
  } else {
    trials.values("rope-missing", "is not rotated, or always as at position 0",
                  {op->rows.begin(), op->rows.end()});
  }
}

void try_cache(Trials& trials) {
  const Suspect& s = trials.suspect();
  if (s.stage.tap != Tap::cache_k && s.stage.tap != Tap::cache_v) return;
  try_moved(trials);
  try_heads_unwritten(trials);
  const auto* op = std::get_if<Stored>(&*s.stage.recipe);
  if (op == nullptr || s.stage.old_positions) return;
  const auto kept = [&](Tap tap) -> std::optional<std::vector<double>> {
    const std::vector<double>* rows = s.group.find(tap, s.stage.layer);
    if (rows == nullptr) return std::nullopt;
    std::vector<double> stored = *rows;
    if (op->to_half) std::ranges::transform(stored, stored.begin(), to_half);
    return stored;
  };
  const bool keys = s.stage.tap == Tap::cache_k;
  if (auto rows = kept(Tap::attn_k); rows && keys)
    trials.values("cache-unrotated", "holds keys that are not rotated", *rows);
  if (auto rows = kept(keys ? Tap::attn_v : Tap::attn_k_rope))
    trials.values("cache-swapped", keys ? "holds values, not keys" : "holds keys, not values", *rows);
  if (op->to_half) trials.values("cache-type", "is not rounded to half", {op->rows.begin(), op->rows.end()});
  if (!op->to_half && !op->source) {
    std::vector<double> rounded(op->rows.begin(), op->rows.end());
    std::ranges::transform(rounded, rounded.begin(), to_half);
    trials.values("cache-type", "is rounded to half, where the side is said to keep floats", rounded);
  }
}

namespace {

/// k or v with a row for every query head, as a map of heads to kv heads gives it.
std::vector<double> mapped(std::span<const double> rows, const Attended& op,
                           const std::function<int64_t(int64_t)>& map) {
  const auto dim = static_cast<size_t>(op.head_dim);
  const size_t positions = rows.size() / (static_cast<size_t>(op.kv_heads) * dim);
  std::vector<double> out;
  out.reserve(positions * static_cast<size_t>(op.heads) * dim);
  for (size_t p = 0; p < positions; ++p)
    for (int64_t h = 0; h < op.heads; ++h) {
      const auto from = (p * static_cast<size_t>(op.kv_heads) + static_cast<size_t>(map(h))) * dim;
      out.insert(out.end(), rows.begin() + static_cast<std::ptrdiff_t>(from),
                 rows.begin() + static_cast<std::ptrdiff_t>(from + dim));
    }
  return out;
}

void try_head_map(Trials& trials, const Attended& op, const char* text,
                  const std::function<int64_t(int64_t)>& map) {
  const std::vector<double> k = mapped(op.k, op, map), v = mapped(op.v, op, map);
  Attended wrong = op;
  wrong.k = k;
  wrong.v = v;
  wrong.kv_heads = op.heads;
  trials.recipe("head-map", text, wrong);
}

void try_scale(Trials& trials, const Attended& op, double factor, const char* text) {
  std::vector<double> q(op.q.begin(), op.q.end()), bounds(op.q_bounds.begin(), op.q_bounds.end());
  for (double& value : q) value *= factor;
  for (double& value : bounds) value *= factor;
  Attended wrong = op;
  wrong.q = q;
  wrong.q_bounds = bounds;
  trials.recipe("attention-scale", text, wrong);
}

/// Scores so large that e^score overflows a float, where the output is not finite.
void try_without_maximum(Trials& trials, const Attended& op) {
  const Suspect& s = trials.suspect();
  if (s.report.non_finite == 0) return;
  const auto dim = static_cast<size_t>(op.head_dim);
  bool all = true;
  double largest = 0;
  for (size_t row = 0; row * dim < op.q.size(); ++row) {
    const size_t t = row / static_cast<size_t>(op.heads), h = row % static_cast<size_t>(op.heads);
    const size_t g = h / static_cast<size_t>(op.heads / op.kv_heads);
    double most = -INFINITY;
    for (size_t p = 0; p <= static_cast<size_t>(op.first_position) + t; ++p) {
      double dot = 0;
      for (size_t i = 0; i < dim; ++i)
        dot += op.q[row * dim + i] * op.k[(p * static_cast<size_t>(op.kv_heads) + g) * dim + i];
      most = std::max(most, dot / std::sqrt(static_cast<double>(dim)));
    }
    largest = std::max(largest, most);
    const bool bad =
        std::ranges::any_of(s.stage.got.subspan(row * dim, dim), [](double x) { return !std::isfinite(x); });
    all = all && bad == (most > kLargestExponent);
  }
  if (largest > kLargestExponent)
    trials.add("softmax-max",
               cat("softmax without subtracting the maximum: the largest score is ", largest,
                   ", and e^88.7 is the largest float"),
               all);
}

}  // namespace

void try_attention(Trials& trials) {
  const auto* op = std::get_if<Attended>(&*trials.suspect().stage.recipe);
  if (op == nullptr) return;
  const int64_t groups = op->heads / op->kv_heads;
  if (op->kv_heads > 1 && groups > 1)
    try_head_map(trials, *op, "head h reads kv head h % kv_heads, where it is h / (heads / kv_heads)",
                 [&](int64_t h) { return h % op->kv_heads; });
  if (op->kv_heads > 1) try_head_map(trials, *op, "every head reads kv head 0", [](int64_t) { return 0; });
  const double root = std::sqrt(static_cast<double>(op->head_dim));
  try_scale(trials, *op, 1 / root, "scores are scaled by 1 / head_dim, where it is its root");
  try_scale(trials, *op, root, "scores are not scaled");
  const auto attempt = [&](const char* id, const char* text, auto change) {
    Attended wrong = *op;
    change(wrong);
    trials.recipe(id, text, wrong);
  };
  attempt("causal", "the newest position is left out", [](Attended& wrong) { wrong.ahead = -1; });
  attempt("causal", "each query sees one position ahead", [](Attended& wrong) { wrong.ahead = 1; });
  attempt("causal", "queries see all positions: no causal mask",
          [](Attended& wrong) { wrong.ahead = 1 << 30; });
  attempt("cache-swapped", "keys and values are swapped",
          [](Attended& wrong) { std::swap(wrong.k, wrong.v); });
  const auto past = static_cast<size_t>(op->first_position * op->kv_heads * op->head_dim);
  if (past != 0)
    attempt("cache-not-read", "only the positions of this call are seen, not the cache",
            [&](Attended& wrong) {
              wrong.first_position = 0;
              wrong.k = wrong.k.subspan(past);
              wrong.v = wrong.v.subspan(past);
            });
  try_without_maximum(trials, *op);
}

}  // namespace kigo::tools
