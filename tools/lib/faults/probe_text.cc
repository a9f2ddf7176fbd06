// The probe of texts: ids and bytes against Hugging Face tokenizers, and when an answer ends.
#include <algorithm>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/base/file_map.h"
#include "core/model/weights.h"
#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"
#include "tools/lib/faults/probe.h"
#include "tools/lib/generation.h"
#include "tools/lib/goldens.h"
#include "tools/lib/json_fields.h"
#include "tools/lib/prompt.h"
#include "tools/lib/scripted_backend.h"

namespace kigo::tools {
namespace {

constexpr std::string_view kModel = "tiny-q4_k_m";

/// The text of ids as a client sees it: token by token through the decoder of a stream.
std::string streamed(const text::Tokenizer& tokenizer, const std::vector<uint32_t>& ids) {
  text::StreamDecoder decoder;
  std::string out;
  for (const uint32_t id : ids) out += decoder.push(tokenizer.bytes(id, text::Controls::shown));
  out += decoder.finish();
  return out;
}

/// Whether ids, and whether texts of ids, are those of golden/tokens.
struct Agreement {
  bool ids = true;
  bool text = true;
};

Result<Agreement> golden_texts(const text::Tokenizer& tokenizer) {
  const std::string path = cat(golden_folder(), "/tokens/tiny.jsonl");
  KIGO_ASSIGN(const std::string lines, read_text_file(path));
  Agreement agreement;
  for (size_t at = 0; at < lines.size();) {
    const size_t end = std::min(lines.find('\n', at), lines.size());
    KIGO_ASSIGN(const Json line, Json::parse(std::string_view(lines).substr(at, end - at), path));
    std::string text;
    std::string decoded;
    std::vector<uint32_t> wanted;
    KIGO_TRY(Fields(line, path).get("text", text));
    KIGO_TRY(Fields(line, path).get("decoded", decoded));
    KIGO_TRY(Fields(line, path).get("ids", wanted));
    std::vector<uint32_t> ids;
    const auto status = tokenizer.append(text, text::Special::parse, ids);
    agreement.ids = agreement.ids && status && ids == wanted;
    agreement.text = agreement.text && streamed(tokenizer, wanted) == decoded;
    at = end + 1;
  }
  return agreement;
}

/// The messages of the golden prompts in the chat format, against the ids of Hugging Face.
Result<bool> golden_chats(const text::Tokenizer& tokenizer) {
  const std::string path = cat(golden_folder(), "/logits/", kModel, ".json");
  KIGO_ASSIGN(const std::string text, read_text_file(path));
  KIGO_ASSIGN(const Json json, Json::parse(text, path));
  KIGO_ASSIGN(const auto* prompts, Fields(json, path).items("prompts"));
  bool agree = true;
  for (const Json& each : *prompts) {
    bool chat = false;
    KIGO_TRY(Fields(each, path).get("chat", chat));
    if (!chat) continue;
    Prompt prompt;
    prompt.chat.emplace();
    std::vector<uint32_t> wanted;
    KIGO_TRY(Fields(each, path).get("text", *prompt.chat));
    KIGO_TRY(Fields(each, path).get("tokens", wanted));
    const auto ids = prompt_ids(tokenizer, prompt);
    agree = agree && ids && *ids == wanted;
  }
  return agree;
}

/// How generation ends where the model wants an end token, any other id that some token's number is taken
/// for, and the end token again.
Result<std::vector<uint32_t>> generated(const model::Model& model) {
  KIGO_ASSIGN(const text::Tokenizer tokenizer, text::Tokenizer::from_gguf(model.source.file));
  std::vector<uint32_t> ends;
  for (uint32_t id = 0; id < tokenizer.size(); ++id)
    if (tokenizer.is_end(id)) ends.push_back(id);
  GenerationOptions options;
  options.max_tokens = 12;
  options.sampling.temperature = 0;
  ScriptedBackend backend({70, 71, 72, ends.back(), 73, 74}, model.config.vocab, model.config.context);
  const std::vector<uint32_t> prompt{64};
  KIGO_ASSIGN(Generation out, generate(backend, tokenizer, prompt, options));
  ends.insert(ends.end(), out.ids.begin(), out.ids.end());
  ends.push_back(out.end_id.value_or(0));
  return ends;
}

}  // namespace

Result<SeenAll> probe_text() {
  KIGO_ASSIGN(const model::Model model, model::open(cat(golden_folder(), "/tiny/", kModel, ".gguf")));
  KIGO_ASSIGN(const text::Tokenizer tokenizer, text::Tokenizer::from_gguf(model.source.file));
  SeenAll seen;
  KIGO_ASSIGN(const Agreement texts, golden_texts(tokenizer));
  KIGO_ASSIGN(const bool chats, golden_chats(tokenizer));
  if (!texts.ids || !chats) seen.push_back({'g', "g:tokens", "tokens", -1, 0});
  if (!texts.text) seen.push_back({'g', "g:decoded", "text", -1, 0});
  const auto truth_of = [&] {
    const fault::Suspended off;
    return generated(model);
  };
  KIGO_ASSIGN(const auto truth, truth_of());
  const auto found = generated(model);
  if (!found || *found != truth) seen.push_back({'u', "u:scripted session", "stop", -1, 0});
  return seen;
}

}  // namespace kigo::tools
