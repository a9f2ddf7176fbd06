// A hash that no file can be written against: its multipliers are drawn when the program runs.
#pragma once

#include <cstdint>
#include <string_view>

namespace kigo {

/// Polynomials modulo 2^61 - 1 in random multipliers. Hash tables of names from a file need it: with a hash
/// that is known beforehand, a file can hold thousands of names for one slot, and reading it takes quadratic
/// time. Source: L. Carter, M. Wegman, "Universal classes of hash functions", 1979.
class KeyedHash {
 public:
  /// Draws the multipliers: each object has its own, and what a table finds does not depend on them.
  KeyedHash();

  /// 61 bits. Two texts of at most 7n bytes collide with probability (n + 1) / 2^61, whoever chose them.
  uint64_t operator()(std::string_view text) const;

  /// 61 bits; two pairs collide with probability 2 / 2^61.
  uint64_t operator()(uint32_t a, uint32_t b) const {
    // Below 2^94: two products of 32 and 61 bits. Folding once leaves less than 2^62.
    const unsigned __int128 sum =
        static_cast<unsigned __int128>(a) * first_ + static_cast<unsigned __int128>(b) * second_;
    const uint64_t folded = (static_cast<uint64_t>(sum) & kPrime) + static_cast<uint64_t>(sum >> 61);
    return folded >= kPrime ? folded - kPrime : folded;
  }

 private:
  static constexpr uint64_t kPrime = (1ull << 61) - 1;
  static uint64_t times(uint64_t a, uint64_t b);

  uint64_t first_;
  uint64_t second_;
};

}  // namespace kigo
