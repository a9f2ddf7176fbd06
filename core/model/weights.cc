// The table of tensors, and the one loop over it that finds them or explains what is wrong.
#include "core/model/weights.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <unordered_set>
#include <utility>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"

namespace kigo::model {
namespace {

enum class Size : uint8_t { width, vocab, q_rows, kv_rows, ffn_width, rope_pairs };

std::string_view symbol(Size size) {
  static constexpr std::array<std::string_view, 6> kSymbols{
      "width", "vocab", "heads * head_dim", "kv_heads * head_dim", "ffn_width", "rope_dims / 2"};
  return kSymbols[static_cast<size_t>(size)];
}

int64_t value(Size size, const Config& config) {
  const std::array<int64_t, 6> values{config.width,
                                      config.vocab,
                                      config.heads * config.head_dim,
                                      config.kv_heads * config.head_dim,
                                      config.ffn_width,
                                      config.rope_dims / 2};
  return values[static_cast<size_t>(size)];
}

/// The same for all families, or what a column of their table says.
struct Rule {
  Presence same = Presence::required;
  Presence Architecture::*column = nullptr;
};
constexpr Rule kRequired{};
constexpr Rule kOptional{Presence::optional, nullptr};
constexpr Rule by(Presence Architecture::*column) { return {Presence::never, column}; }

struct Row {
  std::string_view name;  // layers: what follows "blk.N."
  Rule rule;
  std::array<Size, 2> sizes;  // fastest first
  int rank;

  std::span<const Size> shape() const { return {sizes.data(), static_cast<size_t>(rank)}; }
};

constexpr Row matrix(std::string_view name, Size in, Size out, Rule rule = kRequired) {
  return {name, rule, {in, out}, 2};
}
constexpr Row vector(std::string_view name, Size size, Rule rule = kRequired) {
  return {name, rule, {size, size}, 1};
}

// Indexed by Role. Source: docs/gguf.md, section 7.
constexpr std::array<Row, kRoles> kRows{
    matrix("token_embd.weight", Size::width, Size::vocab),
    vector("output_norm.weight", Size::width),
    matrix("output.weight", Size::width, Size::vocab, kOptional),
    vector("rope_freqs.weight", Size::rope_pairs, by(&Architecture::rope_divisors)),
    vector("attn_norm.weight", Size::width),
    vector("ffn_norm.weight", Size::width),
    matrix("attn_q.weight", Size::width, Size::q_rows),
    matrix("attn_k.weight", Size::width, Size::kv_rows),
    matrix("attn_v.weight", Size::width, Size::kv_rows),
    vector("attn_q.bias", Size::q_rows, by(&Architecture::qkv_bias)),
    vector("attn_k.bias", Size::kv_rows, by(&Architecture::qkv_bias)),
    vector("attn_v.bias", Size::kv_rows, by(&Architecture::qkv_bias)),
    matrix("attn_output.weight", Size::q_rows, Size::width),
    vector("attn_output.bias", Size::width, by(&Architecture::output_bias)),
    matrix("ffn_gate.weight", Size::width, Size::ffn_width),
    matrix("ffn_up.weight", Size::width, Size::ffn_width),
    matrix("ffn_down.weight", Size::ffn_width, Size::width),
};

constexpr bool has_layer(int role) { return role >= kModelRoles; }

// Where a tensor stands in Weights, and the order in which tensors are looked at.
size_t slot(int role, int64_t layer) {
  if (!has_layer(role)) return static_cast<size_t>(role);
  return static_cast<size_t>(kModelRoles + layer * (kRoles - kModelRoles) + role - kModelRoles);
}

std::vector<uint64_t> dims_of(const Row& row, const Config& config) {
  std::vector<uint64_t> dims;
  for (const Size size : row.shape()) dims.push_back(static_cast<uint64_t>(value(size, config)));
  return dims;
}

// "[width, vocab] = [896, 151936]"
std::string expected_shape(const Row& row, const Config& config) {
  std::string symbols;
  for (const Size size : row.shape()) symbols += cat(symbols.empty() ? "" : ", ", symbol(size));
  return cat('[', symbols, "] = ", list(std::span<const uint64_t>(dims_of(row, config))));
}

bool is_float(const quant::TensorType& type) {
  return type.name == "F32" || type.name == "F16" || type.name == "BF16";
}

// The loop: looks at every tensor that the table asks for, then at those that nothing asked for.
class Finder {
 public:
  Finder(const gguf::File& file, const Config& config) : file_(file), config_(config) {
    for (int role = 0; role < kModelRoles; ++role) look_at(role, 0);
    for (int64_t layer = 0; layer < config.layers; ++layer)
      for (int role = kModelRoles; role < kRoles; ++role) look_at(role, layer);
    refuse_the_rest();
  }

