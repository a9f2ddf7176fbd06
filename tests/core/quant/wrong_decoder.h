// What the wrong decoders of 32 and of 256 values share: a mutant and the test that rejects it, and mistakes
// that any format can make.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "tests/core/quant/judge.h"

namespace kigo::quant {

inline float as_bf16(HalfBytes half) { return to_float(bf16{half.half().bits}); }
inline bool subnormal(HalfBytes half) { return (half.half().bits & 0x7C00) == 0; }

/// The block with another scale in d, decoded rightly.
template <Format F>
float with_scale(const typename F::Block& block, int i, float d) {
  const float right = block.d.value();
  return F::value(block, i) / right * d;  // exact enough: a wrong d is off by far more than a rounding
}
template <Format F>
float scale_widened_like_bf16(const typename F::Block& block, int i) {
  return with_scale<F>(block, i, as_bf16(block.d));
}
template <Format F>
float subnormal_scale_flushed(const typename F::Block& block, int i) {
  return subnormal(block.d) ? 0 : F::value(block, i);
}
template <Format F>
float subnormal_scale_halved(const typename F::Block& block, int i) {
  return F::value(block, i) * (subnormal(block.d) ? 0.5f : 1.0f);
}
/// Element 2j low, 2j + 1 high within each group of 2 * stride elements.
template <Format F, int stride>
float nibbles_as_neighbours(const typename F::Block& block, int i) {
  const int in_group = i % (2 * stride);
  return F::value(block, i - in_group + in_group / 2 + (in_group % 2) * stride);
}

struct Mutant {
  const char* name;
  Verdict (*verdict)();
};
inline void PrintTo(const Mutant& mutant, std::ostream* out) { *out << mutant.name; }

template <Format F, auto decoder>
Mutant mutant(const char* name) {
  return {name, [] { return judge<F>(decoder); }};
}
inline std::string name_of(const testing::TestParamInfo<Mutant>& instance) { return instance.param.name; }

/// Each mutant must be rejected by a hash and by a listed value.
class WrongDecoder : public testing::TestWithParam<Mutant> {};

}  // namespace kigo::quant
