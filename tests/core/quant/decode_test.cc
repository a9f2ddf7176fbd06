// The fast row decoders against value(block, i), the definition: the same bits over all field patterns, at
// odd and even block index, into poisoned output, and nothing beyond it.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <ostream>
#include <vector>

#include "core/base/cat.h"
#include "core/base/random.h"
#include "core/quant/formats.h"
#include "core/quant/tensor_type.h"
#include "tests/core/quant/format_names.h"

namespace kigo::quant {
namespace {

constexpr float kPoison = std::numeric_limits<float>::quiet_NaN();

bool same(float a, float b) {
  return std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b) || a == b ||
         (std::isnan(a) && std::isnan(b));
}

using RowDecoder = void (*)(const std::byte* row, int64_t values, float* out);

/// What is wrong with `decode` on these blocks, or nothing: every element is held to the definition, and a
/// poisoned value on either side must stay. `shift` moves the row off its alignment.
template <Format F>
std::string fault_of(RowDecoder decode, const std::vector<typename F::Block>& blocks, size_t shift = 0) {
  std::vector<std::byte> bytes(shift + blocks.size() * sizeof(typename F::Block));
  if (!blocks.empty()) std::memcpy(bytes.data() + shift, blocks.data(), bytes.size() - shift);
  const size_t values = blocks.size() * F::values;
  std::vector<float> out(values + 2, kPoison);
  decode(bytes.data() + shift, static_cast<int64_t>(values), out.data() + 1);
  if (!std::isnan(out.front()) || !std::isnan(out.back())) return "wrote beyond the row";
  for (size_t k = 0; k < values; ++k) {
    const float want = F::value(blocks[k / F::values], static_cast<int>(k % F::values));
    if (!same(out[k + 1], want))
      return cat(F::name, " element ", k, " of ", values, ": ", out[k + 1], ", expected ", want);
  }
  return {};
}

template <Format F>
void expect_row(const std::vector<typename F::Block>& blocks, size_t shift = 0) {
  ASSERT_EQ(fault_of<F>(find_tensor_type(F::gguf_id)->decode, blocks, shift), "");
}

template <Format F>
typename F::Block random_block(Random& random) {
  std::array<uint8_t, sizeof(typename F::Block)> bytes;
  for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next() >> 56);
  return std::bit_cast<typename F::Block>(bytes);
}

template <class F>
class EveryFormat : public testing::Test {};
using Formats = FormatList::into<testing::Types>;
TYPED_TEST_SUITE(EveryFormat, Formats, NameOf);

// Blocks differ from each other, so that a scale or a stride taken from the neighbour shows at either parity;
// an odd shift puts every field on every address modulo 8.
TYPED_TEST(EveryFormat, DecodesRowsOfOneToNineBlocksAtAnyAddress) {
  Random random(1);
  for (size_t blocks = 0; blocks <= 9; ++blocks) {
    for (size_t shift = 0; shift < 8; ++shift) {
      std::vector<typename TypeParam::Block> row;
      for (size_t k = 0; k < blocks; ++k) row.push_back(random_block<TypeParam>(random));
      expect_row<TypeParam>(row, shift);
    }
  }
}

TYPED_TEST(EveryFormat, DecodesArbitraryBytesAsDefined) {
  Random random(2);
  std::vector<typename TypeParam::Block> row;
  for (int k = 0; k < 400'000 / TypeParam::values; ++k) row.push_back(random_block<TypeParam>(random));
  expect_row<TypeParam>(row);
}

TYPED_TEST(EveryFormat, StandsInTheTableWithItsSizes) {
  const TensorType* type = find_tensor_type(TypeParam::gguf_id);
  ASSERT_NE(type, nullptr);
  EXPECT_EQ(find_tensor_type(TypeParam::name), type);
  EXPECT_EQ(type->name, TypeParam::name);
  EXPECT_EQ(type->block_values, static_cast<uint32_t>(TypeParam::values));
  EXPECT_EQ(type->block_bytes, sizeof(typename TypeParam::Block));
  EXPECT_NE(type->decode, nullptr);
  EXPECT_NE(type->finite, nullptr);
}

TEST(F16, DecodesAll65536Patterns) {
  std::vector<F16::Block> row;
  for (uint32_t bits = 0; bits < 65536; ++bits)
    row.push_back({{{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}}});
  expect_row<F16>(row);
}
TEST(BF16, DecodesAll65536Patterns) {
  std::vector<BF16::Block> row;
  for (uint32_t bits = 0; bits < 65536; ++bits)
    row.push_back({{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}});
  expect_row<BF16>(row);
}

template <class F>
class EveryBlockFormat : public testing::Test {};
using BlockFormats = testing::Types<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, MXFP4, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K>;
TYPED_TEST_SUITE(EveryBlockFormat, BlockFormats, NameOf);

HalfBytes half(uint32_t bits) { return {{static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8)}}; }

