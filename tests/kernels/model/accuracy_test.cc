// End to end: the logits of the GPU against the double reference, and the ids that both choose.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "core/compare/bound.h"
#include "tests/kernels/model/loaded.h"
#include "tests/kernels/model/rounded_reference.h"

namespace kigo::test {
namespace {

using kernels::Kv;
using kernels::Options;
using kernels::Prefill;
using kernels::WeightMode;
using model::Logits;
using reference::Cache;
using Numbers = std::vector<double>;
using Tokens = std::vector<uint32_t>;

Cache cache_of(Kv kv) { return kv == Kv::half ? Cache::Half : Cache::Double; }

Numbers reference_logits(const model::Model& file, const Tokens& tokens, Kv kv) {
  reference::Session session(file, cache_of(kv));
  return logits_of(session, tokens, Logits::All);
}

/// Issue limits: float all the way; or a cache in half on both sides, where values near the middle of two
/// neighbours are rounded to different ones.
double nmse_limit(Kv kv) { return kv == Kv::half ? 1e-7 : 1e-10; }

/// KL divergence is half the variance of the error under the reference's probabilities, as long as errors are
/// small. The mean square of the error over all ids is nmse * mean square of the logits; the likely ids may
/// have sixteen times that.
double kl_limit(double nmse, const Numbers& want) {
  double power = 0;
  for (const double value : want) power += value * value;
  return 8 * nmse * power / static_cast<double>(want.size());
}

double largest_error(std::span<const double> got, std::span<const double> want) {
  double largest = 0;
  for (size_t i = 0; i < want.size(); ++i) largest = std::max(largest, std::abs(got[i] - want[i]));
  return largest;
}

/// Errors, divergence and teacher-forced choices of all rows.
void expect_close(const std::string& what, const Numbers& got, const Numbers& want, int64_t vocab,
                  double limit) {
  ASSERT_EQ(got.size(), want.size()) << what;
  const double nmse = compare::nmse(got, want);
  EXPECT_LE(nmse, limit) << what;
  const auto width = static_cast<size_t>(vocab);
  double worst_kl = 0;
  int flips = 0;
  for (size_t row = 0; row * width < want.size(); ++row) {
    const auto g = std::span(got).subspan(row * width, width);
    const auto w = std::span(want).subspan(row * width, width);
    worst_kl = std::max(worst_kl, compare::kl_divergence(g, w));
    const compare::Choice choice = compare::greedy_choice(g, w);
    if (choice.agrees()) continue;
    ++flips;
    EXPECT_FALSE(choice.decided(largest_error(g, w)))
        << what << ", row " << row << ": id " << choice.got << " against " << choice.want << ", margin "
        << choice.margin << ", largest error " << largest_error(g, w);
  }
  EXPECT_LE(worst_kl, kl_limit(limit, want)) << what;
  std::cout << "  " << what << ": nmse " << nmse << " (limit " << limit << "), KL " << worst_kl << ", "
            << flips << " near ties decided the other way\n";
}

struct Case {
  std::string model;
  Kv kv;
};
void PrintTo(const Case& c, std::ostream* out) { *out << c.model; }
std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = info.param.model + (info.param.kv == Kv::half ? "_kv_half" : "_kv_float");
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}
std::vector<Case> cases() {
  std::vector<Case> all;
  for (const std::string& model : kGoldenModels)
    for (const Kv kv : {Kv::half, Kv::floating}) all.push_back({model, kv});
  return all;
}

struct GpuAccuracy : testing::TestWithParam<Case> {
  void SetUp() override { KIGO_NEEDS_GPU(); }
  Options options(WeightMode weights = WeightMode::quantised, Prefill prefill = Prefill::half) const {
    Options options;
    options.kv = GetParam().kv;
    options.weights = weights;
    options.prefill = prefill;
    return options;
  }
};
INSTANTIATE_TEST_SUITE_P(Models, GpuAccuracy, testing::ValuesIn(cases()), case_name);

TEST_P(GpuAccuracy, DecodeAgreesWithTheReference) {
  Loaded gpu(golden_model(GetParam().model), options());
  for (const Tokens& prompt : golden_prompts(gpu.file)) {
    gpu.session->reset();
    expect_close(cat("decode of ", prompt.size(), " tokens"), decoded_logits(*gpu.session, prompt),
                 reference_logits(gpu.file, prompt, GetParam().kv), gpu.file.config.vocab,
                 nmse_limit(GetParam().kv));
  }
}

TEST_P(GpuAccuracy, PrecisePrefillAgreesWithTheReference) {
  Loaded gpu(golden_model(GetParam().model), options(WeightMode::quantised, Prefill::precise));
  for (const Tokens& prompt : golden_prompts(gpu.file)) {
    gpu.session->reset();
    expect_close(
        cat("precise prefill of ", prompt.size(), " tokens"), logits_of(*gpu.session, prompt, Logits::All),
        reference_logits(gpu.file, prompt, GetParam().kv), gpu.file.config.vocab, nmse_limit(GetParam().kv));
  }
}

/// The yardstick: how far exact sums of rounded operands are from the reference.
void expect_within_twice_the_rounding(Loaded& gpu, const Rounding& rounding, Kv kv, bool by_steps) {
  for (const Tokens& prompt : golden_prompts(gpu.file)) {
    gpu.session->reset();
    const Numbers want = reference_logits(gpu.file, prompt, kv);
    const double allowed = 2 * compare::nmse(rounded_logits(gpu.file, prompt, rounding), want);
    EXPECT_LT(allowed, 1e-4) << "operands rounded to half";  // 2^-11 of each operand, through a few layers
    expect_close(
        cat(by_steps ? "half decode of " : "half prefill of ", prompt.size(), " tokens"),
        by_steps ? decoded_logits(*gpu.session, prompt) : logits_of(*gpu.session, prompt, Logits::All), want,
        gpu.file.config.vocab, allowed);
  }
}

TEST_P(GpuAccuracy, HalfPrefillIsAtMostTwiceAsFarAsRoundedOperands) {
  Loaded gpu(golden_model(GetParam().model), options());
  const Kv kv = GetParam().kv;
  const Rounding rounding{.attention = kv == Kv::half, .cache = cache_of(kv)};
  expect_within_twice_the_rounding(gpu, rounding, kv, false);
}

TEST_P(GpuAccuracy, WeightsInHalfAreAtMostTwiceAsFarAsRoundedOperands) {
  Loaded gpu(golden_model(GetParam().model), options(WeightMode::half));
  const Kv kv = GetParam().kv;
  Rounding rounding{.embedding = true, .head = true, .attention = kv == Kv::half, .cache = cache_of(kv)};
  expect_within_twice_the_rounding(gpu, rounding, kv, false);
  rounding.attention = false;  // steps mix in float
  expect_within_twice_the_rounding(gpu, rounding, kv, true);
}

TEST_P(GpuAccuracy, SixtyFourGreedyIdsAreTheReferences) {
  Loaded gpu(golden_model(GetParam().model), options(WeightMode::quantised, Prefill::precise));
  const int64_t vocab = gpu.file.config.vocab;
  int64_t compared = 0, flips = 0;
  for (const Tokens& prompt : golden_prompts(gpu.file)) {
    gpu.session->reset();
    reference::Session session(gpu.file, cache_of(GetParam().kv));
    Numbers got = logits_of(*gpu.session, prompt, Logits::Last);
    Numbers want = logits_of(session, prompt, Logits::Last);
    const int64_t room = gpu.model->options().context - static_cast<int64_t>(prompt.size());
    for (int64_t i = 0; i < std::min<int64_t>(64, room); ++i, ++compared) {
      const compare::Choice choice = compare::greedy_choice(got, want);
      if (!choice.agrees()) {
        ++flips;
        EXPECT_FALSE(choice.decided(largest_error(got, want)))
            << "prompt of " << prompt.size() << ", token " << i << ": " << choice.got << " against "
            << choice.want << ", margin " << choice.margin;
        break;  // from here on the two tell different stories
      }
      const auto id = static_cast<uint32_t>(choice.got);
      const Result<uint32_t> next = gpu.session->decode(id);
      ASSERT_TRUE(next) << next.error().message();
      got = gpu.session->last_logits()->values;
      want = logits_of(session, std::span(&id, 1), Logits::Last);
      // What the kernel chose is what its logits say.
      EXPECT_EQ(*next, static_cast<uint32_t>(std::max_element(got.begin(), got.end()) - got.begin()));
      ASSERT_EQ(static_cast<int64_t>(got.size()), vocab);
    }
  }
  std::cout << "  " << compared << " ids compared, " << flips << " near ties decided the other way\n";
  EXPECT_GT(compared, 0);
}

}  // namespace
}  // namespace kigo::test
