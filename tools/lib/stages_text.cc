// Stages of `kigo verify` about texts and ids.
#include <algorithm>
#include <array>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/text/stream_decoder.h"
#include "tools/lib/json_fields.h"
#include "tools/lib/prompt.h"
#include "tools/lib/stages.h"

namespace kigo::tools {
namespace {

/// Texts that show most ways to lose a byte.
constexpr std::array<std::string_view, 8> kRoundTrips{
    "Hello, world!",
    " leading and trailing ",
    "a\nb\r\n\tc  \n\n d",
    "it's 3.14159 and 1234567890",
    "na\xC3\xAFve caf\xC3\xA9 \xE2\x80\x94 \xE6\x97\xA5\xE6\x9C\xAC\xE8\xAA\x9E",
    "\xF0\x9F\x8C\xB8\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x92\xBB",
    "<|im_start|>user\n",
    "\x01\x7F\xC2\x80"};

Stage round_trip_stage(const Subject& subject) {
  for (const std::string_view text : kRoundTrips) {
    std::vector<uint32_t> ids;  // without the BOS and EOS that a tokenizer may add
    const auto status = subject.tokenizer->append(text, text::Special::plain, ids);
    if (!status) return failed_stage("round trip", "texts through ids and back", status.error());
    if (subject.tokenizer->decode(ids, text::Controls::shown) != text) {
      return stage_of(false, "round trip", "texts through ids and back",
                      cat("\"", escaped(text), "\" comes back changed"));
    }
  }
  return stage_of(true, "round trip", cat(kRoundTrips.size(), " texts through ids and back"));
}

/// Holds texts and ids against each other, both ways, and keeps the first that differs.
class TextComparison {
 public:
  explicit TextComparison(const text::Tokenizer& tokenizer) : tokenizer_(tokenizer) {}

  /// With the BOS and EOS that the tokenizer adds.
  void prompt(std::string_view text, const std::vector<uint32_t>& want) {
    const auto ids = tokenizer_.encode(text, text::Special::parse);
    if (!ids || *ids != want) wrong(cat("the prompt \"", escaped(text), "\" gives other ids"));
    ++texts_;
  }
  void encode(std::string_view text, const std::vector<uint32_t>& want) {
    std::vector<uint32_t> ids;
    const auto status = tokenizer_.append(text, text::Special::parse, ids);
    if (!status || ids != want) wrong(cat("\"", escaped(text), "\" gives other ids"));
    ++texts_;
  }
  void decode(const std::vector<uint32_t>& ids, std::string_view want) {
    if (text::well_formed(tokenizer_.decode(ids, text::Controls::shown)) != want)
      wrong(cat(list(std::span<const uint32_t>(ids)), " decodes to another text"));
  }
  void chat(const std::string& message, const std::vector<uint32_t>& want) {
    Prompt prompt;
    prompt.chat = message;
    const auto ids = prompt_ids(tokenizer_, prompt);
    if (!ids || *ids != want)
      wrong(cat("the message \"", escaped(message), "\" in chat format gives other ids"));
    ++texts_;
  }
  Stage stage() const {
    return stage_of(wrong_.empty(), "tokenizer", cat(texts_, " texts against Hugging Face tokenizers"),
                    wrong_);
  }

 private:
  void wrong(std::string what) {
    if (wrong_.empty()) wrong_ = std::move(what);
  }
  const text::Tokenizer& tokenizer_;
  uint64_t texts_ = 0;
  std::string wrong_;
};

}  // namespace

Stages tokenizer_stages(const Subject& subject) {
  std::vector<Stage> stages;
  stages.push_back(round_trip_stage(subject));
  if (!subject.golden) return stages;
  TextComparison comparison(*subject.tokenizer);
  for (const GoldenPrompt& prompt : subject.golden->prompts) {
    if (!prompt.has_text) continue;
    if (prompt.chat) {  // all that it needs is in the rendered text
      comparison.encode(prompt.rendered, prompt.tokens);
      comparison.chat(prompt.text, prompt.tokens);
    } else {
      comparison.prompt(prompt.rendered, prompt.tokens);
    }
  }
  const std::string family = subject.golden->name.substr(0, subject.golden->name.find('-'));
  const std::string path = cat(subject.options.golden, "/tokens/", family, ".jsonl");
  KIGO_ASSIGN(const std::string lines, read_text_file(path));
  if (lines.empty()) return fail(Code::bad_value, path, "no lines", "texts with their ids");
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    KIGO_ASSIGN(const Json line, Json::parse(std::string_view(lines).substr(at, end - at), path));
    std::string text;
    std::string decoded;
    std::vector<uint32_t> ids;
    KIGO_TRY(Fields(line, path).get("text", text));
    KIGO_TRY(Fields(line, path).get("decoded", decoded));
    KIGO_TRY(Fields(line, path).get("ids", ids));
    comparison.encode(text, ids);
    comparison.decode(ids, decoded);
    at = end + 1;
  }
  stages.push_back(comparison.stage());
  return stages;
}

}  // namespace kigo::tools
