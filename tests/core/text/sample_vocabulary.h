// A GGUF file of metadata alone, built by hand, with a vocabulary small enough to check every id by eye.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "core/gguf/file.h"
#include "core/text/byte_map.h"
#include "core/text/tokenizer.h"
#include "core/text/unicode.h"

namespace kigo::text {

/// Metadata that owns its texts. Pair n has the offset 24 + 100 * n, so that a test can name it.
class MetadataFile {
 public:
  const gguf::File& file() const { return file_; }
  uint64_t offset(std::string_view key) const { return file_.find_pair(key)->offset; }

  void set(std::string_view key, gguf::Value value) {
    if (auto* text = std::get_if<std::string_view>(&value)) *text = keep(*text);
    for (gguf::Pair& pair : file_.metadata)
      if (pair.key == key) {
        pair.value = std::move(value);
        return;
      }
    file_.metadata.push_back({keep(key), std::move(value), 24 + 100 * file_.metadata.size()});
  }
  void set_strings(std::string_view key, const std::vector<std::string>& texts) {
    gguf::Array array{gguf::ValueType::string, texts.size(), {}, {}};
    for (const std::string& text : texts) array.strings.push_back(keep(text));
    set(key, std::move(array));
  }
  template <class T>
  void set_numbers(std::string_view key, gguf::ValueType type, const std::vector<T>& numbers) {
    std::string bytes(numbers.size() * sizeof(T), '\0');
    if (!numbers.empty()) std::memcpy(bytes.data(), numbers.data(), bytes.size());
    const std::string_view kept = keep(bytes);
    set(key, gguf::Array{type, numbers.size(), std::as_bytes(std::span(kept)), {}});
  }
  void remove(std::string_view key) {
    std::erase_if(file_.metadata, [&](const gguf::Pair& pair) { return pair.key == key; });
  }

 private:
  std::string_view keep(std::string_view text) { return kept_.emplace_back(text); }

  std::deque<std::string> kept_;
  gguf::File file_;
};

/// Ids 0 to 255 are the single bytes. Then, in this order:
///   256 he  257 ll  258 hell  259 hello  260 " w"  261 or  262 " wor"  263 "  "  264 aa  265 aaaa  266 é
///   267 \n\n  268 <|endoftext|>  269 <|im_start|>  270 <|im_end|>  (control)
///   271 <tool>  272 <tool>s  (user defined)  273 [PAD273]  (unused)  274 <0x0A>  (byte)
/// The merges make 256 to 267 from the pairs that one would expect.
struct SampleVocabulary {
  std::vector<std::string> tokens;
  std::vector<int32_t> types;
  std::vector<std::string> merges = {"h e",   "l l", "he ll", "hell o", "Ġ w", "o r",
                                     "Ġw or", "Ġ Ġ", "a a",   "aa aa",  "Ã ©", "Ċ Ċ"};
  MetadataFile metadata;

  SampleVocabulary() {
    for (const char32_t point : kBytePoints) append_utf8(add(1), point);
    for (const std::string& merge : merges) {
      const size_t space = merge.find(' ');
      add(1) = merge.substr(0, space) + merge.substr(space + 1);
    }
    for (const char* text : {"<|endoftext|>", "<|im_start|>", "<|im_end|>"}) add(3) = text;
    for (const char* text : {"<tool>", "<tool>s"}) add(4) = text;
    add(5) = "[PAD273]";
    add(6) = "<0x0A>";
    metadata.set("general.architecture", std::string_view("qwen2"));
    metadata.set("tokenizer.ggml.model", std::string_view("gpt2"));
    metadata.set("tokenizer.ggml.pre", std::string_view("qwen2"));
    store();
    metadata.set("tokenizer.ggml.bos_token_id", uint32_t{268});
    metadata.set("tokenizer.ggml.eos_token_id", uint32_t{270});
    metadata.set("tokenizer.ggml.padding_token_id", uint32_t{268});
  }

  /// Puts tokens, types and merges into the metadata, after a test has changed them.
  void store() {
    metadata.set_strings("tokenizer.ggml.tokens", tokens);
    metadata.set_numbers("tokenizer.ggml.token_type", gguf::ValueType::i32, types);
    metadata.set_strings("tokenizer.ggml.merges", merges);
  }
  std::string& add(int32_t type) {
    types.push_back(type);
    return tokens.emplace_back();
  }
  Result<Tokenizer> load() const { return Tokenizer::from_gguf(metadata.file()); }
  Tokenizer tokenizer() const { return load().value(); }
};

/// The tokenizer of the sample as it is.
inline const Tokenizer& sample() {
  static const Tokenizer tokenizer = SampleVocabulary().tokenizer();
  return tokenizer;
}

}  // namespace kigo::text
