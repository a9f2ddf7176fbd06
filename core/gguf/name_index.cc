// The hash of the name index.
#include "core/gguf/name_index.h"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstring>

#include "core/base/random.h"

namespace kigo::gguf {
namespace {

constexpr uint64_t kPrime = (1ull << 61) - 1;

uint64_t times_mod_prime(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  const uint64_t folded = (static_cast<uint64_t>(product) & kPrime) + static_cast<uint64_t>(product >> 61);
  return folded >= kPrime ? folded - kPrime : folded;
}

/// Not known when the file was made: the time, and where the loader put this program.
uint64_t random_multiplier() {
  static const int kSomewhere = 0;
  const auto now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return Random(now ^ reinterpret_cast<uintptr_t>(&kSomewhere)).below(kPrime - 1) + 1;
}

}  // namespace

NameIndex::NameIndex() : multiplier_(random_multiplier()) {}

void NameIndex::reserve(size_t count) { slots_.assign(count == 0 ? 0 : std::bit_ceil(2 * count), Slot()); }

// A polynomial in the random multiplier whose coefficients are the name's length and its pieces of seven
// bytes: two names of n pieces collide with probability n / 2^61, whoever chose them. Source: L. Carter, M.
// Wegman, "Universal classes of hash functions", 1979.
uint64_t NameIndex::hash(std::string_view name) const {
  uint64_t sum = name.size();
  for (size_t at = 0; at < name.size(); at += 7) {
    uint64_t piece = 0;
    std::memcpy(&piece, name.data() + at, std::min<size_t>(7, name.size() - at));
    sum = times_mod_prime(sum, multiplier_) + piece;
    if (sum >= kPrime) sum -= kPrime;
  }
  return times_mod_prime(sum, multiplier_);  // so that the last piece reaches every bit
}

}  // namespace kigo::gguf