/// Sets the scale, and that of the minimums if there is one, to these bits. The scale of Q8_K is a float
/// whose upper half they are, that of MXFP4 an exponent of eight.
template <class Block>
void set_scales(Block& block, uint32_t d, uint32_t minimum) {
  if constexpr (requires { block.e; }) {
    block.e = static_cast<uint8_t>(d);
  } else if constexpr (sizeof block.d == 4) {
    block.d = std::bit_cast<FloatBytes>(d << 16 | minimum);
  } else {
    block.d = half(d);
    if constexpr (requires { block.dmin; }) block.dmin = half(minimum);
    if constexpr (requires { block.m; }) block.m = half(minimum);
  }
}

// All scales, subnormal, infinite and NaN ones too, each with arbitrary codes.
TYPED_TEST(EveryBlockFormat, DecodesAll65536Scales) {
  Random random(3);
  constexpr uint32_t kChunk = 2048;  // blocks to a row
  for (uint32_t start = 0; start < 65536; start += kChunk) {
    std::vector<typename TypeParam::Block> row;
    for (uint32_t bits = start; bits < start + kChunk; ++bits) {
      row.push_back(random_block<TypeParam>(random));
      set_scales(row.back(), bits, bits * 40503 & 0xFFFF);  // an odd factor: all 65,536
    }
    expect_row<TypeParam>(row);
  }
}

// All codes of a byte pattern at every place.
TYPED_TEST(EveryBlockFormat, DecodesEveryByteAtEveryPlace) {
  std::vector<typename TypeParam::Block> row;
  for (int byte = 0; byte < 256; ++byte) {
    std::array<uint8_t, sizeof(typename TypeParam::Block)> bytes;
    bytes.fill(static_cast<uint8_t>(byte));
    row.push_back(std::bit_cast<typename TypeParam::Block>(bytes));
    set_scales(row.back(), 0x3555, 0xB999);  // 1/3 and -0.7 as halves, all mantissa bits in play
  }
  expect_row<TypeParam>(row);
}

// Every six-bit scale with every six-bit minimum and every code, in all sub-blocks.
template <Format F>
void expect_every_scale_with_every_minimum() {
  std::vector<typename F::Block> row;
  for (int scale = 0; scale < 64; ++scale) {
    for (int minimum = 0; minimum < 64; ++minimum) {
      typename F::Block block{};
      set_scales(block, 0x2E66, 0x9E66);
      const auto low = static_cast<uint8_t>((scale & 15) | (minimum & 15) << 4);
      for (size_t b = 0; b < 4; ++b) {
        block.scales[b] = static_cast<uint8_t>(scale | (scale >> 4) << 6);
        block.scales[b + 4] = static_cast<uint8_t>(minimum | (minimum >> 4) << 6);
        block.scales[b + 8] = low;
      }
      if constexpr (requires { block.qh; }) {
        for (size_t l = 0; l < 32; ++l) block.qh[l] = static_cast<uint8_t>(l % 16 < 8 ? 0x5A : 0xA5);
      }
      for (size_t k = 0; k < 128; ++k) block.qs[k] = static_cast<uint8_t>((k % 16) | ((k + 5) % 16) << 4);
      for (size_t b = 0; b < 8; ++b) {
        ASSERT_EQ(F::scale(block, b), scale);
        ASSERT_EQ(F::minimum(block, b), minimum);
      }
      row.push_back(block);
    }
  }
  expect_row<F>(row);
}

TEST(Q4_K, DecodesEveryScaleWithEveryMinimum) { expect_every_scale_with_every_minimum<Q4_K>(); }
TEST(Q5_K, DecodesEveryScaleWithEveryMinimum) { expect_every_scale_with_every_minimum<Q5_K>(); }

