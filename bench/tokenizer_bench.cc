// Loading a vocabulary of real size, and encoding and decoding a megabyte of text that does not repeat.
#include "bench/tokenizer_bench.h"

#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "bench/cpu_delay.h"
#include "core/base/random.h"
#include "core/gguf/reader.h"
#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"

namespace kigo::text {
namespace {

/// KIGO_VOCAB, or the Qwen2 vocabulary beside the checkout.
std::string vocabulary_path() {
  const char* named = std::getenv("KIGO_VOCAB");
  return named != nullptr ? named : KIGO_SOURCE_DIR "/../shared/tokenizers/ggml-vocab-qwen2.gguf";
}

/// Invented words of two to eleven letters, numbers, punctuation, line ends, and a CJK or accented word now
/// and then: about as many words and characters a word as English prose, and no word list to fit a cache.
std::string text_of(size_t bytes) {
  constexpr std::string_view kConsonants = "bcdfghjklmnprstvwz";
  constexpr std::string_view kVowels = "aeiou";
  Random random(2026);
  std::string text;
  while (text.size() < bytes) {
    const uint64_t kind = random.below(40);
    if (kind == 0) {
      for (uint64_t i = 0; i < 2 + random.below(4); ++i)
        append_utf8(text, static_cast<char32_t>(0x4E00 + random.below(0x5000)));
    } else if (kind == 1) {
      text += std::to_string(random.below(100'000));
    } else {
      const uint64_t syllables = 1 + random.below(4);
      for (uint64_t i = 0; i < syllables; ++i) {
        text += kConsonants[random.below(kConsonants.size())];
        if (kind == 2 && i == 0) {
          append_utf8(text, static_cast<char32_t>(0xE0 + random.below(0x1F)));
        } else {
          text += kVowels[random.below(kVowels.size())];
        }
        if (random.below(3) == 0) text += kConsonants[random.below(kConsonants.size())];
      }
    }
    const uint64_t end = random.below(60);
    text += end == 0 ? ".\n\n" : end < 4 ? ". " : end < 8 ? ", " : end == 8 ? "'s " : " ";
  }
  return text;
}

Result<Tokenizer> load() {
  KIGO_ASSIGN(const gguf::MappedFile mapped, gguf::open(vocabulary_path()));
  return Tokenizer::from_gguf(mapped.file);
}

void LoadVocabulary(benchmark::State& state) {
  for (auto _ : state) {
    const auto tokenizer = load();
    if (!tokenizer) return state.SkipWithError(tokenizer.error().message().c_str());
    benchmark::DoNotOptimize(tokenizer->size());
    bench::after_iteration();
  }
}
BENCHMARK(LoadVocabulary)->Unit(benchmark::kMillisecond);

/// The tokenizer that both directions use; null, and the benchmark is skipped, when there is no vocabulary.
const Tokenizer* shared_tokenizer(benchmark::State& state) {
  static const Result<Tokenizer> tokenizer = load();
  if (tokenizer) return &*tokenizer;
  state.SkipWithError(tokenizer.error().message().c_str());
  return nullptr;
}

constexpr size_t kTextBytes = 2'000'000;

void Encode(benchmark::State& state) {
  const Tokenizer* tokenizer = shared_tokenizer(state);
  if (tokenizer == nullptr) return;
  const std::string text = text_of(kTextBytes);
  size_t tokens = 0;
  for (auto _ : state) {
    tokens = tokenizer->encode(text, Special::parse)->size();
    bench::after_iteration();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
  state.counters["bytes_per_token"] = static_cast<double>(text.size()) / static_cast<double>(tokens);
}
BENCHMARK(Encode)->Unit(benchmark::kMillisecond);

void DecodeAsAStream(benchmark::State& state) {
  const Tokenizer* tokenizer = shared_tokenizer(state);
  if (tokenizer == nullptr) return;
  const std::string text = text_of(kTextBytes);
  const auto ids = tokenizer->encode(text, Special::parse).value();
  for (auto _ : state) {
    StreamDecoder decoder;
    for (const uint32_t id : ids) benchmark::DoNotOptimize(decoder.push(tokenizer->bytes(id)));
    bench::after_iteration();
  }
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(text.size()));
}
BENCHMARK(DecodeAsAStream)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace kigo::text

bool kigo::bench::has_vocabulary() { return std::filesystem::exists(text::vocabulary_path()); }
