// The tokenizer against texts made to break it: huge runs, every character, many threads, and what memory
// they take.
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <filesystem>
#include <limits>
#include <thread>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"
#include "tests/core/gguf/allocations.h"
#include "tests/core/text/sample_vocabulary.h"

namespace kigo::text {
namespace {

/// The pre-tokenizers, each with the small vocabulary.
Tokenizer tokenizer_with(std::string_view pre) {
  SampleVocabulary vocabulary;
  vocabulary.metadata.set("tokenizer.ggml.pre", pre);
  return vocabulary.tokenizer();
}

struct Text {
  const char* name;
  std::string_view piece;
};
void PrintTo(const Text& text, std::ostream* out) { *out << text.name; }

constexpr auto kTexts = std::to_array<Text>({{"OneLetter", "a"},
                                             {"Spaces", " "},
                                             {"CombiningMarks", "\u0301\u0323"},
                                             {"OneCombiningMark", "\u0301"},
                                             {"Jamo", "\u1100\u1161\u11A8"},
                                             {"ThreefoldInNormalForm", "\U0001D160"},
                                             {"LineEnds", "\n"},
                                             {"SpacesBeforeLineEnds", "  \n"},
                                             {"BrokenMarker", "<|im_start|"},
                                             {"Marker", "<|im_end|>"},
                                             {"UserToken", "<tool>s"},
                                             {"Quotes", "'"}});

std::string repeated(std::string_view piece, size_t bytes) {
  std::string text;
  text.reserve(bytes + piece.size());
  while (text.size() < bytes) text += piece;
  return text;
}

class HugeText : public testing::TestWithParam<std::tuple<std::string_view, Text>> {
 protected:
  HugeText() : tokenizer_(tokenizer_with(std::get<0>(GetParam()))) {}
  std::string text(size_t bytes) const { return repeated(std::get<1>(GetParam()).piece, bytes); }
  Tokenizer tokenizer_;
};

/// Processor nanoseconds a byte, the best of `rounds`.
double cost(const Tokenizer& tokenizer, const std::string& text, int rounds) {
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < rounds; ++round) {
    const std::clock_t start = std::clock();
    EXPECT_TRUE(tokenizer.encode(text, Special::parse));
    best = std::min(best, static_cast<double>(std::clock() - start));
  }
  return best / CLOCKS_PER_SEC * 1e9 / static_cast<double>(text.size());
}

// Ten times the text in at most four times the time a byte: caches and the logarithm of a heap take part of
// that; a quadratic step would need ten times, and each tenfold more again.
TEST_P(HugeText, TakesTimeInProportion) {
  const std::string one = text(1'000'000), ten = text(10'000'000);
  const double small = cost(tokenizer_, one, 3);
  double large = cost(tokenizer_, ten, 1);
  if (large > 4 * small)
    large = std::min(large, cost(tokenizer_, ten, 2));  // a busy machine gets a second chance
  EXPECT_LE(large, 4 * small) << small << " ns a byte at 1 MB";
  RecordProperty("ns_per_byte", static_cast<int>(large));
}

TEST_P(HugeText, TakesMemoryInProportion) {
  const std::string megabyte = text(1'000'000);
  const gguf::test::AllocationWatch watch;
  ASSERT_TRUE(tokenizer_.encode(megabyte, Special::parse));
  const size_t peak = watch.peak();
  const size_t bytes = tokenizer_.pre_format().nfc ? nfc(megabyte).size() : megabyte.size();
  EXPECT_LE(peak, 96 * bytes + (1 << 20));
  RecordProperty("bytes_per_byte", static_cast<int>(peak / bytes));
}

TEST_P(HugeText, ComesBack) {
  const std::string megabyte = text(1'000'000);
  const auto ids = tokenizer_.encode(megabyte, Special::parse).value();
  const bool composed = tokenizer_.pre_format().nfc;
  // What opens every text, an empty one too: llama-bpe has a token for it.
  const std::string opening =
      tokenizer_.decode(tokenizer_.encode("", Special::parse).value(), Controls::shown);
  EXPECT_TRUE(tokenizer_.decode(ids, Controls::shown) == opening + (composed ? nfc(megabyte) : megabyte));
}

std::vector<std::string_view> pre_names() {
  std::vector<std::string_view> names;
  for (const PreFormat& format : pre_formats()) names.push_back(format.name);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Of, HugeText,
                         testing::Combine(testing::ValuesIn(pre_names()), testing::ValuesIn(kTexts)),
                         [](const auto& each) {
                           std::string name = cat(std::get<0>(each.param), "_", std::get<1>(each.param).name);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

/// Every Unicode scalar value, 1,112,064 of them.
template <class Use>
void every_character(const Use& use) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point == 0xD800) point = 0xE000;  // surrogates are no characters
    std::string text;
    append_utf8(text, point);
    use(text);
  }
}

