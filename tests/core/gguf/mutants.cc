#include "tests/core/gguf/mutants.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/base/random.h"

namespace kigo::gguf::test {
namespace {

using Data = std::vector<std::byte>;
constexpr uint64_t kBit = 1;

constexpr auto kU32 =
    std::to_array<uint32_t>({0,  1,  2,  3,  4,  5,  6,  7,  8,   9,   10,         11,         12,        13,
                             14, 20, 24, 28, 30, 31, 32, 64, 255, 256, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF});
constexpr auto kU64 = std::to_array<uint64_t>({0,
                                               1,
                                               2,
                                               3,
                                               4,
                                               7,
                                               8,
                                               31,
                                               32,
                                               33,
                                               63,
                                               64,
                                               255,
                                               256,
                                               65535,
                                               65536,
                                               kBit << 30,
                                               (kBit << 30) + 1,
                                               kBit << 31,
                                               kBit << 32,
                                               kBit << 61,
                                               kBit << 62,
                                               (kBit << 63) - 1,
                                               kBit << 63,
                                               uint64_t{0} - 32,
                                               ~uint64_t{0}});

enum class Kind { bit, byte, four_bytes, eight_bytes, step, cut, append, remove, insert };
using enum Kind;
constexpr auto kKinds = std::to_array<Kind>({bit, bit, bit, bit, byte, four_bytes, eight_bytes, step, byte,
                                             four_bytes, eight_bytes, step, cut, append, remove, insert});

template <class T>
void overwrite(Data& data, size_t at, T number) {
  std::memcpy(&data[at], &number, std::min(sizeof number, data.size() - at));
}

ptrdiff_t offset(size_t at) { return static_cast<ptrdiff_t>(at); }

/// The outputs' little-endian bytes one after another; the last output is cut, and used up.
void append_random(Data& data, size_t count, Random& random) {
  for (size_t i = 0; i < count; i += 8) {
    const uint64_t word = random.next();
    const size_t fits = std::min<size_t>(8, count - i), at = data.size();
    data.resize(at + fits);
    std::memcpy(&data[at], &word, fits);
  }
}

void edit(Data& data, size_t head, Random& random) {
  const Kind kind = kKinds[random.below(kKinds.size())];
  const bool inside = random.below(4) != 0;
  if (data.empty()) return;
  const size_t at = random.below(inside ? std::min(head, data.size()) : data.size());
  switch (kind) {
    case bit:
      data[at] ^= std::byte{1} << random.below(8);
      return;
    case byte:
      data[at] = static_cast<std::byte>(random.below(256));
      return;
    case step:
      data[at] =
          static_cast<std::byte>(std::to_integer<unsigned>(data[at]) + (random.below(2) == 0 ? 1 : 255));
      return;
    case four_bytes:
      return overwrite(data, at, kU32[random.below(kU32.size())]);
    case eight_bytes:
      return overwrite(data, at, kU64[random.below(kU64.size())]);
    case cut:
      return data.resize(at);
    case append:
      return append_random(data, 1 + random.below(40), random);
    case remove: {
      const size_t count = std::min<size_t>(1 + random.below(16), data.size() - at);
      data.erase(data.begin() + offset(at), data.begin() + offset(at + count));
      return;
    }
    case insert: {
      const size_t source = random.below(data.size());
      const size_t count = std::min<size_t>(1 + random.below(64), data.size() - source);
      const Data copy(data.begin() + offset(source), data.begin() + offset(source + count));
      data.insert(data.begin() + offset(at), copy.begin(), copy.end());
      return;
    }
  }
}

}  // namespace

std::vector<std::byte> mutant(std::span<const Base> bases, uint64_t seed, uint64_t number) {
  Random random(seed + number);
  const Base& base = bases[random.below(bases.size())];
  Data data = base.bytes;
  const uint64_t edits = random.below(4) == 0 ? 2 : 1;
  for (uint64_t i = 0; i < edits; ++i) edit(data, base.head, random);
  return data;
}

}  // namespace kigo::gguf::test
