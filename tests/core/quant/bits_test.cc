// Every bit of a block, set alone, must move exactly the elements that the layout names for it. The layouts
// are written here a second time, from bytes to elements, where the formats go from elements to bytes.
#include <gtest/gtest.h>

#include <bit>
#include <cstring>
#include <set>
#include <vector>

#include "core/base/random.h"
#include "core/quant/formats.h"
#include "tests/core/quant/format_names.h"

namespace kigo::quant {
namespace {

using Elements = std::set<int>;

Elements range(int first, int count) {
  Elements all;
  for (int i = first; i < first + count; ++i) all.insert(i);
  return all;
}

/// Elements that bit `bit` of byte `byte` takes part in, for each format.
template <class F>
Elements named(int byte, int bit);

template <>
Elements named<F32>(int, int) {
  return {0};
}
template <>
Elements named<F16>(int, int) {
  return {0};
}
template <>
Elements named<BF16>(int, int) {
  return {0};
}
template <>
Elements named<Q4_0>(int byte, int bit) {
  if (byte < 2) return range(0, 32);
  return {byte - 2 + (bit < 4 ? 0 : 16)};
}
template <>
Elements named<Q4_1>(int byte, int bit) {
  if (byte < 4) return range(0, 32);
  return {byte - 4 + (bit < 4 ? 0 : 16)};
}
template <>
Elements named<Q5_1>(int byte, int bit) {
  if (byte < 4) return range(0, 32);
  if (byte < 8) return {8 * (byte - 4) + bit};
  return {byte - 8 + (bit < 4 ? 0 : 16)};
}
template <>
Elements named<MXFP4>(int byte, int bit) {
  if (byte < 1) return range(0, 32);
  return {byte - 1 + (bit < 4 ? 0 : 16)};
}
template <>
Elements named<Q5_0>(int byte, int bit) {
  if (byte < 2) return range(0, 32);
  if (byte < 6) return {8 * (byte - 2) + bit};
  return {byte - 6 + (bit < 4 ? 0 : 16)};
}
template <>
Elements named<Q8_0>(int byte, int) {
  if (byte < 2) return range(0, 32);
  return {byte - 2};
}
template <>
Elements named<Q4_K>(int byte, int bit) {
  if (byte < 4) return range(0, 256);
  if (byte < 16) {  // 4-7: scales, 8-11: minimums, 12-15: lower nibbles of both
    const int k = (byte - 4) % 4;
    const bool second_half = byte >= 12 || bit >= 6;
    return range(32 * (second_half ? k + 4 : k), 32);
  }
  const int k = byte - 16;
  return {k / 32 * 64 + k % 32 + (bit < 4 ? 0 : 32)};
}
template <>
Elements named<Q5_K>(int byte, int bit) {
  if (byte < 16) return named<Q4_K>(byte, bit);
  if (byte < 48) return {32 * bit + byte - 16};
  return named<Q4_K>(byte - 32, bit);
}
template <>
Elements named<Q2_K>(int byte, int bit) {
  if (byte < 16) return range(16 * byte, 16);
  if (byte < 80) return {(byte - 16) / 32 * 128 + (byte - 16) % 32 + 32 * (bit / 2)};
  return range(0, 256);
}
template <>
Elements named<Q3_K>(int byte, int bit) {
  if (byte < 32) return {32 * bit + byte};
  if (byte < 96) return {(byte - 32) / 32 * 128 + byte % 32 + 32 * (bit / 2)};
  if (byte < 104) return range(16 * (byte - 96 + (bit < 4 ? 0 : 8)), 16);
  if (byte < 108) return range(16 * (byte - 104 + 4 * (bit / 2)), 16);
  return range(0, 256);
}
template <>
Elements named<Q8_K>(int byte, int) {
  if (byte < 4) return range(0, 256);
  if (byte < 260) return {byte - 4};
  return {};  // the sums: no value depends on them
}
template <>
Elements named<Q6_K>(int byte, int bit) {
  if (byte < 128) return {byte / 64 * 128 + byte % 64 + (bit < 4 ? 0 : 64)};
  if (byte < 192) return {(byte - 128) / 32 * 128 + byte % 32 + 32 * (bit / 2)};
  if (byte < 208) return range(16 * (byte - 192), 16);
  return range(0, 256);
}

/// A block in which no factor is zero and d is 1, so that a bit that should show does show.
template <class F>
typename F::Block plain();

constexpr HalfBytes kOne{{0x00, 0x3C}};
template <size_t n, class T>
std::array<T, n> filled(T value) {
  std::array<T, n> all;
  all.fill(value);
  return all;
}
template <>
F32::Block plain<F32>() {
  return {{0, 0, 0x80, 0x3F}};
}
template <>
F16::Block plain<F16>() {
  return {kOne};
}
template <>
BF16::Block plain<BF16>() {
  return {{0x80, 0x3F}};
}
template <>
Q4_0::Block plain<Q4_0>() {
  return {kOne, {}};
}
template <>
Q4_1::Block plain<Q4_1>() {
  return {kOne, kOne, filled<16>(uint8_t{0x11})};
}
template <>
Q5_1::Block plain<Q5_1>() {
  return {kOne, kOne, {}, filled<16>(uint8_t{0x11})};
}
template <>
MXFP4::Block plain<MXFP4>() {
  return {127, filled<16>(uint8_t{0x11})};
}
template <>
Q5_0::Block plain<Q5_0>() {
  return {kOne, {}, {}};
}
template <>
Q8_0::Block plain<Q8_0>() {
  return {kOne, filled<32>(int8_t{1})};
}
template <>
Q4_K::Block plain<Q4_K>() {
  return {kOne, kOne, {1, 1, 1, 1, 1, 1, 1, 1, 0x11, 0x11, 0x11, 0x11}, filled<128>(uint8_t{0x11})};
}
template <>
Q5_K::Block plain<Q5_K>() {
  return {kOne, kOne, plain<Q4_K>().scales, {}, filled<128>(uint8_t{0x11})};
}
template <>
Q2_K::Block plain<Q2_K>() {
  return {filled<16>(uint8_t{0x11}), filled<64>(uint8_t{0x55}), kOne, kOne};
}
template <>
Q3_K::Block plain<Q3_K>() {
  return {{}, {}, {}, kOne};  // scales of -32, codes of -4
}
template <>
Q8_K::Block plain<Q8_K>() {
  return {{{0, 0, 0x80, 0x3F}}, filled<256>(int8_t{1}), {}};
}
template <>
Q6_K::Block plain<Q6_K>() {
  return {{}, {}, filled<16>(int8_t{1}), kOne};
}

template <class F>
typename F::Block flipped(const typename F::Block& block, int byte, int bit) {
  auto bytes = std::bit_cast<std::array<uint8_t, sizeof(typename F::Block)>>(block);
  bytes[static_cast<size_t>(byte)] = static_cast<uint8_t>(bytes[static_cast<size_t>(byte)] ^ 1 << bit);
  return std::bit_cast<typename F::Block>(bytes);
}

/// Which elements differ when the block at `index` of a row of three changes; -1 for another block's.
template <class F>
Elements moved(const typename F::Block& before, const typename F::Block& after, size_t index) {
  std::vector<typename F::Block> row(3, before);
  std::vector<float> first(3 * F::values), second(3 * F::values);
  decode_row<F>(reinterpret_cast<const std::byte*>(row.data()), 3 * F::values, first.data());
  row[index] = after;
  decode_row<F>(reinterpret_cast<const std::byte*>(row.data()), 3 * F::values, second.data());
  Elements all;
  for (size_t k = 0; k < first.size(); ++k) {
    if (std::memcmp(&first[k], &second[k], sizeof(float)) == 0) continue;
    all.insert(k / F::values == index ? static_cast<int>(k % F::values) : -1);
  }
  return all;
}

template <class F>
class EveryBit : public testing::Test {};
using Formats = FormatList::into<testing::Types>;
TYPED_TEST_SUITE(EveryBit, Formats, NameOf);

TYPED_TEST(EveryBit, MovesExactlyTheElementsItIsNamedFor) {
  const auto block = plain<TypeParam>();
  for (int byte = 0; byte < static_cast<int>(sizeof block); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      const auto changed = flipped<TypeParam>(block, byte, bit);
      const Elements want = named<TypeParam>(byte, bit);
      ASSERT_EQ(moved<TypeParam>(block, changed, 0), want) << "bit " << bit << " of byte " << byte;
      ASSERT_EQ(moved<TypeParam>(block, changed, 1), want)
          << "bit " << bit << " of byte " << byte << ", odd block";
      for (int i = 0; i < TypeParam::values; ++i) {
        const bool differs = !(TypeParam::value(block, i) == TypeParam::value(changed, i));
        ASSERT_EQ(differs, want.contains(i))
            << "value, bit " << bit << " of byte " << byte << ", element " << i;
      }
    }
  }
}

// In a block of arbitrary bytes a zero factor may hide a bit, but no other element may move.
TYPED_TEST(EveryBit, MovesNoOtherElementOfAnArbitraryBlock) {
  Random random(4);
  std::array<uint8_t, sizeof(typename TypeParam::Block)> bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next() >> 56);
  const auto block = std::bit_cast<typename TypeParam::Block>(bytes);
  for (int byte = 0; byte < static_cast<int>(sizeof block); ++byte) {
    for (int bit = 0; bit < 8; ++bit) {
      const Elements want = named<TypeParam>(byte, bit);
      for (const int i : moved<TypeParam>(block, flipped<TypeParam>(block, byte, bit), 1))
        ASSERT_TRUE(want.contains(i)) << "bit " << bit << " of byte " << byte << ", element " << i;
    }
  }
}

}  // namespace
}  // namespace kigo::quant
