// Reads the keys of docs/gguf.md, section 6, in that order, and checks them against each other.
#include "core/model/config.h"

#include <utility>

#include "core/base/cat.h"
#include "core/model/keys.h"

namespace kigo::model {
namespace {

constexpr Range kLayers{1, 512};              // docs/gguf.md, section 2
constexpr Range kVocab{1, int64_t{1} << 24};  // the same
constexpr Range kPositive{1};

/// Fills a Config step by step, one step per group of keys. A step that lacks what an earlier one could not
/// read leaves its own checks out: one fault, one error.
class ConfigReader {
 public:
  explicit ConfigReader(const gguf::File& file) : file_(file), keys_(file) {}

  std::vector<Error> read(Config& config) {
    architecture(config);
    if (config.architecture == nullptr) return std::move(keys_.errors);
    general(config);
    sizes(config);
    heads(config);
    norm_and_rope(config);
    rope_scaling(config);
    window(config);
    vocab(config);
    return std::move(keys_.errors);
  }

 private:
  std::string own(std::string_view suffix) const { return cat(prefix_, suffix); }

  void note(Config& config, std::string_view suffix, auto value, std::string_view why) const {
    config.notes.push_back(cat(prefix_, suffix, ": ", value, ", ", why));
  }

  /// A required count; 0 when it is absent or wrong.
  int64_t required(std::string_view suffix, Range range = kPositive) {
    return keys_.count(own(suffix), Need::required, range).value_or(0);
  }

  void architecture(Config& config);
  void general(Config& config);
  void sizes(Config& config);
  void heads(Config& config);
  int64_t length_or_default(Config& config, std::string_view suffix);
  void norm_and_rope(Config& config);
  void rope_base(Config& config);
  void rope_dims(Config& config);
  void rope_scaling(Config& config);
  void window(const Config& config);
  void vocab(Config& config);
  int64_t rows_of_embedding();