TEST(Q2_K, DecodesEveryScaleWithEveryMinimumAndCode) {
  std::vector<Q2_K::Block> row;
  for (int scales = 0; scales < 256; ++scales) {
    Q2_K::Block block{};
    set_scales(block, 0x2E66, 0x9E66);
    for (size_t b = 0; b < 16; ++b) block.scales[b] = static_cast<uint8_t>(scales ^ static_cast<int>(b));
    for (size_t k = 0; k < 64; ++k)
      block.qs[k] = static_cast<uint8_t>(4 * k + static_cast<size_t>(scales) % 4);
    row.push_back(block);
  }
  expect_row<Q2_K>(row);
}

TEST(Q3_K, DecodesEveryScaleWithEveryCode) {
  std::vector<Q3_K::Block> row;
  for (int first = 0; first < 64; ++first) {
    Q3_K::Block block{};
    block.d = half(0x2E66);
    for (size_t b = 0; b < 16; ++b) {
      const auto stored = static_cast<unsigned>(first + 5 * static_cast<int>(b)) % 64;
      block.scales[b % 8] = static_cast<uint8_t>(block.scales[b % 8] | (stored & 15) << (b / 8 * 4));
      block.scales[8 + b % 4] = static_cast<uint8_t>(block.scales[8 + b % 4] | stored >> 4 << (b / 4 * 2));
    }
    for (size_t b = 0; b < 16; ++b)
      ASSERT_EQ(Q3_K::scale(block, b), (first + 5 * static_cast<int>(b)) % 64 - 32);
    for (size_t k = 0; k < 64; ++k) block.qs[k] = static_cast<uint8_t>(37 * k + static_cast<size_t>(first));
    for (size_t k = 0; k < 32; ++k)
      block.hmask[k] = static_cast<uint8_t>(91 * k + static_cast<size_t>(first));
    row.push_back(block);
  }
  expect_row<Q3_K>(row);
}

TEST(MXFP4, DecodesEveryExponentWithEveryCode) {
  std::vector<MXFP4::Block> row;
  for (int e = 0; e < 256; ++e) {
    MXFP4::Block block{static_cast<uint8_t>(e), {}};
    for (size_t j = 0; j < 16; ++j) block.qs[j] = static_cast<uint8_t>(j | (15 - j) << 4);
    row.push_back(block);
  }
  expect_row<MXFP4>(row);
}

// Exact down to the smallest subnormals, where flushing to zero would show, and up to ggml's 2^128.
TEST(MXFP4, KeepsSubnormalsAndTakesExponent255AsGgmlDoes) {
  const auto value = [](int e, int code) {
    return MXFP4::value({static_cast<uint8_t>(e), {static_cast<uint8_t>(code)}}, 0);
  };
  EXPECT_EQ(value(0, 1), 0x1p-128f);
  EXPECT_EQ(value(0, 15), -0x1.8p-125f);
  EXPECT_EQ(value(1, 3), 0x1.8p-126f);
  EXPECT_EQ(value(254, 3), 0x1.8p+127f);
  EXPECT_EQ(value(254, 4), std::numeric_limits<float>::infinity());
  EXPECT_EQ(value(255, 9), -0x1p+127f);
  EXPECT_EQ(value(255, 0), 0.0f);
}

TEST(Q6_K, DecodesEveryScaleWithEveryCode) {
  std::vector<Q6_K::Block> row;
  for (int scale = -128; scale < 128; scale += 4) {
    for (int rotation = 0; rotation < 4; ++rotation) {
      Q6_K::Block block{{}, {}, {}, half(0x2E66)};
      for (size_t b = 0; b < 16; ++b) block.scales[b] = static_cast<int8_t>(scale + static_cast<int>(b % 4));
      for (size_t k = 0; k < 128; ++k) block.ql[k] = static_cast<uint8_t>((k % 16) | ((k + 7) % 16) << 4);
      for (size_t k = 0; k < 64; ++k)
        block.qh[k] = static_cast<uint8_t>(0b11100100u >> (2 * rotation) | 0b11100100u << (8 - 2 * rotation));
      row.push_back(block);
    }
  }
  expect_row<Q6_K>(row);
}

