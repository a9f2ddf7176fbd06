#include "core/model/taps.h"

#include <array>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::model {

std::string_view name(Tap tap) {
  static constexpr std::array kNames = std::to_array<std::string_view>({
      "embed",   "attn_norm", "attn_q",   "attn_k",       "attn_v",        "attn_q_rope", "attn_k_rope",
      "cache_k", "cache_v",   "attn_mix", "attn_out",     "attn_residual", "ffn_norm",    "ffn_gate",
      "ffn_up",  "ffn_act",   "ffn_down", "ffn_residual", "output_norm",   "logits",
  });
  static_assert(kNames.size() == static_cast<size_t>(Tap::logits) + 1);
  const auto index = static_cast<size_t>(tap);
  KIGO_CHECK(index < kNames.size());
  return kNames[index];
}

std::string name(Tap tap, int64_t layer) {
  const bool of_a_layer = tap != Tap::embed && tap != Tap::output_norm && tap != Tap::logits;
  return of_a_layer ? cat("blk.", layer, ".", name(tap)) : std::string(name(tap));
}

}  // namespace kigo::model