  const gguf::File& file_;
  Keys keys_;
  std::string prefix_;  // "qwen2."
};

void ConfigReader::architecture(Config& config) {
  const std::string key = "general.architecture";
  const auto found = keys_.text(key, Need::required);
  if (!found) return;
  config.architecture = find_architecture(*found);
  if (config.architecture != nullptr) {
    prefix_ = cat(*found, '.');
    return;
  }
  std::string runs;
  for (const Architecture& row : architectures()) runs += cat(runs.empty() ? "" : ", ", row.name);
  std::string planned;
  for (const std::string_view each : planned_architectures())
    planned += cat(planned.empty() ? "" : ", ", each);
  keys_.add(Code::unsupported, key, cat('"', escaped(*found), '"'),
            cat(runs, ", which run; planned are ", planned));
}

void ConfigReader::general(Config& config) {
  keys_.owner = config.architecture->name;
  if (const gguf::Value* value = file_.find("general.name"); value != nullptr)
    if (const auto* text = std::get_if<std::string_view>(value)) config.name = *text;
  const std::string version = "general.quantization_version";
  if (const auto found = keys_.count(version, Need::optional); found && *found != 2)
    keys_.add(Code::unsupported, version, cat(*found), "2: another version is another block layout");
}

void ConfigReader::sizes(Config& config) {
  config.context = required("context_length");
  config.width = required("embedding_length");
  config.layers = required("block_count", kLayers);
  config.ffn_width = required("feed_forward_length");
  const std::string experts = own("expert_count");
  if (const auto found = keys_.count(experts, Need::optional); found && *found > 0)
    keys_.add(Code::unsupported, experts, cat(*found), "0: mixtures of experts do not run");
}

void ConfigReader::heads(Config& config) {
  config.heads = required("attention.head_count");
  const std::string kv_key = own("attention.head_count_kv");
  const size_t errors_before = keys_.errors.size();
  if (const auto found = keys_.count(kv_key, Need::optional, kPositive)) {
    config.kv_heads = *found;
    if (config.heads % *found != 0)
      keys_.add(Code::bad_value, kv_key, cat(config.heads, " heads on ", *found, " kv_heads"),
                "head_count a multiple of head_count_kv");
  } else if (keys_.errors.size() == errors_before && config.heads > 0) {
    config.kv_heads = config.heads;
    note(config, "attention.head_count_kv", config.kv_heads, "by default head_count");
  }
  config.head_dim = length_or_default(config, "attention.key_length");
  const int64_t value_length = length_or_default(config, "attention.value_length");
  if (config.head_dim > 0 && value_length > 0 && value_length != config.head_dim)
    keys_.add(Code::bad_value, own("attention.value_length"),
              cat(value_length, ", and key_length ", config.head_dim), "both equal");
}

// key_length or value_length; 0 when it cannot be had.
int64_t ConfigReader::length_or_default(Config& config, std::string_view suffix) {
  if (file_.find(own(suffix)) != nullptr)
    return keys_.count(own(suffix), Need::optional, kPositive).value_or(0);
  if (config.width == 0 || config.heads == 0) return 0;
  if (config.width % config.heads == 0) return config.width / config.heads;
  // The same fact twice would be two errors for one fault.
  if (suffix == "attention.key_length")
    keys_.add(Code::bad_value, own("embedding_length"), cat(config.width, " on ", config.heads, " heads"),
              cat("a multiple of head_count, or ", own(suffix)));
  return 0;
}

void ConfigReader::norm_and_rope(Config& config) {
  config.norm_eps = keys_.real(own("attention.layer_norm_rms_epsilon"), Need::required).value_or(0);
  rope_base(config);
  rope_dims(config);
}

void ConfigReader::rope_base(Config& config) {
  const float fallback = config.architecture->default_rope_base;
  const bool required = fallback == 0;
  const std::string key = own("rope.freq_base");
  if (!required && file_.find(key) == nullptr) {
    config.rope_base = fallback;
    note(config, "rope.freq_base", fallback, "by default");
  } else {
    config.rope_base = keys_.real(key, Need::required).value_or(0);
  }
}

void ConfigReader::rope_dims(Config& config) {
  const std::string key = own("rope.dimension_count");
  if (file_.find(key) == nullptr) {
    config.rope_dims = config.head_dim;
  } else {
    config.rope_dims = keys_.count(key, Need::optional, kPositive).value_or(0);
  }
  if (config.rope_dims == 0 || config.head_dim == 0) return;
  if (config.rope_dims % 2 != 0) {
    keys_.add(Code::bad_value, key, cat(config.rope_dims), "an even number: rotations take pairs");
  } else if (config.rope_dims != config.head_dim) {
    keys_.add(Code::bad_value, key, cat(config.rope_dims),
              cat(config.head_dim, ", all of head_dim, for ", config.architecture->name));
  }
}

void ConfigReader::rope_scaling(Config& config) {
  const std::string type_key = own("rope.scaling.type");
  const std::string factor_key = own("rope.scaling.factor");
  const auto type = keys_.text(type_key, Need::optional);
  const auto factor = keys_.real(factor_key, Need::optional);
  if (type && *type != "none" && *type != "linear") {
    keys_.add(Code::unsupported, type_key, cat('"', escaped(*type), '"'), "none or linear");
  } else if (type && *type == "linear") {
    config.rope_factor = factor.value_or(1);
  } else if (factor && *factor != 1) {
    note(config, "rope.scaling.factor", *factor, "not used: rope.scaling.type is none");
  }
  // What linear scaling was called before rope.scaling.*; llama.cpp still obeys it.
  const std::string old_key = own("rope.scale_linear");
  if (const auto scale = keys_.real(old_key, Need::optional); scale && *scale != 1)
    keys_.add(Code::unsupported, old_key, cat(*scale), "1, or rope.scaling.type and rope.scaling.factor");
}

// A window as long as the context hides nothing.
void ConfigReader::window(const Config& config) {
  const std::string key = own("attention.sliding_window");
  const auto found = keys_.count(key, Need::optional);
  if (found && *found > 0 && *found < config.context)
    keys_.add(Code::unsupported, key, cat(*found),
              cat("0, or at least context_length ", config.context, ": sliding windows do not run"));
}

void ConfigReader::vocab(Config& config) {
  const std::string tokens_key = "tokenizer.ggml.tokens";
  const auto tokenizer = keys_.text("tokenizer.ggml.model", Need::optional);
  const bool has_tokens = tokenizer && *tokenizer != "no_vocab";
  if (has_tokens) {
    const gguf::Array* tokens = keys_.strings(tokens_key, Need::required);
    if (tokens == nullptr) return;
    if (tokens->count < 1 || std::cmp_greater(tokens->count, kVocab.high)) {
      keys_.add(Code::bad_value, tokens_key, cat(tokens->count, " tokens"), cat("1 to ", kVocab.high));
      return;
    }
    config.vocab = static_cast<int64_t>(tokens->count);
  }
  const std::string size_key = own("vocab_size");
  const auto declared = keys_.count(size_key, Need::optional, kVocab);
  if (!has_tokens) config.vocab = rows_of_embedding();
  if (declared && config.vocab > 0 && *declared != config.vocab)
    keys_.add(Code::bad_value, size_key, cat(*declared),
              cat(config.vocab, has_tokens ? ", the number of tokens" : ", the rows of token_embd.weight"));
}

int64_t ConfigReader::rows_of_embedding() {
  const std::string tensor_name = "token_embd.weight";
  const gguf::Tensor* tensor = file_.find_tensor(tensor_name);
  if (tensor == nullptr) {
    keys_.errors.push_back({Code::missing_tensor, tensor_name, "missing",
                            "[width, vocab]: without a tokenizer its rows are the vocabulary", std::nullopt});
    return 0;
  }
  if (tensor->dims.size() == 2 && tensor->dims[1] >= 1 && std::cmp_less_equal(tensor->dims[1], kVocab.high))
    return static_cast<int64_t>(tensor->dims[1]);
  keys_.errors.push_back({Code::wrong_shape, tensor_name,
                          cat("shape ", list(std::span<const uint64_t>(tensor->dims))),
                          cat("[width, vocab] with 1 to ", kVocab.high, " rows"), tensor->entry_offset});
  return 0;
}

}  // namespace

std::vector<Error> explain_config(const gguf::File& file) {
  Config config;
  return ConfigReader(file).read(config);
}

Result<Config> read_config(const gguf::File& file) {
  Config config;
  const std::vector<Error> errors = ConfigReader(file).read(config);
  if (!errors.empty()) return tl::unexpected<Error>(errors.front());
  return config;
}

}  // namespace kigo::model
