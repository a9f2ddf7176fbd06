// What planted mistakes recompute in plain loops: a tensor's values, and attention with a map of heads, a
// scale, a mask.
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "core/model/config.h"
#include "core/quant/tensor_type.h"
#include "tests/tools/compare/planted.h"

namespace kigo::test {

inline std::vector<float> floats(const gguf::Tensor& tensor) {
  std::vector<float> values(tensor.elements());
  tensor.type->decode(tensor.data.data(), static_cast<int64_t>(values.size()), values.data());
  return values;
}

struct Attention {
  std::function<int64_t(int64_t)> map;  // of a head to its kv head
  double scale = 0;
  int64_t ahead = 0;  // keys beyond a query's own position
  bool without_maximum =
      false;  // NaN where a softmax of floats that subtracts none overflows, else untouched
  int64_t first_key = 0;
};

/// Over what the pass has handed out of this layer.
inline void attend(const Planting& at, const model::Config& config, const Attention& how) {
  using model::Tap;
  const auto [tokens, heads, dim] = at.values.shape;
  const std::vector<double>& q = at.seen.at(Tap::attn_q_rope);
  const std::vector<double>& k = at.seen.at(Tap::cache_k);
  const std::vector<double>& v = at.seen.at(Tap::cache_v);
  for (int64_t t = 0; t < tokens; ++t)
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t keys = std::min(at.first + tokens, at.first + t + 1 + how.ahead);
      const auto element = [&](int64_t p, int64_t i) {
        return static_cast<size_t>((p * config.kv_heads + how.map(h)) * dim + i);
      };
      std::vector<double> mix(static_cast<size_t>(dim));
      double sum = 0;
      float float_sum = 0;
      for (int64_t p = how.first_key; p < keys; ++p) {
        double dot = 0;
        for (int64_t i = 0; i < dim; ++i)
          dot += q[static_cast<size_t>((t * heads + h) * dim + i)] * k[element(p, i)];
        const double weight = std::exp(dot * how.scale);
        sum += weight;
        float_sum += std::exp(static_cast<float>(dot * how.scale));
        for (int64_t i = 0; i < dim; ++i) mix[static_cast<size_t>(i)] += weight * v[element(p, i)];
      }
      for (int64_t i = 0; i < dim; ++i) {
        if (!how.without_maximum)
          at.values(t, h, i) = keys == 0 ? 0 : mix[static_cast<size_t>(i)] / sum;
        else if (!std::isfinite(float_sum))
          at.values(t, h, i) = std::numeric_limits<double>::quiet_NaN();
      }
    }
}

}  // namespace kigo::test
