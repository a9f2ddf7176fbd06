// The probe of the sampler: what the filters leave, and which id is drawn, against the same without faults.
#include <array>
#include <cmath>

#include "core/base/fault.h"
#include "core/base/random.h"
#include "core/sample/sampler.h"
#include "tools/lib/faults/probe.h"

namespace kigo::tools {
namespace {

// A block of 1,024 and one more; an id beyond the first 1,000; 151,936 is left to the unit tests.
constexpr std::array<size_t, 3> kVocabularies{17, 1024, 1025};

std::vector<float> logits_of(size_t vocab, uint64_t seed) {
  Random random(seed);
  std::vector<float> logits(vocab);
  for (float& logit : logits) logit = static_cast<float>(3 * random.normal());
  logits.back() = 9;  // what a pass over the first ids alone would miss
  return logits;
}

template <class Run>
auto without_faults(const Run& run) {
  const fault::Suspended off;
  return run();
}

bool equal(const Result<sample::Distribution>& a, const Result<sample::Distribution>& b) {
  return a && b && a->ids == b->ids && a->weights == b->weights && a->total == b->total;
}

/// Whether the filters leave the same for some parameters, greedy choice apart.
bool filters_agree() {
  constexpr std::array<sample::Params, 4> kParams{{{.temperature = 1},
                                                   {.temperature = 0.5f, .top_p = 0.9f},
                                                   {.temperature = 1.5f, .top_k = 40},
                                                   {.temperature = 0.8f, .min_p = 0.05f}}};
  bool agree = true;
  for (const size_t vocab : kVocabularies) {
    const std::vector<float> logits = logits_of(vocab, vocab);
    for (const sample::Params& params : kParams) {
      const auto run = [&] { return sample::distribution(logits, params, {}, 0); };
      const auto truth = without_faults(run);
      agree = agree && equal(run(), truth);
    }
  }
  return agree;
}

/// Greedy choice among equals; draws at both ends; the same seed twice.
bool tokens_agree() {
  bool agree = true;
  std::vector<float> logits = logits_of(17, 5);
  logits[3] = logits[11] = 20;
  const auto greedy = [&] { return sample::sample(logits, {.temperature = 0}, {}, 0).value_or(~0u); };
  const uint32_t best = without_faults(greedy);
  agree = agree && greedy() == best;
  // Running sums that end a little below the total, as rounding can leave them.
  const sample::Distribution left{{4, 7, 9}, {1, 0.5, 0.25}, 1.75 + 1e-12};
  for (const double u : {0.0, 0.5, 1 - 0x1p-53}) {
    const auto drawn = [&] { return sample::draw(left, u); };
    const uint32_t truth = without_faults(drawn);
    agree = agree && drawn() == truth;
  }
  for (uint64_t index = 0; index < 8; ++index) {
    const auto drawn = [&] {
      return sample::sample(logits_of(1024, 6), {.temperature = 2, .seed = 41}, {}, index).value_or(~0u);
    };
    const uint32_t truth = without_faults(drawn);
    agree = agree && drawn() == truth;
  }
  return agree;
}

}  // namespace

Result<SeenAll> probe_sampler() {
  SeenAll seen;
  if (!filters_agree()) seen.push_back({'u', "u:filters", "sample:probs", -1, 0});
  if (!tokens_agree()) seen.push_back({'u', "u:draws", "sample:token", -1, 0});
  return seen;
}

}  // namespace kigo::tools