// Wrong row decoders (docs/formats.md, section 7; docs/faults.md): each is right on a single block.
struct RowMutant {
  const char* name;
  RowDecoder decode;
};
void PrintTo(const RowMutant& mutant, std::ostream* out) { *out << mutant.name; }

void stops_after_a_block(const std::byte* row, int64_t, float* out) { decode_row<Q6_K>(row, 256, out); }
void steps_208_bytes(const std::byte* row, int64_t values, float* out) {  // F74
  for (int64_t done = 0; done < values; done += 256)
    decode_row<Q6_K>(row + done / 256 * 208, 256, out + done);
}
void takes_d_of_the_block_before(const std::byte* row, int64_t values, float* out) {  // F58
  for (int64_t done = 0; done < values; done += 256) {
    auto block = load_block<Q6_K>(row + done / 256 * 210);
    if (done > 0) block.d = load_block<Q6_K>(row + (done / 256 - 1) * 210).d;
    Q6_K::decode(block, out + done);
  }
}
void leaves_the_last_value(const std::byte* row, int64_t values, float* out) {  // F59
  std::vector<float> all(static_cast<size_t>(values));
  decode_row<Q6_K>(row, values, all.data());
  std::copy(all.begin(), all.end() - 1, out);
}
void writes_one_too_many(const std::byte* row, int64_t values, float* out) {  // F67
  decode_row<Q6_K>(row, values, out);
  out[values] = 0;
}

class WrongRowDecoder : public testing::TestWithParam<RowMutant> {};
TEST_P(WrongRowDecoder, IsRejected) {
  Random random(6);
  const std::vector row{random_block<Q6_K>(random), random_block<Q6_K>(random), random_block<Q6_K>(random)};
  ASSERT_EQ(fault_of<Q6_K>(&decode_row<Q6_K>, row), "");
  EXPECT_NE(fault_of<Q6_K>(GetParam().decode, row), "");
}
const RowMutant kRowMutants[] = {{"StopsAfterABlock", stops_after_a_block},
                                 {"Steps208Bytes", steps_208_bytes},
                                 {"TakesDOfTheBlockBefore", takes_d_of_the_block_before},
                                 {"LeavesTheLastValue", leaves_the_last_value},
                                 {"WritesOneTooMany", writes_one_too_many}};
INSTANTIATE_TEST_SUITE_P(Q6K, WrongRowDecoder, testing::ValuesIn(kRowMutants),
                         [](const auto& instance) { return std::string(instance.param.name); });

std::array<uint8_t, 16> filled_nibbles(int byte) {
  std::array<uint8_t, 16> bytes;
  bytes.fill(static_cast<uint8_t>(byte));
  return bytes;
}

TEST(FiniteScale, IsTrueUpToTheLargestAndFalseFromInfinityOn) {
  for (const uint32_t bits : {0x0000u, 0x0001u, 0x7BFFu, 0xFBFFu}) {
    EXPECT_TRUE(Q8_0::finite({half(bits), {}}));
    EXPECT_TRUE(F16::finite({half(bits)}));
  }
  for (const uint32_t bits : {0x7C00u, 0xFC00u, 0x7C01u, 0x7E00u, 0xFFFFu}) {
    EXPECT_FALSE(Q4_0::finite({half(bits), {}}));
    EXPECT_FALSE(Q5_0::finite({half(bits), {}, {}}));
    EXPECT_FALSE(Q8_0::finite({half(bits), {}}));
    EXPECT_FALSE(Q4_K::finite({half(bits), half(0), {}, {}}));
    EXPECT_FALSE(Q4_K::finite({half(0), half(bits), {}, {}}));
    EXPECT_FALSE(Q6_K::finite({{}, {}, {}, half(bits)}));
    EXPECT_FALSE(Q4_1::finite({half(bits), half(0), {}}));
    EXPECT_FALSE(Q4_1::finite({half(0), half(bits), {}}));
    EXPECT_FALSE(Q5_1::finite({half(bits), half(0), {}, {}}));
    EXPECT_FALSE(Q5_1::finite({half(0), half(bits), {}, {}}));
    EXPECT_FALSE(Q2_K::finite({{}, {}, half(bits), half(0)}));
    EXPECT_FALSE(Q2_K::finite({{}, {}, half(0), half(bits)}));
    EXPECT_FALSE(Q3_K::finite({{}, {}, {}, half(bits)}));
    EXPECT_FALSE(Q5_K::finite({half(bits), half(0), {}, {}, {}}));
    EXPECT_FALSE(Q5_K::finite({half(0), half(bits), {}, {}, {}}));
    EXPECT_FALSE(F16::finite({half(bits)}));
  }
  EXPECT_TRUE(BF16::finite({{0x7F, 0x7F}}));
  EXPECT_FALSE(BF16::finite({{0x80, 0x7F}}));
  EXPECT_FALSE(BF16::finite({{0xC1, 0xFF}}));
  EXPECT_TRUE(F32::finite({{0xFF, 0xFF, 0x7F, 0x7F}}));
  EXPECT_FALSE(F32::finite({{0x00, 0x00, 0x80, 0x7F}}));
  EXPECT_FALSE(F32::finite({{0x01, 0x00, 0x80, 0xFF}}));
  EXPECT_TRUE(Q8_K::finite({{{0xFF, 0xFF, 0x7F, 0x7F}}, {}, {}}));
  EXPECT_FALSE(Q8_K::finite({{{0x00, 0x00, 0x80, 0x7F}}, {}, {}}));
  EXPECT_FALSE(Q8_K::finite({{{0x01, 0x00, 0x80, 0xFF}}, {}, {}}));
}

