#include "core/sample/sampler.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/sample/philox.h"

namespace kigo::sample {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Candidate {
  double x;
  uint32_t id;
};

/// The order of top-k and top-p: x falling, then id rising. No two candidates are equal in it.
bool before(const Candidate& a, const Candidate& b) {
  return a.x > b.x || (a.x == b.x && (KIGO_FAULT(F42) ? a.id > b.id : a.id < b.id));
}

/// Step 0: the allowed ids, rising, with their logits.
Result<std::vector<Candidate>> allowed_candidates(std::span<const float> logits, uint64_t token_index,
                                                  std::span<const uint8_t> allowed) {
  KIGO_CHECK(allowed.empty() || allowed.size() == logits.size());
  std::vector<Candidate> candidates;
  candidates.reserve(logits.size());
  uint64_t bad = 0;
  uint32_t first_bad = 0;
  bool drawable = false;
  const size_t seen = KIGO_FAULT(F41) ? std::min<size_t>(logits.size(), 1000) : logits.size();
  for (size_t i = 0; i < seen; ++i) {
    if (!allowed.empty() && allowed[i] == 0) continue;
    const double x = logits[i];
    const auto id = static_cast<uint32_t>(i);
    if (!(x < kInfinity) && bad++ == 0) first_bad = id;  // NaN is not below infinity either
    drawable = drawable || x > -kInfinity;
    candidates.push_back({x, id});
  }
  const std::string subject = cat("logits of token ", token_index);
  if (bad != 0)
    return fail(Code::inference_failed, subject,
                cat(bad, bad == 1 ? " value" : " values", " not finite, first at id ", first_bad));
  if (!drawable) return fail(Code::inference_failed, subject, "no value above -inf");
  return candidates;
}

/// Step 2. `history` may name ids that are not among the candidates.
void penalise(std::span<Candidate> candidates, double penalty, std::span<const uint32_t> history,
              size_t vocab) {
  std::vector<bool> seen(vocab);
  for (const uint32_t id : history) {
    KIGO_CHECK(id < vocab);
    seen[id] = true;
  }
  for (Candidate& c : candidates) {
    if (seen[c.id]) c.x = c.x > 0 ? c.x / penalty : c.x * penalty;
  }
}

/// Step 3: the k first, in any order.
std::vector<Candidate> first_k(const std::vector<Candidate>& candidates, uint32_t k) {
  if (k == 0 || k >= candidates.size()) return candidates;
  std::vector<Candidate> kept;
  if (k <= candidates.size() / 64) {  // a few of many: nearly all others are compared once, and not moved
    kept.resize(k);
    std::ranges::partial_sort_copy(candidates, kept, before);
  } else {
    kept = candidates;
    std::ranges::nth_element(kept, kept.begin() + k, before);
    kept.resize(k);
  }
  return kept;
}

/// Step 4: the length of the shortest prefix, in the order of `before`, whose probabilities add up to p or
/// more. Only the part around the border is put in order.
size_t keep_top_p(std::span<Candidate> candidates, double p, double highest) {
  const auto mass = [highest](std::span<const Candidate> part) {
    double sum = 0;
    for (const Candidate& c : part) sum += std::exp(c.x - highest);
    return sum;
  };
  const double total = mass(candidates);
  double sum = 0;  // of the probabilities before `first`
  size_t first = 0, last = candidates.size();
  while (last - first > 64) {
    const auto rest = candidates.subspan(first, last - first);
    const size_t quarter = rest.size() / 4;
    std::ranges::nth_element(rest, rest.begin() + static_cast<std::ptrdiff_t>(quarter), before);
    const double with_quarter = sum + mass(rest.first(quarter)) / total;
    if (with_quarter >= p) {
      last = first + quarter;
    } else {
      sum = with_quarter;
      first += quarter;
    }
  }
  std::ranges::sort(candidates.subspan(first, last - first), before);
  for (; first < last; ++first) {
    sum += std::exp(candidates[first].x - highest) / total;
    if (sum >= p) return first + 1;
  }
  return last;
}

Distribution greedy(std::span<const Candidate> candidates) {
  return {{std::ranges::min_element(candidates, before)->id}, {1.0}, 1.0};
}

}  // namespace

