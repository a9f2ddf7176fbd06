#include "tools/lib/seeded_head.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <deque>
#include <string>
#include <utility>

#include "core/base/cat.h"
#include "core/gguf/writer.h"
#include "core/text/byte_map.h"
#include "core/text/vocabulary.h"

namespace kigo::tools {
namespace {

constexpr int64_t kByteTokens = 256;
constexpr std::array<std::string_view, 3> kChatTokens{"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
constexpr int64_t kLeastVocab = kByteTokens + static_cast<int64_t>(kChatTokens.size());

// Every message between its role and <|im_end|>. Source: the ChatML convention (openai/openai-python,
// chatml.md).
constexpr std::string_view kChatTemplate =
    "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + "
    "'<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% "
    "endif %}";

// A point below U+0800 in UTF-8.
std::string utf8(char32_t point) {
  if (point < 0x80) return {static_cast<char>(point)};
  return {static_cast<char>(0xC0 | point >> 6), static_cast<char>(0x80 | (point & 0x3F))};
}

/// Metadata with what its views point to.
class Metadata {
 public:
  Metadata(const Shape& shape, std::string_view name) : shape_(shape) {
    set("general.architecture", shape.architecture);
    set("general.name", name);
    set("general.quantization_version", uint32_t{2});
    set_own_count("context_length", shape.context);
    set_own_count("embedding_length", shape.width);
    set_own_count("block_count", shape.layers);
    set_own_count("feed_forward_length", shape.ffn_width);
    set_own_count("attention.head_count", shape.heads);
    set_own_count("attention.head_count_kv", shape.kv_heads);
    if (shape.head_dim * shape.heads != shape.width) {
      set_own_count("attention.key_length", shape.head_dim);
      set_own_count("attention.value_length", shape.head_dim);
    }
    set_own("attention.layer_norm_rms_epsilon", shape.norm_eps);
    set_own("rope.freq_base", shape.rope_base);
    if (shape.vocab < kLeastVocab) {
      set("tokenizer.ggml.model", std::string_view("no_vocab"));
    } else {
      set_tokenizer();
    }
  }
  gguf::File file;

 private:
  void set(std::string_view key, gguf::Value value) { file.metadata.push_back({key, std::move(value)}); }
  void set_count(std::string_view key, int64_t count) { set(key, static_cast<uint32_t>(count)); }
  /// Below the family's own prefix.
  void set_own(std::string_view suffix, gguf::Value value) {
    set(texts_.emplace_back(cat(shape_.architecture, '.', suffix)), std::move(value));
  }
  void set_own_count(std::string_view suffix, int64_t count) {
    set_own(suffix, static_cast<uint32_t>(count));
  }

  void add_token(std::string text, text::TokenKind kind) {
    tokens_.push_back(texts_.emplace_back(std::move(text)));
    const auto number = static_cast<int32_t>(kind);
    const auto* bytes = reinterpret_cast<const std::byte*>(&number);
    kinds_.insert(kinds_.end(), bytes, bytes + sizeof number);
  }

  // Ids: the bytes, filler words, ChatML's tokens, the unused ones.
  void set_tokenizer() {
    using text::TokenKind;
    const int64_t unused = std::min(shape_.unused, shape_.vocab - kLeastVocab);
    const int64_t chat = shape_.vocab - unused - static_cast<int64_t>(kChatTokens.size());
    for (const char32_t point : text::kBytePoints) add_token(utf8(point), TokenKind::normal);
    for (int64_t id = kByteTokens; id < chat; ++id)
      add_token(cat(utf8(text::kBytePoints[' ']), "word", id), TokenKind::normal);
    for (const std::string_view token : kChatTokens) add_token(std::string(token), TokenKind::control);
    for (int64_t id = shape_.vocab - unused; id < shape_.vocab; ++id)
      add_token(cat("[PAD", id, ']'), TokenKind::unused);
    set("tokenizer.ggml.model", std::string_view("gpt2"));
    set("tokenizer.ggml.pre", std::string_view("qwen2"));
    set("tokenizer.ggml.tokens", strings(tokens_));
    gguf::Array kinds;
    kinds.element = gguf::ValueType::i32;
    kinds.count = tokens_.size();
    kinds.bytes = kinds_;
    set("tokenizer.ggml.token_type", std::move(kinds));
    set("tokenizer.ggml.merges", strings({}));
    set_count("tokenizer.ggml.eos_token_id", chat + 2);
    set_count("tokenizer.ggml.padding_token_id", chat);
    set_count("tokenizer.ggml.bos_token_id", chat);
    set("tokenizer.ggml.add_bos_token", false);
    set("tokenizer.chat_template", kChatTemplate);
  }

  static gguf::Array strings(std::vector<std::string_view> texts) {
    gguf::Array array;
    array.element = gguf::ValueType::string;
    array.count = texts.size();
    array.strings = std::move(texts);
    return array;
  }

  const Shape& shape_;
  std::deque<std::string> texts_;
  std::vector<std::string_view> tokens_;
  std::vector<std::byte> kinds_;  // i32 each
};

template <class T>
void put(std::vector<std::byte>& out, T value) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

uint64_t aligned(uint64_t bytes) { return (bytes + kAlignment - 1) / kAlignment * kAlignment; }

}  // namespace

Result<std::vector<std::byte>> make_head(const Shape& shape, std::string_view name,
                                         std::span<const PlannedTensor> tensors) {
  // The writer wants all data in memory, so it writes the file without tensors and their infos follow here.
  KIGO_ASSIGN(std::vector<std::byte> head, gguf::write(Metadata(shape, name).file));
  const uint64_t count = tensors.size();
  std::memcpy(&head[8], &count, sizeof count);  // docs/gguf.md, section 1: behind magic and version
  uint64_t offset = 0;
  for (const PlannedTensor& tensor : tensors) {
    put(head, uint64_t{tensor.name.size()});
    for (const char c : tensor.name) put(head, c);
    put(head, static_cast<uint32_t>(tensor.dims.size()));
    for (const uint64_t dim : tensor.dims) put(head, dim);
    put(head, tensor.type->id);
    put(head, offset);
    offset += aligned(tensor.size_bytes());
  }
  head.resize(aligned(head.size()));
  return head;
}

}  // namespace kigo::tools