class EveryCharacter : public testing::TestWithParam<std::string_view> {};
INSTANTIATE_TEST_SUITE_P(Of, EveryCharacter, testing::ValuesIn(pre_names()), [](const auto& each) {
  std::string name(each.param);
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST_P(EveryCharacter, ComesBackByItself) {
  const Tokenizer tokenizer = tokenizer_with(GetParam());
  const bool composed = tokenizer.pre_format().nfc;
  size_t characters = 0;
  every_character([&](const std::string& text) {
    ++characters;
    const auto ids = tokenizer.encode(text, Special::parse);
    ASSERT_TRUE(ids) << ids.error().message();
    ASSERT_EQ(tokenizer.decode(*ids), composed ? nfc(text) : text);
  });
  EXPECT_EQ(characters, 1'112'064u);
}

TEST_P(EveryCharacter, ComesBackInOneText) {
  const Tokenizer tokenizer = tokenizer_with(GetParam());
  std::string text;
  every_character([&](const std::string& each) { text += each; });
  ASSERT_EQ(text.size(), 128u + 1920 * 2 + (63488 - 2048) * 3 + 1048576 * 4);
  const auto ids = tokenizer.encode(text, Special::parse).value();
  EXPECT_TRUE(tokenizer.decode(ids) == (tokenizer.pre_format().nfc ? nfc(text) : text));
}

// The same over the whole Qwen2 vocabulary, where it is at hand.
TEST(WholeVocabulary, GivesEveryCharacterBack) {
  const std::string path = KIGO_SOURCE_DIR "/../shared/tokenizers/ggml-vocab-qwen2.gguf";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "not at hand: " << path;
  const auto mapped = gguf::open(path);
  ASSERT_TRUE(mapped);
  const auto tokenizer = Tokenizer::from_gguf(mapped->file);
  ASSERT_TRUE(tokenizer);
  std::string text;
  every_character([&](const std::string& each) { text += each; });
  const auto ids = tokenizer->encode(text, Special::parse).value();
  EXPECT_TRUE(tokenizer->decode(ids, Controls::shown) == nfc(text));
}

TEST(Threads, ShareOneTokenizer) {
  const Tokenizer tokenizer = tokenizer_with("qwen2");
  std::vector<std::string> texts;
  std::vector<std::vector<uint32_t>> expected;
  for (const Text& text : kTexts) {
    texts.push_back(repeated(text.piece, 20'000));
    expected.push_back(tokenizer.encode(texts.back(), Special::parse).value());
  }
  std::vector<std::thread> threads;
  std::vector<int> wrong(8);
  for (size_t t = 0; t < wrong.size(); ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < 2 * texts.size(); ++i) {
        const size_t at = (i + t) % texts.size();  // not all the same at the same time
        wrong[t] += tokenizer.encode(texts[at], Special::parse).value() != expected[at];
        wrong[t] += tokenizer.decode(expected[at], Controls::shown).empty();
      }
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, std::vector<int>(wrong.size()));
}

TEST(OutOfMemory, IsAnErrorOfTheText) {
  const Tokenizer tokenizer = tokenizer_with("qwen2");
  const std::string text(1'000'000, 'a');
  for (const size_t limit : {size_t{100'000}, size_t{3'000'000}, size_t{5'000'000}}) {
    const gguf::test::AllocationLimit limited(limit);
    const auto ids = tokenizer.encode(text, Special::parse);
    ASSERT_FALSE(ids);
    EXPECT_EQ(ids.error().message(), "text: no memory for the ids of 1000000 bytes (out_of_memory)");
  }
  EXPECT_TRUE(tokenizer.encode(text, Special::parse));
}

// Text of a user that looks like the markup: it gives no control token, and it comes back.
TEST(UserText, NeverGivesAControlToken) {
  const Tokenizer tokenizer = tokenizer_with("qwen2");
  for (const std::string_view marker : {"<|im_start|>", "<|im_end|>", "<|endoftext|>"}) {
    for (const std::string& text :
         {std::string(marker), cat("a", marker, "b"), cat(marker, marker), cat("<|", marker),
          cat(marker.substr(0, 3), marker, marker.substr(3)), repeated(marker, 100'000)}) {
      const auto ids = tokenizer.encode(text, Special::plain).value();
      EXPECT_TRUE(std::ranges::none_of(
          ids, [&](uint32_t id) { return tokenizer.vocabulary().kind(id) == TokenKind::control; }));
      EXPECT_TRUE(tokenizer.decode(ids) == text);
    }
  }
}

// The figure of README.md, held on any machine: processor time, best of five, of a vocabulary as large as
// Qwen2's.
TEST(Vocabulary, Of151936TokensIsReadyIn150Milliseconds) {
  SampleVocabulary vocabulary;
  const size_t pieces = 151'387;
  std::vector<std::string> tokens(vocabulary.tokens), merges(vocabulary.merges);
  while (tokens.size() < 151'936) {
    const std::string left = tokens[tokens.size() * 7919 % 256],
                      right = tokens[tokens.size() * 104'729 % tokens.size()];
    if (merges.size() < pieces) merges.push_back(cat(left, " ", right));
    vocabulary.types.push_back(1);
    tokens.push_back(cat(left, right));
  }
  vocabulary.tokens = std::move(tokens);
  vocabulary.merges = std::move(merges);
  vocabulary.store();
  const std::vector<std::byte> bytes = gguf::write(vocabulary.metadata.file()).value();
  double best = std::numeric_limits<double>::max();
  for (int round = 0; round < 5; ++round) {
    const std::clock_t start = std::clock();
    const auto file = gguf::read(bytes);
    ASSERT_TRUE(file) << file.error().message();
    const auto tokenizer = Tokenizer::from_gguf(*file);
    best = std::min(best, 1000.0 * static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC);
    ASSERT_TRUE(tokenizer) << tokenizer.error().message();
  }
  EXPECT_LT(best, 150);
  RecordProperty("milliseconds", static_cast<int>(best));
}

}  // namespace
}  // namespace kigo::text
