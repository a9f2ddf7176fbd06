// What golden/blocks is made of: the pseudo-random bytes of its blocks, and the hash of the decoded values.
// Source: golden/README.md, "blocks/".
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "core/base/random.h"

namespace kigo::compare {

/// Where FNV-1a begins.
inline constexpr uint64_t kFnvStart = 0xcbf29ce484222325;

/// The bits of a decoded value, without the two freedoms of a decoder: -0 is +0, and every NaN is one.
constexpr uint32_t canonical_bits(float value) {
  if (value != value) return 0x7FC00000;
  return value == 0 ? 0 : std::bit_cast<uint32_t>(value);
}

/// FNV-1a, 64 bits, over the four little-endian bytes of the canonical bits.
constexpr uint64_t fnv1a(uint64_t hash, float value) {
  const uint32_t bits = canonical_bits(value);
  for (int shift = 0; shift < 32; shift += 8) hash = (hash ^ ((bits >> shift) & 255)) * 0x100000001b3;
  return hash;
}

/// The hash of many values in order.
constexpr uint64_t fnv1a(std::span<const float> values) {
  uint64_t hash = kFnvStart;
  for (const float value : values) hash = fnv1a(hash, value);
  return hash;
}

/// The first `count` bytes of a SplitMix64 stream, each output little endian.
inline std::vector<std::byte> stream_bytes(uint64_t seed, size_t count) {
  Random random(seed);
  std::vector<std::byte> bytes(count);
  uint64_t word = 0;
  for (size_t i = 0; i < count; ++i) {
    if (i % 8 == 0) word = random.next();
    bytes[i] = static_cast<std::byte>(word >> (8 * (i % 8)));
  }
  return bytes;
}

}  // namespace kigo::compare