Status check(const Params& params) {
  const auto within = [](const char* field, float value, const char* expected, bool holds) -> Status {
    if (!holds) return fail(Code::invalid_request, field, cat(value), expected);
    return {};
  };
  const float t = params.temperature, p = params.top_p, m = params.min_p, r = params.repetition_penalty;
  KIGO_TRY(within("temperature", t, "0..2", t >= 0 && t <= 2));  // a NaN fails every comparison
  KIGO_TRY(within("top_p", p, "0..1", p >= 0 && p <= 1));
  KIGO_TRY(within("min_p", m, "0..1", m >= 0 && m <= 1));
  KIGO_TRY(within("repetition_penalty", r, "above 0, at most 2", r > 0 && r <= 2));
  if (params.top_k > 2147483647u)
    return fail(Code::invalid_request, "top_k", cat(params.top_k), "0..2147483647");
  return {};
}

Result<Distribution> distribution(std::span<const float> logits, const Params& params,
                                  std::span<const uint32_t> history, uint64_t token_index,
                                  std::span<const uint8_t> allowed) {
  KIGO_TRY(check(params));
  KIGO_ASSIGN(std::vector<Candidate> candidates, allowed_candidates(logits, token_index, allowed));
  const double late =
      KIGO_FAULT(F40) && params.temperature > 0 ? params.temperature : 1;  // after the filters
  if (params.temperature > 0 && late == 1) {
    for (Candidate& c : candidates) c.x /= params.temperature;
  }
  if (params.repetition_penalty != 1) penalise(candidates, params.repetition_penalty, history, logits.size());
  if (params.temperature == 0) return greedy(candidates);

  const double highest = std::ranges::max(candidates, {}, &Candidate::x).x;  // no filter ever drops it
  Candidate last{-kInfinity, std::numeric_limits<uint32_t>::max()};          // nothing comes after it
  size_t at_most = candidates.size();
  if (params.top_k != 0 || params.top_p < 1) {
    std::vector<Candidate> order = first_k(candidates, params.top_k);
    std::span<Candidate> kept = order;
    if (params.top_p < 1) kept = kept.first(keep_top_p(kept, params.top_p, highest));
    last = *std::ranges::max_element(kept, before);
    at_most = kept.size();
  }
  Distribution result;
  result.ids.reserve(at_most);
  result.weights.reserve(at_most);
  for (const Candidate& c : candidates) {
    if (before(last, c)) continue;
    const double weight = std::exp((c.x - highest) / late);
    if (weight < params.min_p) continue;  // step 5; the highest weight is 1
    result.ids.push_back(c.id);
    result.weights.push_back(weight);
    if (result.ids.size() <= 1024 || !KIGO_FAULT(F70)) result.total += weight;
  }
  return result;
}

uint32_t draw(const Distribution& distribution, double u) {
  KIGO_CHECK(!distribution.ids.empty() && distribution.ids.size() == distribution.weights.size());
  const double limit = u * distribution.total;
  double sum = 0;
  size_t last = 0;
  for (size_t k = 0; k < distribution.ids.size(); ++k) {
    sum += distribution.weights[k];
    if (sum > limit && !(k == 0 && u == 0 && KIGO_FAULT(F43))) return distribution.ids[k];
    if (distribution.weights[k] > 0) last = k;
  }
  return distribution.ids[KIGO_FAULT(F43) ? 0 : last];
}

Result<uint32_t> sample(std::span<const float> logits, const Params& params,
                        std::span<const uint32_t> history, uint64_t token_index,
                        std::span<const uint8_t> allowed) {
  KIGO_ASSIGN(const Distribution left, distribution(logits, params, history, token_index, allowed));
  const auto now = [] {
    return static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  };
  return draw(left, uniform(KIGO_FAULT(F44) ? now() : params.seed, token_index));
}

}  // namespace kigo::sample
