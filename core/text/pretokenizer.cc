#include "core/text/pretokenizer.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <array>
#include <limits>

#include "core/base/check.h"

namespace kigo::text {
namespace {

// The patterns of the published tokenizers with \s written out as Unicode's White_Space property: PCRE2's own
// \s also takes U+180E, which left that property in Unicode 6.3 and which the published tokenizers do not
// take.
#define KIGO_SPACE R"(\t-\r \x{85}\xA0\x{1680}\x{2000}-\x{200A}\x{2028}\x{2029}\x{202F}\x{205F}\x{3000})"
// Contractions in any case; `digits` says how many of them make a word.
#define KIGO_CASED(digits)                                                                   \
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)"                                                             \
  R"(|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})" digits R"(| ?[^)" KIGO_SPACE R"(\p{L}\p{N}]+[\r\n]*)" \
  "|[" KIGO_SPACE R"(]*[\r\n]+)"                                                             \
  "|[" KIGO_SPACE "]+(?![^" KIGO_SPACE "])|[" KIGO_SPACE "]+"

constexpr std::array kPreFormats = std::to_array<PreFormat>({
    // openai/gpt-2, src/encoder.py
    {.name = "gpt-2",
     .pattern = "'s|'t|'re|'ve|'m|'ll|'d"
                R"(| ?\p{L}+| ?\p{N}+| ?[^)" KIGO_SPACE R"(\p{L}\p{N}]+)"
                "|[" KIGO_SPACE "]+(?![^" KIGO_SPACE "])|[" KIGO_SPACE "]+",
     .nfc = false,
     .whole_words = false,
     .adds_bos = false},
    // Qwen/Qwen2-0.5B, tokenizer.json: normalizer NFC, pre_tokenizer Split with this pattern
    {.name = "qwen2", .pattern = KIGO_CASED(""), .nfc = true, .whole_words = false, .adds_bos = false},
    // meta-llama/Meta-Llama-3-8B, tokenizer.json: the same but for numbers, no normalizer, ignore_merges
    {.name = "llama-bpe",
     .pattern = KIGO_CASED("{1,3}"),
     .nfc = false,
     .whole_words = true,
     .adds_bos = true},
});

#undef KIGO_CASED
#undef KIGO_SPACE

}  // namespace

std::span<const PreFormat> pre_formats() { return kPreFormats; }

const PreFormat* find_pre_format(std::string_view name) {
  const auto found = std::ranges::find(kPreFormats, name, &PreFormat::name);
  return found == kPreFormats.end() ? nullptr : &*found;
}

struct Pretokenizer::Compiled {
  pcre2_code* code = nullptr;
  pcre2_match_context* context = nullptr;

  explicit Compiled(std::string_view pattern) {
    int error = 0;
    PCRE2_SIZE at = 0;
    code = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), PCRE2_UTF | PCRE2_UCP,
                         &error, &at, nullptr);
    KIGO_CHECK(code != nullptr);                  // the patterns are ours
    pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);  // where it is not to be had, the interpreter gives the same
    context = pcre2_match_context_create(nullptr);
    KIGO_CHECK(context != nullptr);
    // A run of n spaces takes n steps back; the default limit of 10 million steps would refuse 10 MB of them.
    pcre2_set_match_limit(context, std::numeric_limits<uint32_t>::max());
  }
  ~Compiled() {
    pcre2_match_context_free(context);
    pcre2_code_free(code);
  }
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
};

Pretokenizer::Pretokenizer(const PreFormat& format)
    : format_(&format), compiled_(std::make_shared<const Compiled>(format.pattern)) {}

Status Pretokenizer::split(std::string_view text, std::vector<uint32_t>& ends) const {
  KIGO_CHECK(text.size() <= std::numeric_limits<uint32_t>::max());
  const std::unique_ptr<pcre2_match_data, decltype(&pcre2_match_data_free)> match(
      pcre2_match_data_create(1, nullptr), &pcre2_match_data_free);
  for (size_t at = 0; at < text.size();) {
    const int found = match == nullptr
                          ? PCRE2_ERROR_NOMEMORY
                          : pcre2_match(compiled_->code, reinterpret_cast<PCRE2_SPTR>(text.data()),
                                        text.size(), at, PCRE2_NO_UTF_CHECK, match.get(), compiled_->context);
    if (found < 0 && found != PCRE2_ERROR_NOMATCH)
      return fail(Code::out_of_memory, "text", "no memory to cut it into words", {}, at);
    const PCRE2_SIZE* word = pcre2_get_ovector_pointer(match.get());
    KIGO_CHECK(found > 0 && word[0] == at && word[1] > at);  // the patterns leave no gap
    at = word[1];
    ends.push_back(static_cast<uint32_t>(at));
  }
  return {};
}

}  // namespace kigo::text
