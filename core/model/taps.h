// The checkpoints of a forward pass: the one list of their names, in the order in which they are reached.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace kigo::model {

/// Source: docs/faults.md, section 1.
enum class Tap : uint8_t {
  embed,          // [tokens, width]
  attn_norm,      // [tokens, width]
  attn_q,         // [tokens, heads, head_dim], bias added
  attn_k,         // [tokens, kv_heads, head_dim], bias added
  attn_v,         // [tokens, kv_heads, head_dim], bias added
  attn_q_rope,    // [tokens, heads, head_dim]
  attn_k_rope,    // [tokens, kv_heads, head_dim]
  cache_k,        // [positions so far, kv_heads, head_dim], read back before attention reads it
  cache_v,        // [positions so far, kv_heads, head_dim]
  attn_mix,       // [tokens, heads, head_dim], softmax times V
  attn_out,       // [tokens, width], after the output matrix
  attn_residual,  // [tokens, width]
  ffn_norm,       // [tokens, width]
  ffn_gate,       // [tokens, ffn_width]
  ffn_up,         // [tokens, ffn_width]
  ffn_act,        // [tokens, ffn_width], silu(gate) * up
  ffn_down,       // [tokens, width]
  ffn_residual,   // [tokens, width]
  output_norm,    // [tokens, width]
  logits,         // [tokens, vocab]
};

/// "attn_q_rope"
std::string_view name(Tap tap);
/// "blk.3.attn_q_rope", or "embed", "output_norm", "logits", which no layer owns.
std::string name(Tap tap, int64_t layer);

}  // namespace kigo::model
