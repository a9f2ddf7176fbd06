// core/backend.h, as the kernels on a GPU keep it.
#include "core/backend.h"

#include <algorithm>
#include <atomic>
#include <thread>

#include "core/base/cat.h"
#include "core/model/weights.h"
#include "tests/support/gpu.h"
#include "tools/lib/engine.h"
#include "tools/lib/generation.h"
#include "tools/lib/goldens.h"
#include "tools/lib/prompt.h"

namespace kigo::tools {
namespace {

struct GpuBackend : testing::Test {
  void SetUp() override { KIGO_NEEDS_GPU(); }

  Result<std::unique_ptr<Engine>> open(int64_t context = 0, const LoadProgress& progress = {}) const {
    EngineOptions options;
    options.backend = Device::cuda;
    options.context = context;
    return open_engine(model, options, progress);
  }
  std::vector<uint32_t> chat(const std::string& text) const {
    Prompt prompt;
    prompt.chat = text;
    return *prompt_ids(tokenizer, prompt);
  }

  const model::Model model = *model::open(shipped_model());
  const text::Tokenizer tokenizer = *text::Tokenizer::from_gguf(model.source.file);
};

TEST_F(GpuBackend, SaysWhatItIsAndHolds) {
  const auto backend = open(64);
  ASSERT_TRUE(backend) << backend.error().message();
  const BackendInfo& info = (*backend)->info();
  EXPECT_EQ(info.name, "cuda");
  EXPECT_EQ(info.device, 0);
  EXPECT_FALSE(info.device_name.empty());
  EXPECT_GE(info.capability, 70);
  EXPECT_NE(info.runtime_version.find('.'), std::string::npos) << info.runtime_version;
  EXPECT_EQ((*backend)->context(), 64);
  const MemoryUse& use = (*backend)->memory();
  const model::Config& config = model.config;
  EXPECT_EQ(use.kv_cache_bytes, 2 * config.layers * 64 * config.kv_heads * config.head_dim * 2);
  EXPECT_GT(use.weights_bytes, 0);
  EXPECT_GT(use.workspace_bytes, 0);
  EXPECT_TRUE((*backend)->health());
}

TEST_F(GpuBackend, ReportsLoadingRisingToTheEnd) {
  std::vector<uint64_t> seen;
  uint64_t total = 0;
  ASSERT_TRUE(open(0, [&](uint64_t done, uint64_t of) -> Status {
    seen.push_back(done);
    total = of;
    return {};
  }));
  ASSERT_FALSE(seen.empty());
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_EQ(seen.back(), total);
}

TEST_F(GpuBackend, EndsTheLoadingWithTheErrorOfTheCallerAndLoadsAgain) {
  const auto stopped =
      open(0, [](uint64_t, uint64_t) -> Status { return fail(Code::cancelled, "loading", "stopped"); });
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().code, Code::cancelled);
  EXPECT_TRUE(open());
}

TEST_F(GpuBackend, GeneratesTheIdsOfTheReference) {
  const auto cuda = open();
  ASSERT_TRUE(cuda) << cuda.error().message();
  const auto cpu = *open_engine(model, {});
  GenerationOptions options;
  options.sampling.temperature = 0;
  const auto prompt = chat("Write a haiku about rain that includes the word \"six\"");
  const auto found = generate(**cuda, tokenizer, prompt, options);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->ids, generate(*cpu, tokenizer, prompt, options)->ids);
  EXPECT_EQ((*cuda)->session().length(), 0);
}

TEST_F(GpuBackend, EndsSoonAfterItIsCancelledAndWorksAgain) {
  const auto backend = open();
  ASSERT_TRUE(backend) << backend.error().message();
  std::atomic<bool> cancel = false;
  GenerationOptions options;
  options.sampling.temperature = 0;
  options.ignore_end = true;
  options.cancel = &cancel;
  GenerationEvents events;
  events.token = [&](uint64_t count) { cancel = count == 3; };
  const auto prompt = chat("rain");
  const auto ended = generate(**backend, tokenizer, prompt, options, events);
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().message(), "generation: cancelled after 3 tokens (cancelled)");
  cancel = false;
  options.max_tokens = 4;
  EXPECT_TRUE(generate(**backend, tokenizer, prompt, options));
}

TEST_F(GpuBackend, ACancelledForwardLeavesTheSessionAsItWas) {
  const auto backend = open();
  ASSERT_TRUE(backend) << backend.error().message();
  const auto prompt = chat("rain");
  ASSERT_TRUE((*backend)->prefill(prompt));
  const std::atomic<bool> cancel = true;
  (*backend)->session().cancel_on(&cancel);
  for (const size_t count : {size_t{1}, prompt.size()}) {
    const auto ended = (*backend)->session().forward(std::span(prompt).first(count), model::Logits::Last);
    ASSERT_FALSE(ended);
    EXPECT_EQ(ended.error().code, Code::cancelled);
  }
  EXPECT_EQ((*backend)->session().length(), static_cast<int64_t>(prompt.size()));
  (*backend)->session().cancel_on(nullptr);
  EXPECT_TRUE((*backend)->decode(prompt.back()));
}

TEST_F(GpuBackend, WorksOnAnotherThread) {
  const auto backend = open();
  ASSERT_TRUE(backend) << backend.error().message();
  Result<model::Rows> logits = model::Rows();
  std::thread([&] {
    const Status entered = (*backend)->enter_thread();
    logits = entered ? (*backend)->prefill(chat("rain")) : tl::unexpected<Error>(entered.error());
  }).join();
  EXPECT_TRUE(logits) << logits.error().message();
}

}  // namespace
}  // namespace kigo::tools