  std::vector<const gguf::Tensor*> found;  // by slot
  std::vector<Error> errors;

 private:
  void look_at(int role, int64_t layer) {
    found.push_back(nullptr);
    const Row& row = kRows[static_cast<size_t>(role)];
    const Presence wanted_here = presence(static_cast<Role>(role), *config_.architecture);
    if (wanted_here == Presence::never) return;
    const std::string wanted = tensor_name(static_cast<Role>(role), layer);
    const gguf::Tensor* tensor = file_.find_tensor(wanted);
    if (tensor == nullptr) {
      if (wanted_here == Presence::required)
        errors.push_back({Code::missing_tensor, wanted, "missing",
                          cat(expected_shape(row, config_), ", which ", config_.architecture->name, " needs"),
                          std::nullopt});
      return;
    }
    known_.insert(tensor);
    if (check_shape(*tensor, row) && check_type(*tensor, row)) found.back() = tensor;
  }

  bool check_shape(const gguf::Tensor& tensor, const Row& row) {
    if (tensor.dims == dims_of(row, config_)) return true;
    add(Code::wrong_shape, tensor, cat("shape ", list(std::span<const uint64_t>(tensor.dims))),
        expected_shape(row, config_));
    return false;
  }

  bool check_type(const gguf::Tensor& tensor, const Row& row) {
    const quant::TensorType& type = *tensor.type;
    if (type.decode == nullptr && type.block_values > 1) {
      add(Code::unsupported, tensor, cat("type ", type.name), "a type that kigo decodes");
    } else if (type.decode == nullptr) {
      add(Code::wrong_type, tensor, cat("type ", type.name), "a type for weights");
    } else if (row.rank == 1 && !is_float(type)) {
      add(Code::wrong_type, tensor, cat("type ", type.name), "F32, F16 or BF16 for a vector");
    } else {
      return true;
    }
    return false;
  }

  void refuse_the_rest() {
    for (const gguf::Tensor& tensor : file_.tensors)
      if (!known_.contains(&tensor))
        add(Code::unexpected_tensor, tensor, "not a tensor of this model",
            cat("those of ", config_.architecture->name, " with blk.0 to blk.", config_.layers - 1));
  }

  void add(Code code, const gguf::Tensor& tensor, std::string fact, std::string expected) {
    errors.push_back({code, escaped(tensor.name), std::move(fact), std::move(expected), tensor.entry_offset});
  }

  const gguf::File& file_;
  const Config& config_;
  std::unordered_set<const gguf::Tensor*> known_;
};

}  // namespace

std::string tensor_name(Role role, int64_t layer) {
  const int index = static_cast<int>(role);
  const std::string_view name = kRows[static_cast<size_t>(index)].name;
  return has_layer(index) ? cat("blk.", layer, '.', name) : std::string(name);
}

Presence presence(Role role, const Architecture& architecture) {
  const Rule& rule = kRows[static_cast<size_t>(role)].rule;
  return rule.column == nullptr ? rule.same : architecture.*rule.column;
}

std::vector<uint64_t> tensor_dims(Role role, const Config& config) {
  return dims_of(kRows[static_cast<size_t>(role)], config);
}

const gguf::Tensor* Weights::find(Role role, int64_t layer) const {
  const size_t at = slot(static_cast<int>(role), layer);
  KIGO_CHECK(layer >= 0 && at < tensors_.size());
  const bool bias = role == Role::attn_q_bias || role == Role::attn_k_bias || role == Role::attn_v_bias;
  return bias && KIGO_FAULT(F79) ? nullptr : tensors_[at];
}

std::vector<const gguf::Tensor*> Weights::all() const {
  std::vector<const gguf::Tensor*> present;
  std::ranges::copy_if(tensors_, std::back_inserter(present), [](auto* tensor) { return tensor != nullptr; });
  return present;
}

const gguf::Tensor& Weights::head() const {
  const gguf::Tensor* output = find(Role::output);
  return output != nullptr ? *output : *find(Role::token_embd);
}

Result<Weights> find_weights(const gguf::File& file, const Config& config) {
  Finder finder(file, config);
  if (!finder.errors.empty()) return tl::unexpected<Error>(std::move(finder.errors.front()));
  Weights weights;
  weights.tensors_ = std::move(finder.found);
  return weights;
}

std::vector<Error> explain(const gguf::File& file, const Config& config) {
  return Finder(file, config).errors;
}

std::vector<Error> explain(const gguf::File& file) {
  const Result<Config> config = read_config(file);
  return config ? explain(file, *config) : explain_config(file);
}

}  // namespace kigo::model
