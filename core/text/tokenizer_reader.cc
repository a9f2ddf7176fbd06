// Tokenizer::from_gguf: the tokenizer's keys, read and judged as docs/gguf.md, sections 3, 5 and 8, says.
#include <utility>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/text/tokenizer.h"

namespace kigo::text {
namespace {

constexpr uint64_t kMaxVocab = uint64_t{1} << 24;  // docs/gguf.md, section 2
constexpr std::string_view kBpe = "gpt2";          // the value of tokenizer.ggml.model for byte-level BPE

std::string found_type(const gguf::Value& value) {
  if (const auto* array = std::get_if<gguf::Array>(&value)) return cat("array of ", name(array->element));
  return std::string(name(gguf::type_of(value)));
}

tl::unexpected<Error> refuse(Code code, const gguf::Pair& pair, std::string found, std::string expected) {
  return fail(code, escaped(pair.key), std::move(found), std::move(expected), pair.offset);
}

tl::unexpected<Error> missing(std::string_view key, std::string expected) {
  return fail(Code::missing_key, cat("tokenizer.ggml.", key), "not in the file", std::move(expected));
}

/// The value of a key that must have exactly one type; null when the key is absent.
template <class T>
Result<const T*> read(const gguf::Pair* pair, std::string_view expected) {
  if (pair == nullptr) return nullptr;
  const T* value = std::get_if<T>(&pair->value);
  if (value == nullptr)
    return refuse(Code::wrong_type, *pair, found_type(pair->value), std::string(expected));
  return value;
}

Result<const gguf::Array*> read_array(const gguf::Pair* pair, gguf::ValueType element) {
  const std::string expected = cat("array of ", name(element));
  KIGO_ASSIGN(const gguf::Array* array, read<gguf::Array>(pair, expected));
  if (array != nullptr && array->element != element)
    return refuse(Code::wrong_type, *pair, found_type(pair->value), expected);
  return array;
}

/// Counts and ids: u32 or u64.
Result<std::optional<uint64_t>> read_count(const gguf::Pair* pair) {
  if (pair == nullptr) return std::nullopt;
  if (const auto* narrow = std::get_if<uint32_t>(&pair->value)) return *narrow;
  if (const auto* wide = std::get_if<uint64_t>(&pair->value)) return *wide;
  return refuse(Code::wrong_type, *pair, found_type(pair->value), "u32");
}

std::string quoted(std::string_view text) { return cat("\"", escaped(text), "\""); }

std::string known_pre_formats() {
  std::string names;
  for (const PreFormat& format : pre_formats()) names += cat(names.empty() ? "" : ", ", quoted(format.name));
  return names;
}

}  // namespace

/// Reads the keys in the order of section 8; the first wrong one is the error.
class TokenizerReader {
 public:
  explicit TokenizerReader(const gguf::File& file) : file_(file) {}

  Result<Tokenizer> read_all() {
    KIGO_TRY(read_model());
    KIGO_ASSIGN(const PreFormat* format, read_pre());
    KIGO_ASSIGN(const auto texts, read_tokens());
    KIGO_ASSIGN(auto kinds, read_kinds(texts));
    const bool all_normal = kinds.empty();
    Vocabulary vocabulary(texts, std::move(kinds));
    KIGO_TRY(check_special_texts(vocabulary));
    Tokenizer tokenizer(std::move(vocabulary), *format);
    if (all_normal)
      tokenizer.notes_.emplace_back(
          "token_type: absent, all tokens are normal and no text is a control token");
    KIGO_TRY(read_merges(tokenizer));
    KIGO_TRY(read_ids(tokenizer));
    KIGO_TRY(read_flags(tokenizer));
    KIGO_TRY(read_template(tokenizer));
    tokenizer.finish();
    return tokenizer;
  }

 private:
  const gguf::Pair* find(std::string_view key) const { return file_.find_pair(cat("tokenizer.ggml.", key)); }

  Status read_model() {
    const gguf::Pair* pair = find("model");
    KIGO_ASSIGN(const auto* model, read<std::string_view>(pair, "string"));
    if (model == nullptr) return missing("model", quoted(kBpe));
    if (*model == "no_vocab")
      return refuse(Code::unsupported, *pair, "no_vocab: the file has no tokenizer", "");
    if (*model != kBpe) return refuse(Code::unsupported, *pair, quoted(*model), quoted(kBpe));
    return {};
  }

  Result<const PreFormat*> read_pre() {
    const gguf::Pair* pair = find("pre");
    KIGO_ASSIGN(const auto* pre, read<std::string_view>(pair, "string"));
    if (pre == nullptr) return missing("pre", known_pre_formats());
    const PreFormat* format = find_pre_format(*pre);
    if (format == nullptr) return refuse(Code::unsupported, *pair, quoted(*pre), known_pre_formats());
    return format;
  }

  Result<std::span<const std::string_view>> read_tokens() {
    const gguf::Pair* pair = find("tokens");
    KIGO_ASSIGN(const gguf::Array* tokens, read_array(pair, gguf::ValueType::string));
    if (tokens == nullptr) return missing("tokens", "array of string");
    if (tokens->count > kMaxVocab)
      return refuse(Code::limit_exceeded, *pair, cat(tokens->count, " tokens"), cat("at most ", kMaxVocab));
    KIGO_TRY(check_vocab_size(tokens->count));
    return std::span(tokens->strings);
  }

