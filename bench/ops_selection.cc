#include "bench/ops_selection.h"

#include <algorithm>
#include <array>

#include "core/base/cat.h"

namespace kigo::bench {
namespace {

/// Operations whose names go on with the format of weights.
constexpr std::array<std::string_view, 9> kWithWeights = {"linear",
                                                          "linear_add",
                                                          "norm_gate_up_swiglu",
                                                          "norm_qkv_rope_append",
                                                          "norm_head_argmax",
                                                          "dequantise",
                                                          "embedding",
                                                          "repack",
                                                          "unpack"};

/// Words that change neither the work nor the memory, or that a quick run takes one of.
constexpr std::array<std::string_view, 9> kNoSizes = {"scale",    "seed", "overlap",   "position", "room",
                                                      "shuffled", "eps",  "different", "kind"};

}  // namespace

bool in_quick_run(std::string_view pair) {
  constexpr std::array<std::string_view, 7> kRare{"bf16", "q4_0", "q4_1", "q5_1", "mxfp4", "q2_k", "q8_k"};
  if (std::ranges::any_of(kRare, [&](std::string_view name) { return pair.find(name) != pair.npos; }))
    return false;
  return std::ranges::none_of(kWithWeights, [&](std::string_view op) {
    return pair.starts_with(op) && pair.substr(op.size()).starts_with("_f32");
  });
}

std::string sizes_of(std::string_view case_text) {
  std::string sizes;
  while (!case_text.empty()) {
    const std::string_view word = case_text.substr(0, case_text.find(' '));
    case_text.remove_prefix(std::min(word.size() + 1, case_text.size()));
    const std::string_view key = word.substr(0, word.find('='));
    if (std::ranges::find(kNoSizes, key) == kNoSizes.end()) sizes += cat(sizes.empty() ? "" : " ", word);
  }
  return sizes;
}

}  // namespace kigo::bench
