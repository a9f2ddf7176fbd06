// Which benchmarks a quick run keeps.
#pragma once

#include <string>
#include <string_view>

namespace kigo::bench {

/// Whether the pair is one of those that models of today spend their time in: no weights in f32, bf16,
/// q4_0, q4_1, q5_1, mxfp4, q2_k or q8_k, no activations in bf16. Names of pairs are `operation_format...`.
bool in_quick_run(std::string_view pair);

/// A case's text without what is no size: "rows=64 cols=32 scale=1 seed=1" -> "rows=64 cols=32".
std::string sizes_of(std::string_view case_text);

}  // namespace kigo::bench
