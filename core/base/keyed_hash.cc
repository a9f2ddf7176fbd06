#include "core/base/keyed_hash.h"

#include <atomic>
#include <chrono>
#include <cstring>

#include "core/base/random.h"

namespace kigo {
namespace {

/// Not known when a file was made: the time, where the loader put this program, and how many were drawn
/// before.
uint64_t unpredictable() {
  static const int kSomewhere = 0;
  static std::atomic<uint64_t> count{0};
  const auto now = static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
  return now ^ reinterpret_cast<uintptr_t>(&kSomewhere) ^
         (count.fetch_add(1, std::memory_order_relaxed) << 48);
}

template <class T>
uint64_t load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

/// 1 to 7 bytes as a little-endian number, by two loads that may overlap.
uint64_t number(const char* bytes, size_t count) {
  if (count >= 4) return load<uint32_t>(bytes) | load<uint32_t>(bytes + count - 4) << (8 * (count - 4));
  if (count >= 2) return load<uint16_t>(bytes) | load<uint16_t>(bytes + count - 2) << (8 * (count - 2));
  return load<uint8_t>(bytes);
}

}  // namespace

KeyedHash::KeyedHash() {
  Random random(unpredictable());
  first_ = random.below(kPrime - 1) + 1;
  second_ = random.below(kPrime - 1) + 1;
}

uint64_t KeyedHash::times(uint64_t a, uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  const uint64_t folded = (static_cast<uint64_t>(product) & kPrime) + static_cast<uint64_t>(product >> 61);
  return folded >= kPrime ? folded - kPrime : folded;
}

// The coefficients are the text's length and its pieces of seven bytes.
uint64_t KeyedHash::operator()(std::string_view text) const {
  const char* at = text.data();
  uint64_t sum = text.size();
  const auto add = [&](uint64_t piece) {
    sum = times(sum, first_) + piece;
    if (sum >= kPrime) sum -= kPrime;
  };
  size_t left = text.size();
  for (; left >= 8; left -= 7, at += 7) add(load<uint64_t>(at) & 0xFFFFFFFFFFFFFFull);
  if (left > 0) add(number(at, left));
  return times(sum, first_);  // so that the last piece reaches every bit
}

}  // namespace kigo
