// How safe a drawn id is: by how much logits may be off before another one is drawn, and by how much they
// must be for a certain one.
#pragma once

#include <cstdint>
#include <span>

#include "core/base/result.h"
#include "core/sample/sampler.h"

namespace kigo::tools {

/// The least distance, in logits, of anything that decides a draw from its border, made comparable with the
/// margin of a greedy choice: with every logit off by at most e, the id stays while the margin is at least
/// 2 * e. Where one id is left nothing can change: infinity.
///
/// With x = the logits after temperature T and repetition penalty r, every x is off by at most
/// e' = e * max(r, 1/r) / T. What decides: the k-th x against the next one (changes places within 2 e'); in
/// the nucleus the sums of weights before and behind its last id against p, and that id against the next one;
/// at the draw the running sums around u. A sum A of weights against the rest B: each weight changes by a
/// factor within exp(+-e'), so ln(A / B) by at most 2 e'. The margin is the least of these distances in x
/// times T / max(r, 1/r). `min_p` must be off. Errors: those of sample::distribution.
Result<double> draw_margin(std::span<const float> logits, const sample::Params& params,
                           std::span<const uint32_t> history, uint64_t token_index,
                           std::span<const uint8_t> allowed);

/// The least error of all logits with which `got` could have been drawn, within a factor of 1.001; 1e9 when
/// none up to 100 explains it. Conservative: ids that may or may not pass top-k or the nucleus, since they
/// are within the error of its border, count as it suits `got`. With x off by at most e' as above, sums of
/// weights lie within a factor of exp(+-e'): `got` could be drawn when u lies between the least share of the
/// ids before it and the largest share of those up to it. `min_p` must be off. Errors: those of
/// sample::distribution.
Result<double> draw_deficit(std::span<const float> logits, const sample::Params& params,
                            std::span<const uint32_t> history, uint64_t token_index,
                            std::span<const uint8_t> allowed, uint32_t got);

}  // namespace kigo::tools
