// The shape of Qwen2.5-0.5B end to end: the first token behind a prompt and 32 more, against the double
// reference.
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
using kernels::Prefill;
using model::Logits;
using reference::Cache;
using Numbers = std::vector<double>;

struct GpuLarge : testing::Test {
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

double largest_error(const Numbers& got, const Numbers& want) {
  double largest = 0;
  for (size_t i = 0; i < want.size(); ++i) largest = std::max(largest, std::abs(got[i] - want[i]));
  return largest;
}

/// One row of logits against the reference's: its distance, and the id. False when the ids part, which only a
/// near tie may do.
bool expect_row(const std::string& what, const Numbers& got, const Numbers& want, double limit) {
  EXPECT_LE(compare::nmse(got, want), limit) << what;
  const compare::Choice choice = compare::greedy_choice(got, want);
  EXPECT_TRUE(choice.agrees() || !choice.decided(largest_error(got, want)))
      << what << ": " << choice.got << " against " << choice.want << ", margin " << choice.margin;
  return choice.agrees();
}

struct Part {
  Kv kv;
  Cache cache;
  double limit;
};

TEST_F(GpuLarge, TheFirstTokenAndThirtyTwoMoreOfTheHalfBillionShape) {
  const SeededFile file("qwen2.5-0.5b", "q4_k_m");
  const std::vector<uint32_t> prompt = some_tokens(12, 151'000);
  for (const Part& part : {Part{Kv::floating, Cache::Double, 1e-10}, Part{Kv::half, Cache::Half, 1e-7}}) {
    Loaded gpu(file.path(), {.kv = part.kv, .prefill = Prefill::precise, .context = 256});
    reference::Session session(gpu.file, part.cache);
    Numbers want = logits_of(session, prompt, Logits::Last);
    Numbers got = logits_of(*gpu.session, prompt, Logits::Last);
    double worst = 0;
    int64_t compared = 0;
    for (; compared < 33; ++compared) {
      worst = std::max(worst, compare::nmse(got, want));
      if (!expect_row(cat("token ", compared), got, want, part.limit)) break;
      const auto id = static_cast<uint32_t>(compare::greedy_choice(want, want).want);
      ASSERT_TRUE(gpu.session->decode(id));
      got = gpu.session->last_logits()->values;
      want = logits_of(session, std::span(&id, 1), Logits::Last);
    }
    std::cout << "  " << compared << " tokens, worst nmse " << worst << " (limit " << part.limit << ")\n";
  }
}

TEST_F(GpuLarge, HalfPrefillOfTheHalfBillionShapeIsAtMostTwiceAsFarAsRoundedOperands) {
  const SeededFile file("qwen2.5-0.5b", "q4_k_m");
  const std::vector<uint32_t> prompt = some_tokens(12, 151'000);
  Loaded gpu(file.path(), {.kv = Kv::half, .prefill = Prefill::half, .context = 256});
  reference::Session session(gpu.file, Cache::Half);
  const Numbers want = logits_of(session, prompt, Logits::All);
  const double rounded =
      compare::nmse(rounded_logits(gpu.file, prompt, {.attention = true, .cache = Cache::Half}), want);
  const double got = compare::nmse(logits_of(*gpu.session, prompt, Logits::All), want);
  std::cout << "  nmse " << got << ", of rounded operands " << rounded << "\n";
  EXPECT_LE(got, 2 * rounded);
}

TEST_F(GpuLarge, UsesAtMostTwoPercentMoreMemoryThanPlanned) {
  const SeededFile file("qwen2.5-0.5b", "q4_k_m");
  const model::Model model = open_model(file.path());
  kernels::Context context = make_context();
  {  // what the driver keeps for itself from the first launch on: code, cuBLAS, local memory
    const auto warm = kernels::Model::load(context, model, {.context = 64});
    ASSERT_TRUE(warm) << warm.error().message();
    const auto session = kernels::Session::create(**warm);
    ASSERT_TRUE(session);
    logits_of(**session, some_tokens(20, 151'000), Logits::Last);
    decoded_logits(**session, some_tokens(3, 151'000));
  }
  const int64_t before = *context.free_bytes();
  const auto loaded = kernels::Model::load(context, model, {});
  ASSERT_TRUE(loaded) << loaded.error().message();
  const auto session = kernels::Session::create(**loaded);
  ASSERT_TRUE(session);
  logits_of(**session, some_tokens(600, 151'000), Logits::Last);
  decoded_logits(**session, some_tokens(3, 151'000));
  const auto used = static_cast<double>(before - *context.free_bytes());
  const auto planned = static_cast<double>((*loaded)->memory().total_bytes());
  EXPECT_LE(used, 1.02 * planned);
  EXPECT_GE(used, 0.98 * planned);
  std::cout << "  planned " << planned << " bytes, used " << used << "\n";
}

}  // namespace
}  // namespace kigo::test
