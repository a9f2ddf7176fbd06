// Holds a decoder against the worked examples: at compile time for the formats, at run time for wrong ones.
#pragma once

#include <bit>

#include "core/compare/golden_blocks.h"
#include "core/quant/formats.h"
#include "tests/core/quant/examples.h"

namespace kigo::quant {

using compare::canonical_bits;
using compare::fnv1a;
using compare::kFnvStart;

/// Byte k of a text of lower-case hex digits.
constexpr uint8_t hex_byte(std::string_view hex, size_t k) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  return static_cast<uint8_t>(digit(hex[2 * k]) << 4 | digit(hex[2 * k + 1]));
}

template <Format F>
constexpr typename F::Block block_of(const Example& example) {
  std::array<uint8_t, sizeof(typename F::Block)> bytes{};
  for (size_t k = 0; k < bytes.size(); ++k) bytes[k] = hex_byte(example.hex, k);
  return std::bit_cast<typename F::Block>(bytes);
}

struct Verdict {
  int examples = 0;
  int wrong_hashes = 0;
  int wrong_values = 0;  // among the listed ones
};

/// Runs `decoder(block, i)` over all examples of format F.
template <Format F, class Decoder>
constexpr Verdict judge(const Decoder& decoder) {
  Verdict verdict;
  for (const Example& example : kExamples) {
    if (example.format != F::name) continue;
    ++verdict.examples;
    const auto block = block_of<F>(example);
    uint64_t hash = kFnvStart;
    for (int i = 0; i < F::values; ++i) hash = fnv1a(hash, decoder(block, i));
    verdict.wrong_hashes += hash != example.fnv;
    for (const Listed& listed : example.listed) {
      const float got = decoder(block, listed.index);
      verdict.wrong_values += !(got == listed.value);
    }
  }
  return verdict;
}

}  // namespace kigo::quant
