// Which tensors a model needs, with their shapes in symbols, and the ones a file has for it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/gguf/file.h"
#include "core/gguf/reader.h"
#include "core/model/config.h"

namespace kigo::model {

/// What a tensor is for, in the order of docs/gguf.md, section 7, in which errors are reported. The table in
/// weights.cc gives each its GGUF name and shape.
enum class Role : uint8_t {
  token_embd,   // [width, vocab]
  output_norm,  // [width]
  output,       // [width, vocab]; null when tied: token_embd is used
  rope_freqs,   // [rope_dims / 2], divisors of rope; null when there are none
  // One per layer from here on.
  attn_norm,         // [width]
  ffn_norm,          // [width]
  attn_q,            // [width, heads * head_dim]
  attn_k,            // [width, kv_heads * head_dim]
  attn_v,            // [width, kv_heads * head_dim]
  attn_q_bias,       // [heads * head_dim]
  attn_k_bias,       // [kv_heads * head_dim]
  attn_v_bias,       // [kv_heads * head_dim]
  attn_output,       // [heads * head_dim, width]
  attn_output_bias,  // [width]
  ffn_gate,          // [width, ffn_width]
  ffn_up,            // [width, ffn_width]
  ffn_down,          // [ffn_width, width]
};
inline constexpr int kRoles = static_cast<int>(Role::ffn_down) + 1;
inline constexpr int kModelRoles = static_cast<int>(Role::attn_norm);  // those that no layer owns

/// "blk.3.attn_q.weight"
std::string tensor_name(Role role, int64_t layer = 0);

/// Whether the files of a family have it.
Presence presence(Role role, const Architecture& architecture);

/// The shape that a model needs, fastest first, as in the file: {width, heads * head_dim}.
std::vector<uint64_t> tensor_dims(Role role, const Config& config);

/// The tensors of a file by role; null where an optional one is absent.
class Weights {
 public:
  /// Layers count from 0 and end before config.layers; roles without a layer ignore it.
  const gguf::Tensor* find(Role role, int64_t layer = 0) const;
  /// Those that are there, in the order of explain().
  std::vector<const gguf::Tensor*> all() const;
  /// The matrix that makes the logits: output.weight, or token_embd.weight when tied.
  const gguf::Tensor& head() const;
  bool tied() const { return find(Role::output) == nullptr; }

 private:
  friend Result<Weights> find_weights(const gguf::File&, const Config&);
  std::vector<const gguf::Tensor*> tensors_;
};

/// Finds every tensor of the model, and refuses a file that lacks one, has one too many, or one of another
/// shape or type. Errors: missing_tensor, unexpected_tensor, wrong_shape, wrong_type, unsupported: the first
/// that explain() lists.
Result<Weights> find_weights(const gguf::File& file, const Config& config);

/// All that find_weights could refuse: first the tensors the model needs, by layer and in the order of Role,
/// then those it does not know, in file order. Empty for a good file.
std::vector<Error> explain(const gguf::File& file, const Config& config);

/// The same for keys and tensors, keys first; tensors are looked at only when the keys are right, for their
/// shapes come from there.
std::vector<Error> explain(const gguf::File& file);

/// Looks at every scale and every scalar weight of the model, in the order of explain(), then at the biases.
/// Errors: bad_data, for a value that is infinite or no number (tensor, block or element, byte offset, bits),
/// for a bias that the architecture requires and that is zero throughout: nobody trains one, lost loads leave
/// them; and for a divisor of rope that is not above zero.
Status check_data(const gguf::File& file, const Config& config, const Weights& weights);

/// A file with its model, ready to run. Moving it keeps all pointers valid.
struct Model {
  gguf::MappedFile source;
  Config config;
  Weights weights;
};

/// open + read_config + find_weights + check_data.
Result<Model> open(const std::string& path);

}  // namespace kigo::model
