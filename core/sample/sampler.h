// From the logits of one position to the next token id: greedy, or drawn after temperature, repetition
// penalty, top-k, top-p and min-p, in this order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "core/base/result.h"

namespace kigo::sample {

/// Names, ranges and defaults of docs/worker.md, section 2.1. Every filter is off by default.
struct Params {
  float temperature = 1;         // 0..2; 0 is greedy
  float top_p = 1;               // 0..1; 1 is off, 0 keeps one id
  float min_p = 0;               // 0..1; 0 is off
  float repetition_penalty = 1;  // above 0, at most 2; 1 is off
  uint32_t top_k = 0;            // at most 2147483647; 0, or the vocabulary and more, is off
  uint64_t seed = 0;
};

/// Errors: invalid_request, subject the field's name (also for NaN).
Status check(const Params& params);

/// What the filters leave, ids rising. weights[k] = exp(x - highest x), so the highest weight is 1.
struct Distribution {
  std::vector<uint32_t> ids;
  std::vector<double> weights;
  double total = 0;  // of the weights, summed in this order

  double probability(size_t k) const { return weights[k] / total; }
};

/// The distribution that token `token_index` is drawn from.
///
/// `logits` [vocab] of the last position. `history`: the ids of prompt and output so far, each below vocab,
/// in any order; each distinct one is penalised once. `allowed` [vocab]: zero where an id must never be drawn
/// (padding rows, ids that the tokenizer does not have); empty means that all are allowed. Temperature 0
/// leaves the one id with the highest value, the lowest of equals. All steps in double, nothing rounded
/// between them; ties to the lowest id. Errors: invalid_request as check; inference_failed when an allowed
/// logit is NaN or +inf, or none is above -inf. Source: docs/worker.md, section 5; the nucleus: A. Holtzman
/// et al., arXiv:1904.09751, section 3.1.
Result<Distribution> distribution(std::span<const float> logits, const Params& params,
                                  std::span<const uint32_t> history, uint64_t token_index,
                                  std::span<const uint8_t> allowed = {});

/// The first id whose running sum of weights is above u * total, 0 <= u < 1; if rounding leaves none, the
/// last id with a weight above 0.
uint32_t draw(const Distribution& distribution, double u);

/// distribution(), then draw() with Philox's number for seed and token index. Errors as distribution().
Result<uint32_t> sample(std::span<const float> logits, const Params& params,
                        std::span<const uint32_t> history, uint64_t token_index,
                        std::span<const uint8_t> allowed = {});

}  // namespace kigo::sample
