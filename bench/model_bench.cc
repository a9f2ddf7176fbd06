// The forward pass at the shape of Qwen2.5-0.5B with the types of its q4_k_m file, and a whole haiku.
#include <benchmark/benchmark.h>
#include <sys/resource.h>

#include <filesystem>
#include <string>

#include "bench/cpu_delay.h"
#include "core/base/cat.h"
#include "core/base/check.h"
#include "reference/model.h"
#include "tools/lib/engine.h"
#include "tools/lib/generation.h"
#include "tools/lib/goldens.h"
#include "tools/lib/prompt.h"
#include "tools/lib/seeded_model.h"

namespace kigo::tools {
namespace {

/// Peak resident memory of this process so far, the mapped file included.
double peak_gb() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) * 1024e-9;
}

/// A seeded model on disk that is removed at the end.
class Scratch {
 public:
  Scratch() { KIGO_CHECK(make_model({"qwen2.5-0.5b", "q4_k_m", 1}, path_).has_value()); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_ = (std::filesystem::temp_directory_path() / "kigo-bench-0.5b.gguf").string();
};

const model::Model& half_billion() {
  static const Scratch scratch;
  static const model::Model model = *model::open(scratch.path());
  return model;
}

std::vector<uint32_t> tokens(int64_t count) {
  std::vector<uint32_t> ids;
  for (int64_t i = 0; i < count; ++i) ids.push_back(static_cast<uint32_t>((7 + 131 * i) % 151'000));
  return ids;
}

/// All logits of a prompt.
void forward(benchmark::State& state, reference::Products products) {
  const auto ids = tokens(state.range(0));
  reference::Session session(half_billion(), reference::Cache::Double, products);
  for (auto _ : state) {
    session.reset();
    benchmark::DoNotOptimize(session.forward(ids, reference::Logits::All)->values.data());
    bench::after_iteration();
  }
  state.counters["peak_GB"] = peak_gb();
}
void Forward(benchmark::State& state) { forward(state, reference::Products::Plain); }
void ForwardFast(benchmark::State& state) { forward(state, reference::Products::Fast); }
BENCHMARK(Forward)->Arg(64)->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);
BENCHMARK(ForwardFast)->Arg(64)->Unit(benchmark::kSecond)->UseRealTime()->Iterations(1);

/// One more token behind a prompt of 16.
void decode(benchmark::State& state, reference::Products products) {
  reference::Session session(half_billion(), reference::Cache::Double, products);
  KIGO_CHECK(session.forward(tokens(16), reference::Logits::Last).has_value());
  const uint32_t id = 42;
  for (auto _ : state) {
    benchmark::DoNotOptimize(session.forward({&id, 1}, reference::Logits::Last)->values.data());
    bench::after_iteration();
  }
}
void Decode(benchmark::State& state) { decode(state, reference::Products::Plain); }
void DecodeFast(benchmark::State& state) { decode(state, reference::Products::Fast); }
BENCHMARK(Decode)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(5);
BENCHMARK(DecodeFast)->Unit(benchmark::kMillisecond)->UseRealTime()->Iterations(5);

/// From the file to the poem: open, tokenize, generate.
void Haiku(benchmark::State& state) {
  for (auto _ : state) {
    const model::Model model = *model::open(shipped_model());
    const auto tokenizer = *text::Tokenizer::from_gguf(model.source.file);
    Prompt prompt;
    prompt.chat = "Write a haiku about GPU computing that includes the word \"seven\" (nonce: k3j9x0aa)";
    GenerationOptions options;
    options.sampling.temperature = 0;
    const auto engine = *open_engine(model, {});
    const auto poem = generate(*engine, tokenizer, *prompt_ids(tokenizer, prompt), options);
    KIGO_CHECK(poem.has_value() && poem->stop_reason == StopReason::eos);
    bench::after_iteration();
  }
}
BENCHMARK(Haiku)->Unit(benchmark::kSecond)->UseRealTime();

}  // namespace
}  // namespace kigo::tools
