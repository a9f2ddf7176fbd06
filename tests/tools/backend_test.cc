// core/backend.h, as the reference on the CPU keeps it.
#include "core/backend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "core/base/cat.h"
#include "core/model/weights.h"
#include "tools/lib/engine.h"
#include "tools/lib/generation.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

model::Model tiny() { return *model::open(golden_folder() + "/tiny/tiny-q4_k_m.gguf"); }

std::vector<uint32_t> some_ids(size_t count, int64_t vocab) {
  std::vector<uint32_t> ids;
  for (size_t i = 0; i < count; ++i)
    ids.push_back(static_cast<uint32_t>((i * 7919 + 13) % static_cast<size_t>(vocab)));
  return ids;
}

TEST(Percent, IsRoundedDown) {
  EXPECT_EQ(percent(0, 7), 0);
  EXPECT_EQ(percent(29, 100), 29);
  EXPECT_EQ(percent(6, 7), 85);
  EXPECT_EQ(percent(7, 7), 100);
  EXPECT_EQ(percent(0, 0), 100);
  EXPECT_EQ(percent((uint64_t{1} << 57) - 2, (uint64_t{1} << 57) - 1), 99);
}

TEST(CpuBackend, SaysWhatItHolds) {
  const model::Model model = tiny();
  const auto engine = *open_engine(model, {.context = 64});
  const model::Config& config = model.config;
  uint64_t weights = 0;
  for (const gguf::Tensor* tensor : model.weights.all()) weights += tensor->size_bytes();
  EXPECT_EQ(engine->info().name, "cpu");
  EXPECT_EQ(engine->info().device, -1);
  EXPECT_EQ(engine->context(), 64);
  EXPECT_EQ(engine->memory().weights_bytes, static_cast<int64_t>(weights));
  EXPECT_EQ(engine->memory().kv_cache_bytes, 2 * config.layers * 64 * config.kv_heads * config.head_dim * 8);
  EXPECT_GT(engine->memory().workspace_bytes, config.vocab * 8);
  EXPECT_TRUE(engine->health());
}

TEST(CpuBackend, ReportsEveryByteOfTheTensorsRising) {
  const model::Model model = tiny();
  std::vector<uint64_t> seen;
  uint64_t total = 0;
  const auto engine = open_engine(model, {}, [&](uint64_t done, uint64_t of) -> Status {
    seen.push_back(done);
    total = of;
    return {};
  });
  ASSERT_TRUE(engine);
  EXPECT_EQ(seen.front(), 0u);
  EXPECT_EQ(seen.back(), total);
  EXPECT_EQ(total, static_cast<uint64_t>((*engine)->memory().weights_bytes));
  EXPECT_TRUE(std::ranges::is_sorted(seen));
}

TEST(CpuBackend, EndsTheLoadingWithTheErrorOfTheCaller) {
  const model::Model model = tiny();
  const auto engine = open_engine(model, {}, [](uint64_t done, uint64_t) -> Status {
    return done == 0 ? Status() : Status(fail(Code::cancelled, "loading", "stopped"));
  });
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().message(), "loading: stopped (cancelled)");
}

TEST(CpuBackend, RefusesAContextBeyondTheModels) {
  const model::Model model = tiny();
  for (const int64_t context : {int64_t{-1}, model.config.context + 1}) {
    const auto engine = open_engine(model, {.context = context});
    ASSERT_FALSE(engine) << context;
    EXPECT_EQ(engine.error().code, Code::invalid_request);
    EXPECT_EQ(engine.error().subject, "context");
  }
  EXPECT_TRUE(open_engine(model, {.context = model.config.context}));
}

