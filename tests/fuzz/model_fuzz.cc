// libFuzzer target: whatever the head of a file says, the model layer and the tokenizer end with an answer,
// and a tokenizer that loads takes any text.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/gguf/reader.h"
#include "core/model/weights.h"
#include "core/text/stream_decoder.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"

namespace {

using kigo::text::Special;
using kigo::text::Tokenizer;

void require(bool condition, const char* claim) {
  if (condition) return;
  std::fprintf(stderr, "model_fuzz: not true: %s\n", claim);
  std::abort();
}

void require_whole(const kigo::Error& error) {
  require(!error.subject.empty() && !error.found.empty(), "an error names its subject and what was found");
  require(!error.message().empty(), "an error has a message");
}

void check_model(const kigo::gguf::File& file) {
  const std::vector<kigo::Error> errors = kigo::model::explain(file);
  for (const kigo::Error& error : errors) require_whole(error);
  if (!errors.empty()) return;
  const auto config = kigo::model::read_config(file);
  require(config.has_value(), "a file without errors has a config");
  require(config->layers >= 1 && config->layers <= 512, "layers within their limit");
  require(config->heads % config->kv_heads == 0, "heads a multiple of kv_heads");
  require(kigo::model::find_weights(file, *config).has_value(), "a file without errors has its weights");
}

void check_encoding(const Tokenizer& tokenizer, const std::string& text, Special special) {
  const auto ids = tokenizer.encode(text, special);
  if (!ids) return require_whole(ids.error());
  for (const uint32_t id : *ids) require(id < tokenizer.size(), "ids lie in the vocabulary");
  const auto again = tokenizer.encode(text, special);
  require(again && *again == *ids, "the same text has the same ids");
  const std::string back = tokenizer.decode(*ids, kigo::text::Controls::shown);
  const auto kind = [&](uint32_t id) { return tokenizer.vocabulary().kind(id); };
  const bool plain =
      std::ranges::all_of(*ids, [&](uint32_t id) { return kind(id) == kigo::text::TokenKind::normal; });
  if (!plain || tokenizer.adds_bos() || tokenizer.adds_eos())
    return;  // a file may call a byte's token a control one
  require(back == (tokenizer.pre_format().nfc ? kigo::text::nfc(text) : text),
          "normal tokens give the text back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = kigo::gguf::read_head(bytes);  // the tensors' data need not be there
  if (!file) return 0;
  check_model(*file);
  const auto tokenizer = Tokenizer::from_gguf(*file);
  if (!tokenizer) {
    require_whole(tokenizer.error());
    return 0;
  }
  // Texts: what lies behind the head, and the file's own strings.
  const std::string_view tail(reinterpret_cast<const char*>(data) + file->head_bytes,
                              size - file->head_bytes);
  check_encoding(*tokenizer, kigo::text::well_formed(tail), Special::parse);
  for (const kigo::gguf::Pair& pair : file->metadata)
    if (const auto* text = std::get_if<std::string_view>(&pair.value))
      check_encoding(*tokenizer, kigo::text::well_formed(*text), Special::plain);
  return 0;
}
