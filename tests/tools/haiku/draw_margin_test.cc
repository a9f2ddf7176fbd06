// How safe a drawn id is: a worked example, and that no error within the margin changes a draw.
#include "tools/lib/haiku/draw_margin.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "core/base/random.h"
#include "core/sample/philox.h"
#include "tools/lib/haiku/http_client.h"

namespace kigo::tools {
namespace {

// u = 0x1.39d5e0a6efea9p-1 = 0.613 for seed 42, index 0: docs/worker.md, section 5.
constexpr sample::Params kPlain{.temperature = 0.5f, .seed = 42};

TEST(DrawMargin, OfTwoEqualIdsIsHowFarTheDrawIsFromTheMiddle) {
  const std::vector<float> logits{1, 1};
  const double u = sample::uniform(42, 0);
  const auto margin = draw_margin(logits, kPlain, {}, 0, {});
  ASSERT_TRUE(margin);
  EXPECT_NEAR(*margin, 0.5 * std::log(u / (1 - u)), 1e-12);  // the border's log odds are 0
  sample::Params penalised = kPlain;
  penalised.repetition_penalty = 2;  // doubles what an error of a negative logit does
  EXPECT_NEAR(*draw_margin(logits, penalised, {}, 0, {}), *margin / 2, 1e-12);
}

TEST(DrawMargin, OfOneIdIsInfinite) {
  const std::vector<float> logits{1};
  EXPECT_TRUE(std::isinf(*draw_margin(logits, kPlain, {}, 0, {})));
}

TEST(DrawMargin, SeesTheBorderOfTopKAndOfTheNucleus) {
  const std::vector<float> logits{5, 1, 0.9375f};  // the draw itself is far from any border
  sample::Params params = kPlain;
  params.top_k = 2;
  EXPECT_NEAR(*draw_margin(logits, params, {}, 0, {}), 0.0625, 1e-12);
  params = kPlain;
  params.top_p = 0.99955f;  // between the second and the third
  EXPECT_NEAR(*draw_margin(logits, params, {}, 0, {}), 0.0625, 1e-12);
}

TEST(DrawMargin, HoldsForErrorsWithinHalfOfIt) {
  Random random(7);
  int changed_beyond = 0;
  for (uint64_t i = 0; i < 2000; ++i) {
    std::vector<float> logits(2 + random.below(60));
    for (float& logit : logits) logit = static_cast<float>(3 * random.normal());
    const std::vector<uint32_t> history{static_cast<uint32_t>(random.below(logits.size()))};
    sample::Params params{
        .temperature = 0.8f, .top_p = 0.95f, .repetition_penalty = 1.1f, .top_k = 40, .seed = i};
    const auto id = sample::sample(logits, params, history, i);
    const auto margin = draw_margin(logits, params, history, i, {});
    ASSERT_TRUE(id && margin);
    if (!(*margin < 100)) continue;
    for (const double share : {0.499, 3.0}) {
      std::vector<float> off = logits;
      for (float& logit : off) logit += static_cast<float>((random.below(2) == 0 ? -share : share) * *margin);
      const auto other = sample::sample(off, params, history, i);
      ASSERT_TRUE(other);
      if (share < 0.5) {
        EXPECT_EQ(*other, *id) << "case " << i << ", margin " << *margin;
      } else {
        changed_beyond += *other != *id;
      }
    }
  }
  EXPECT_GT(changed_beyond, 200);  // or the margin would say nothing
}

/// Random logits and the parameters of a challenge.
struct Draws {
  explicit Draws(uint64_t seed) : random(seed) {}
  std::vector<float> logits(size_t vocab) {
    std::vector<float> out(vocab);
    for (float& logit : out) logit = static_cast<float>(3 * random.normal());
    return out;
  }
  static sample::Params params(uint64_t seed) {
    return {.temperature = 0.8f, .top_p = 0.95f, .repetition_penalty = 1.1f, .top_k = 40, .seed = seed};
  }
  Random random;
};

TEST(DrawDeficit, ExplainsWhateverAnErrorOfThatSizeDraws) {
  Draws draws(11);
  int differing = 0;
  for (uint64_t i = 0; i < 3000; ++i) {
    const auto logits = draws.logits(2 + draws.random.below(100));
    const auto params = Draws::params(i);
    const double error = 0.02 + 0.3 * static_cast<double>(draws.random.below(100)) / 100;
    std::vector<float> off = logits;
    for (float& logit : off)
      logit += static_cast<float>(error * (static_cast<double>(draws.random.below(2001)) / 1000 - 1));
    const auto got = sample::sample(off, params, {}, i);
    if (*got == *sample::sample(logits, params, {}, i)) continue;
    ++differing;
    const auto deficit = draw_deficit(logits, params, {}, i, {}, *got);
    ASSERT_TRUE(deficit);
    EXPECT_LE(*deficit, error * 1.002 + 1e-5) << "case " << i;
  }
  EXPECT_GT(differing, 50);
}

TEST(DrawDeficit, IsLargeForIdsOfAnotherSeed) {
  Draws draws(12);
  int others = 0, far = 0;
  for (uint64_t i = 0; i < 1000; ++i) {
    const auto logits = draws.logits(500);
    const auto got = sample::sample(logits, Draws::params(i + 1'000'000), {}, i);
    if (*got == *sample::sample(logits, Draws::params(i), {}, i)) continue;
    ++others;
    far +=
        *draw_deficit(logits, Draws::params(i), {}, i, {}, *got) > 0.15;  // errors allowed on a GPU are less
  }
  EXPECT_GT(others, 500);
  EXPECT_GT(far, others * 3 / 4) << others;
}

TEST(DrawDeficit, OfTwoIdsIsHalfTheDistanceOfTheDraw) {
  const std::vector<float> logits{1, 1};
  const double u = sample::uniform(42, 0);  // above a half: the second is drawn
  const auto deficit = draw_deficit(logits, kPlain, {}, 0, {}, 0);
  ASSERT_TRUE(deficit);
  EXPECT_NEAR(*deficit, 0.5 * std::log(u / (1 - u)) / 2, 1e-3);
  EXPECT_EQ(*draw_deficit(logits, kPlain, {}, 0, {}, 7), 1e9);
}

TEST(PrometheusSamples, AreReadWithTheirLabels) {
  EXPECT_EQ(prometheus_samples(
                "# HELP a b\n# TYPE a counter\na 3\nb{x=\"1 2\"} 1.5\nh_bucket{le=\"1\"} 4\nh_sum 2\n")
                .dump(),
            R"({"a":3.0,"b{x=\"1 2\"}":1.5,"h_sum":2.0})");
  EXPECT_EQ(prometheus_samples("").dump(), "{}");
}

}  // namespace
}  // namespace kigo::tools