  /// `A.vocab_size`, where the file has it, is the number of tokens.
  Status check_vocab_size(uint64_t tokens) {
    const auto* architecture = file_.find("general.architecture");
    const auto* prefix = architecture == nullptr ? nullptr : std::get_if<std::string_view>(architecture);
    if (prefix == nullptr) return {};
    const gguf::Pair* pair = file_.find_pair(cat(*prefix, ".vocab_size"));
    KIGO_ASSIGN(const auto size, read_count(pair));
    if (size && *size != tokens)
      return refuse(Code::bad_value, *pair, cat(*size), cat(tokens, ", the number of tokens"));
    return {};
  }

  Result<std::vector<TokenKind>> read_kinds(std::span<const std::string_view> texts) {
    const gguf::Pair* pair = find("token_type");
    KIGO_ASSIGN(const gguf::Array* types, read_array(pair, gguf::ValueType::i32));
    std::vector<TokenKind> kinds;
    if (types == nullptr) return kinds;
    if (types->count != texts.size())
      return refuse(Code::bad_value, *pair, cat(types->count, " types"),
                    cat(texts.size(), ", one per token"));
    kinds.reserve(texts.size());
    for (size_t i = 0; i < texts.size(); ++i) {
      const auto type = types->at<int32_t>(i);
      if (type < 1 || type > 6)
        return refuse(Code::bad_value, *pair, cat("type ", type, " at index ", i), "1 to 6");
      kinds.push_back(static_cast<TokenKind>(type));
      if (kinds.back() == TokenKind::byte && !byte_token_value(texts[i]))
        return refuse(Code::bad_value, *find("tokens"), cat("byte token ", quoted(texts[i]), " at index ", i),
                      "<0x00> to <0xFF>");
    }
    return kinds;
  }

  Status check_special_texts(const Vocabulary& vocabulary) {
    const size_t bytes = SpecialTokens::bytes_of(vocabulary);
    if (bytes <= SpecialTokens::kMaxBytes) return {};
    return refuse(Code::limit_exceeded, *find("tokens"),
                  cat("control and user-defined tokens of ", bytes, " bytes"),
                  cat("at most ", SpecialTokens::kMaxBytes));
  }

  Status read_merges(Tokenizer& tokenizer) {
    const gguf::Pair* pair = find("merges");
    KIGO_ASSIGN(const gguf::Array* merges, read_array(pair, gguf::ValueType::string));
    if (merges == nullptr) return missing("merges", "array of string");
    for (size_t i = 0; i < merges->strings.size(); ++i) {
      const std::string_view merge = merges->strings[i];
      const size_t space = merge.find(' ');
      if (space == std::string_view::npos || merge.find(' ', space + 1) != std::string_view::npos)
        return refuse(Code::bad_value, *pair, cat("merge ", quoted(merge), " at index ", i),
                      "two texts and one space");
    }
    tokenizer.set_merges(merges->strings);
    return {};
  }

  Result<std::optional<uint32_t>> read_id(const Tokenizer& tokenizer, std::string_view key) {
    const gguf::Pair* pair = find(key);
    KIGO_ASSIGN(const auto id, read_count(pair));
    if (!id) return std::nullopt;
    if (*id >= tokenizer.size())
      return refuse(Code::bad_value, *pair, cat("id ", *id), cat("an id below ", tokenizer.size()));
    return static_cast<uint32_t>(*id);
  }

  Status read_ids(Tokenizer& tokenizer) {
    KIGO_ASSIGN(tokenizer.bos_, read_id(tokenizer, "bos_token_id"));
    KIGO_ASSIGN(const auto eos, read_id(tokenizer, "eos_token_id"));
    if (!eos) return missing("eos_token_id", "u32");
    tokenizer.eos_ = tokenizer.bos_ && KIGO_FAULT(F49) ? *tokenizer.bos_ : *eos;
    KIGO_TRY(read_id(tokenizer, "unknown_token_id"));
    KIGO_TRY(read_id(tokenizer, "padding_token_id"));
    KIGO_ASSIGN(tokenizer.eot_, read_id(tokenizer, "eot_token_id"));
    KIGO_ASSIGN(tokenizer.eom_, read_id(tokenizer, "eom_token_id"));
    return {};
  }

  Status read_flags(Tokenizer& tokenizer) {
    KIGO_ASSIGN(const bool* add_bos, read<bool>(find("add_bos_token"), "bool"));
    KIGO_ASSIGN(const bool* add_eos, read<bool>(find("add_eos_token"), "bool"));
    KIGO_ASSIGN(const bool* add_space, read<bool>(find("add_space_prefix"), "bool"));
    const PreFormat& format = tokenizer.pre_format();
    tokenizer.add_bos_ = add_bos == nullptr ? format.adds_bos : *add_bos;
    tokenizer.add_eos_ = add_eos != nullptr && *add_eos;
    if (tokenizer.add_bos_ && !tokenizer.bos_) {
      if (add_bos == nullptr)
        return missing("bos_token_id", cat("a BOS id, which ", format.name, " adds by default"));
      return fail(Code::missing_key, "tokenizer.ggml.bos_token_id", "not in the file",
                  "a BOS id, for add_bos_token is true", find("add_bos_token")->offset);
    }
    if (add_space != nullptr && *add_space)
      return refuse(Code::unsupported, *find("add_space_prefix"), "true", "false with a BPE vocabulary");
    return {};
  }

  Status read_template(Tokenizer& tokenizer) {
    KIGO_ASSIGN(const auto* text,
                read<std::string_view>(file_.find_pair("tokenizer.chat_template"), "string"));
    if (text != nullptr) tokenizer.chat_template_ = std::string(*text);
    return {};
  }

  const gguf::File& file_;
};

Result<Tokenizer> Tokenizer::from_gguf(const gguf::File& file) { return TokenizerReader(file).read_all(); }

}  // namespace kigo::text