TEST(CpuBackend, PrefillInPiecesAndDecodeHaveTheBitsOfOneCall) {
  const model::Model model = tiny();
  const auto engine = *open_engine(model, {});
  const auto ids = some_ids(static_cast<size_t>(engine->prompt_chunk()) * 2 + 3, model.config.vocab);
  reference::Session whole(model);
  const auto wanted = *whole.forward(ids, model::Logits::All);

  const auto prefilled = *engine->prefill(std::span(ids).first(ids.size() - 1));
  const auto decoded = *engine->decode(ids.back());
  const auto row = [&](size_t index) {
    const double* begin = wanted.values.data() + index * static_cast<size_t>(wanted.width);
    return std::vector<double>(begin, begin + wanted.width);
  };
  EXPECT_EQ(prefilled.values, row(ids.size() - 2));
  EXPECT_EQ(decoded.values, row(ids.size() - 1));
  EXPECT_EQ(engine->session().length(), static_cast<int64_t>(ids.size()));
}

/// The products go in blocks when they can be cancelled: 128 tokens of the shipped model make several.
TEST(CancellableForward, HasTheBitsOfOneThatIsNot) {
  const model::Model model = *model::open(shipped_model());
  const auto ids = some_ids(128, model.config.vocab);
  for (const auto products : {reference::Products::Plain, reference::Products::Fast}) {
    reference::Session plain(model, reference::Cache::Double, products);
    reference::Session listening(model, reference::Cache::Double, products);
    const std::atomic<bool> never = false;
    listening.cancel_on(&never);
    EXPECT_EQ(plain.forward(ids, model::Logits::All)->values,
              listening.forward(ids, model::Logits::All)->values);
  }
}

TEST(CancellableForward, EndsWithinALayerAndLeavesTheSessionAsItWas) {
  const model::Model model = tiny();
  const auto ids = some_ids(12, model.config.vocab);
  reference::Session session(model);
  ASSERT_TRUE(session.forward(std::span(ids).first(5), model::Logits::Last));
  std::atomic<bool> cancel = false;
  session.cancel_on(&cancel);
  std::vector<std::string> reached;
  const auto ended = session.forward(std::span(ids).subspan(5), model::Logits::Last,
                                     [&](model::Tap tap, int64_t layer, View<const double, 3>) {
                                       reached.push_back(model::name(tap, layer));
                                       if (tap == model::Tap::attn_mix && layer == 1) cancel = true;
                                     });
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().code, Code::cancelled);
  EXPECT_EQ(reached.back(), "blk.1.attn_mix");
  EXPECT_EQ(session.length(), 5);

  session.cancel_on(nullptr);
  reference::Session whole(model);
  EXPECT_EQ(session.forward(std::span(ids).subspan(5), model::Logits::Last)->values,
            whole.forward(ids, model::Logits::Last)->values);
}

TEST(CpuBackend, SequencesOfOneBackendDoNotKnowEachOther) {
  const model::Model model = tiny();
  const auto engine = *open_engine(model, {});
  const auto ids = some_ids(20, model.config.vocab);
  const auto alone = engine->prefill(ids)->values;
  const auto first = *engine->open_session();
  const auto second = *engine->open_session();
  ASSERT_TRUE(engine->prefill(*first, std::span(ids).first(18)));
  ASSERT_TRUE(engine->prefill(*second, std::span(ids).subspan(5)));
  EXPECT_EQ(engine->prefill(*first, std::span(ids).subspan(18))->values, alone);
  EXPECT_EQ(first->length(), 20);
  EXPECT_EQ(second->length(), 15);
  EXPECT_EQ(engine->session().length(), 20);
}

TEST(CpuBackend, AShorterContextFillsSooner) {
  const model::Model model = tiny();
  const auto tokenizer = *text::Tokenizer::from_gguf(model.source.file);
  const auto engine = *open_engine(model, {.context = 16});
  GenerationOptions options;
  options.sampling.temperature = 0;
  options.ignore_end = true;
  const auto generation = generate(*engine, tokenizer, some_ids(10, model.config.vocab), options);
  ASSERT_TRUE(generation) << generation.error().message();
  EXPECT_EQ(generation->ids.size(), 7u);
  EXPECT_EQ(generation->stop_reason, StopReason::context_full);
}

}  // namespace
}  // namespace kigo::tools