/// Q4_0 with another kind of block.
template <class B>
struct WithBlock : Q4_0 {
  using Block = B;
  static constexpr float value(const Block&, int) { return 0; }
  static constexpr bool finite(const Block&) { return true; }
  static void decode(const Block&, float*) {}
};
struct Bytes {
  std::array<uint8_t, 18> bytes;
};
struct Aligned {
  uint16_t d;
  std::array<uint8_t, 16> bytes;
};
struct NotCopiedByBytes {
  NotCopiedByBytes(const NotCopiedByBytes&) {}
};
static_assert(Format<WithBlock<Bytes>>);
static_assert(!Format<WithBlock<Aligned>>);
static_assert(!Format<WithBlock<NotCopiedByBytes>>);

// An exponent of 255 is refused whatever the codes are: in the standard it is a NaN.
TEST(FiniteScale, OfMXFP4IsOneThatItsCodesLeaveFinite) {
  EXPECT_TRUE(MXFP4::finite({252, filled_nibbles(0xFF)}));
  EXPECT_TRUE(MXFP4::finite({253, filled_nibbles(0x5D)}));
  EXPECT_FALSE(MXFP4::finite({253, filled_nibbles(0x56)}));
  EXPECT_TRUE(MXFP4::finite({254, filled_nibbles(0x3B)}));
  EXPECT_FALSE(MXFP4::finite({254, filled_nibbles(0x34)}));
  EXPECT_FALSE(MXFP4::finite({255, filled_nibbles(0)}));
}
TEST(FiniteScale, OfQ8KIsOneThatItsCodesLeaveFinite) {
  Q8_K::Block block{std::bit_cast<FloatBytes>(0x1p121f), {}, {}};
  block.qs[200] = 127;
  EXPECT_TRUE(Q8_K::finite(block));
  block.qs[200] = -128;
  EXPECT_FALSE(Q8_K::finite(block));
  block.qs[200] = 0;
  EXPECT_TRUE(Q8_K::finite(block));
  block.d = std::bit_cast<FloatBytes>(std::numeric_limits<float>::infinity());
  EXPECT_FALSE(Q8_K::finite(block));
}

// With finite scales every value is finite: codes cannot change that where the scale is a half.
TYPED_TEST(EveryFormat, IsFiniteExactlyWhenAllValuesAre) {
  Random random(5);
  int finite_blocks = 0;
  for (int k = 0; k < 4096; ++k) {
    const auto block = random_block<TypeParam>(random);
    bool all = true;
    for (int i = 0; i < TypeParam::values; ++i) all = all && std::isfinite(TypeParam::value(block, i));
    const auto* type = find_tensor_type(TypeParam::gguf_id);
    ASSERT_EQ(type->finite(reinterpret_cast<const std::byte*>(&block)), all);
    finite_blocks += all;
  }
  EXPECT_GT(finite_blocks, 3000);
  EXPECT_LT(finite_blocks, 4096);
}

}  // namespace
}  // namespace kigo::quant
