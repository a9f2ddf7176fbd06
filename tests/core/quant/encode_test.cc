// The quantiser for fixtures: byte for byte ggml's where gguf-py has one, within the bounds of
// docs/formats.md, section 9, for all formats, and the properties that are required there.
#include "core/quant/encode.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "core/base/random.h"
#include "core/compare/golden_blocks.h"
#include "core/quant/formats.h"
#include "tests/core/quant/format_names.h"

namespace kigo::quant {
namespace {

template <Format F>
std::vector<typename F::Block> encoded(const std::vector<float>& x) {
  std::vector<typename F::Block> blocks(x.size() / F::values);
  const Status status = encode(*find_tensor_type(F::gguf_id), x, std::as_writable_bytes(std::span(blocks)));
  EXPECT_TRUE(status) << status.error().message();
  return blocks;
}
template <Format F>
std::vector<float> decoded(const std::vector<typename F::Block>& blocks) {
  std::vector<float> x(blocks.size() * F::values);
  decode_row<F>(reinterpret_cast<const std::byte*>(blocks.data()), static_cast<int64_t>(x.size()), x.data());
  return x;
}

/// Normal values of this spread, `blocks` of 256; every third block of 32 leans to one side.
std::vector<float> normal_values(Random& random, size_t blocks, double spread) {
  std::vector<float> x(256 * blocks);
  for (size_t i = 0; i < x.size(); ++i) {
    const double shift = i / 32 % 3 == 0 ? 2 * std::sin(static_cast<double>(i / 32)) : 0;
    x[i] = static_cast<float>(spread * (random.normal() + shift));
  }
  return x;
}

std::string message_of(const Status& status) { return status ? "accepted" : status.error().message(); }

// --- bytes from outside

uint64_t hash(uint64_t state, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes) state = (state ^ std::to_integer<uint64_t>(byte)) * 0x100000001B3ull;
  return state;
}
std::string hash_text(std::span<const std::byte> bytes) {
  return hex(hash(compare::kFnvStart, bytes), 16).substr(2);
}

/// The values of golden/make/encoded.py.
std::vector<float> golden_values(int64_t count) {
  const auto data = compare::stream_bytes(0x6B69676F00001000, static_cast<size_t>(66 * count));
  std::vector<float> x;
  for (size_t block = 0; block < static_cast<size_t>(count); ++block) {
    const std::byte* own = data.data() + 66 * block;
    const int power = std::to_integer<int>(own[0]) % 40 - 41, flags = std::to_integer<int>(own[1]);
    for (size_t i = 0; i < 32; ++i) {
      int16_t whole = 0;
      std::memcpy(&whole, own + 2 + 2 * i, 2);
      x.push_back(flags < 8 ? 0 : static_cast<float>(std::ldexp(whole + (flags & 1) * 98304, power)));
    }
  }
  return x;
}

/// The values of golden/make/encoded_k.py.
std::vector<float> golden_k_values(int64_t count) {
  const auto data = compare::stream_bytes(0x6B69676F00002000, static_cast<size_t>(8 * 66 * count));
  std::vector<float> x;
  for (size_t part = 0; part < 8 * static_cast<size_t>(count); ++part) {
    const std::byte *own = data.data() + 66 * part, *block = data.data() + 66 * (part / 8 * 8);
    const int power = std::to_integer<int>(block[0]) % 40 - 41 + std::to_integer<int>(own[0]) / 64;
    const int flags = std::to_integer<int>(own[1]), of_block = std::to_integer<int>(block[1]);
    const bool zero = flags < 8 || of_block < 8;
    for (size_t i = 0; i < 32; ++i) {
      int16_t n = 0;
      std::memcpy(&n, own + 2 + 2 * i, 2);
      int whole = n + (flags & 1) * 98304;
      if ((flags & 2) != 0) whole = -whole;
      if ((of_block & 4) != 0) whole = std::abs(whole);
      x.push_back(zero ? 0 : static_cast<float>(std::ldexp(whole, power)));
    }
  }
  return x;
}

/// The hash of `type`'s blocks of the values that this golden file says, against the file.
void expect_golden(const TensorType& type, const char* file, std::vector<float> (*values)(int64_t count)) {
  const std::string path = cat(KIGO_SOURCE_DIR "/golden/", file);
  const auto text = read_text_file(path);
  ASSERT_TRUE(text) << text.error().message();
  const auto golden = Json::parse(*text, path);
  ASSERT_TRUE(golden);
  const std::vector<float> x = values(golden->find("count")->integer().value());
  ASSERT_EQ(hash_text(std::as_bytes(std::span(x))), *golden->find("values_fnv")->string());
  std::vector<std::byte> blocks(x.size() / type.block_values * type.block_bytes);
  ASSERT_EQ(message_of(encode(type, x, blocks)), "accepted");
  EXPECT_EQ(hash_text(blocks), *golden->find("blocks_fnv")->find(type.name)->string());
}

class GoldenEncoding : public testing::TestWithParam<const char*> {};
TEST_P(GoldenEncoding, GivesTheBytesOfGgufPy) {
  expect_golden(*find_tensor_type(GetParam()), "encoded.json", &golden_values);
}
INSTANTIATE_TEST_SUITE_P(Of, GoldenEncoding, testing::Values("Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "MXFP4"),
                         [](const auto& instance) { return std::string(instance.param); });

class GoldenKEncoding : public testing::TestWithParam<const char*> {};
TEST_P(GoldenKEncoding, GivesTheBytesOfTheSecondImplementation) {
  expect_golden(*find_tensor_type(GetParam()), "encoded_k.json", &golden_k_values);
}
INSTANTIATE_TEST_SUITE_P(Of, GoldenKEncoding, testing::Values("Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K", "Q8_K"),
                         [](const auto& instance) { return std::string(instance.param); });

// --- bounds of section 9, formats of 32 values

double rounding_of_half(double v) { return std::abs(v) >= 0x1p-14 ? std::abs(v) * 0x1p-11 : 0x1p-25; }

/// The bound for element x of a block with these extremes.
template <Format F>
double bound_of(std::span<const float> block, float x) {
  const auto [low, high] = std::ranges::minmax(block);
  const double least = double{low}, most = double{high};
  const double largest = std::max(std::abs(least), std::abs(most));
  if constexpr (std::is_same_v<F, MXFP4>) {
    return largest / 4;
  } else if constexpr (std::is_same_v<F, Q8_0>) {
    const double s = largest / 127;
    return s / 2 + 127 * rounding_of_half(s);
  } else if constexpr (std::is_same_v<F, Q4_0> || std::is_same_v<F, Q5_0>) {
    const int codes = std::is_same_v<F, Q4_0> ? 8 : 16;
    const double s = largest / codes, at_extreme = most >= -least ? -double{x} : double{x};
    const bool clipped = at_extreme > (codes - 0.5) * s;  // beyond the last code on the short side
    return (clipped ? s : s / 2) + codes * rounding_of_half(s);
  } else {
    const int last = std::is_same_v<F, Q4_1> ? 15 : 31;
    const double s = (most - least) / last;
    return s / 2 + last * rounding_of_half(s) + rounding_of_half(least);
  }
}

template <class F>
struct BoundedFormat : testing::Test {};
using SmallFormats = testing::Types<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, MXFP4>;
TYPED_TEST_SUITE(BoundedFormat, SmallFormats, NameOf);

// Roundings of the arithmetic in float: a few units in the last place of the largest value.
TYPED_TEST(BoundedFormat, StaysWithinItsBoundAndNearsIt) {
  Random random(1);
  double worst = 0;
  for (double spread = 1e-9; spread < 1e4; spread *= 10) {
    const std::vector<float> x = normal_values(random, 40, spread);
    const std::vector<float> back = decoded<TypeParam>(encoded<TypeParam>(x));
    for (size_t i = 0; i < x.size(); ++i) {
      const auto block = std::span(x).subspan(i / 32 * 32, 32);
      const double bound = bound_of<TypeParam>(block, x[i]), error = std::abs(double{back[i]} - double{x[i]});
      const double slack =
          4 * 0x1p-24 *
          std::abs(double{*std::ranges::max_element(block, {}, [](float v) { return std::abs(v); })});
      ASSERT_LE(error, bound + slack) << "element " << i << " of spread " << spread;
      worst = std::max(worst, error / bound);
    }
  }
  EXPECT_GT(worst, 0.9);
}

// --- K formats: the nearest code for the scales that are stored

/// All values that element i can have with the scales of its block.
template <Format F>
std::vector<double> reachable(const typename F::Block& block, size_t i) {
  double scale = 0, offset = 0;
  int first = 0, last = 0;
  const double d = double{block.d.value()};
  if constexpr (std::is_same_v<F, Q4_K> || std::is_same_v<F, Q5_K>) {
    scale = d * F::scale(block, i / 32), offset = -double{block.dmin.value()} * F::minimum(block, i / 32);
    last = std::is_same_v<F, Q4_K> ? 15 : 31;
  } else if constexpr (std::is_same_v<F, Q2_K>) {
    const uint8_t scales = block.scales[i / 16];
    scale = d * low_nibble(scales), offset = -double{block.dmin.value()} * high_nibble(scales), last = 3;
  } else if constexpr (std::is_same_v<F, Q3_K>) {
    scale = d * F::scale(block, i / 16), first = -4, last = 3;
  } else if constexpr (std::is_same_v<F, Q6_K>) {
    scale = d * block.scales[i / 16], first = -32, last = 31;
  } else {
    scale = d, first = -127, last = 127;
  }
  std::vector<double> all;
  for (int code = first; code <= last; ++code) all.push_back(scale * code + offset);
  return all;
}

template <class F>
struct KFormat : testing::Test {};
using KFormats = testing::Types<Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K>;
TYPED_TEST_SUITE(KFormat, KFormats, NameOf);

TYPED_TEST(KFormat, TakesTheNearestCodeForTheStoredScales) {
  Random random(2);
  for (double spread = 1e-9; spread < 1e4; spread *= 10) {
    const std::vector<float> x = normal_values(random, 12, spread);
    const auto blocks = encoded<TypeParam>(x);
    const std::vector<float> back = decoded<TypeParam>(blocks);
    for (size_t i = 0; i < x.size(); ++i) {
      double least = std::numeric_limits<double>::infinity();
      for (const double value : reachable<TypeParam>(blocks[i / 256], i % 256))
        least = std::min(least, std::abs(value - double{x[i]}));
      const double rounding = 0x1p-23 * (std::abs(double{back[i]}) + std::abs(double{x[i]}));
      ASSERT_LE(std::abs(double{back[i]} - double{x[i]}), least + rounding) << "element " << i;
    }
  }
}

// Every scale and minimum at its end, d and dmin one: whole numbers, which must come back.
template <class F>
struct SteppedFormat : testing::Test {};
using SteppedFormats = testing::Types<Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K>;
TYPED_TEST_SUITE(SteppedFormat, SteppedFormats, NameOf);
TYPED_TEST(SteppedFormat, KeepsTheStepsOfABlockWhoseScaleIsOne) {
  struct Steps {
    std::string_view name;
    int first, step, codes;
  };
  const Steps all[] = {{"Q4_0", -8, 1, 16},      {"Q4_1", 0, 1, 16},     {"Q5_0", -16, 1, 32},
                       {"Q5_1", 0, 1, 32},       {"Q8_0", -127, 1, 255}, {"Q2_K", -15, 15, 4},
                       {"Q3_K", 128, -32, 8},    {"Q4_K", -63, 63, 16},  {"Q5_K", -63, 63, 32},
                       {"Q6_K", 4096, -128, 64}, {"Q8_K", -127, 1, 255}};
  const Steps& steps = *std::ranges::find(all, TypeParam::name, &Steps::name);
  std::vector<float> x;
  for (int i = 0; i < 256; ++i) {  // the first and the last code in every sub-block
    const int code = i % 16 == 0 ? 0 : i % 16 == 1 ? steps.codes - 1 : i % steps.codes;
    x.push_back(static_cast<float>(steps.first + steps.step * code));
  }
  const auto blocks = encoded<TypeParam>(x);
  EXPECT_EQ(blocks[0].d.value(), 1);
  EXPECT_EQ(decoded<TypeParam>(blocks), x);
}

TEST(Q8_K, EncodesTheSumsOfItsCodes) {
  Random random(7);
  for (const Q8_K::Block& block : encoded<Q8_K>(normal_values(random, 20, 1))) {
    for (size_t k = 0; k < 16; ++k) {
      int sum = 0;
      for (size_t i = 16 * k; i < 16 * k + 16; ++i) sum += block.qs[i];
      EXPECT_EQ(static_cast<int16_t>(block.bsums[k][0] | block.bsums[k][1] << 8), sum);
    }
  }
}

// --- all formats

template <class F>
struct Encoding : testing::Test {};
TYPED_TEST_SUITE(Encoding, FormatList::into<testing::Types>, NameOf);

TYPED_TEST(Encoding, OfDecodedValuesDecodesToTheSameValues) {
  Random random(3);
  for (double spread = 1e-9; spread < 1e4; spread *= 10) {
    const auto once = decoded<TypeParam>(encoded<TypeParam>(normal_values(random, 100, spread)));
    const auto twice = decoded<TypeParam>(encoded<TypeParam>(once));
    for (size_t i = 0; i < once.size(); ++i)
      ASSERT_EQ(twice[i], once[i]) << "element " << i << ", " << spread;
  }
}

TYPED_TEST(Encoding, LeavesABlockOfZerosZero) {
  std::vector<float> x(3 * 256, 0.0f);
  x[300] = 1;
  const std::vector<float> back = decoded<TypeParam>(encoded<TypeParam>(x));
  for (size_t i = 0; i < 256; ++i) EXPECT_EQ(back[i], 0);
  for (size_t i = 512; i < 768; ++i) EXPECT_EQ(back[i], 0);
}

// Twice the relative error of ggml's quantisers on normal values (docs/formats.md, section 9); for Q8_K that
// of Q8_0, whose blocks are smaller; scalars by their mantissas of 8 and 11 bits.
double rms_limit(std::string_view name) {
  const std::pair<std::string_view, double> limits[] = {
      {"F32", 0},     {"F16", 0x1p-11}, {"BF16", 0x1p-8}, {"Q8_0", .0106}, {"Q8_K", .0106},
      {"Q6_K", .036}, {"Q5_K", .072},   {"Q5_1", .076},   {"Q5_0", .086},  {"Q4_K", .142},
      {"Q4_1", .156}, {"Q4_0", .172},   {"MXFP4", .23},   {"Q3_K", .304},  {"Q2_K", .594}};
  return std::ranges::find(limits, name, &std::pair<std::string_view, double>::first)->second;
}
TYPED_TEST(Encoding, IsOffByAtMostTwiceTheErrorOfGgml) {
  for (const double spread : {1.0, 0.02}) {
    Random random(4);
    std::vector<float> x(256 * 200);
    for (float& value : x) value = static_cast<float>(spread * random.normal());
    const std::vector<float> back = decoded<TypeParam>(encoded<TypeParam>(x));
    double error = 0, size = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      error += std::pow(double{back[i]} - double{x[i]}, 2);
      size += double{x[i]} * double{x[i]};
    }
    EXPECT_LE(std::sqrt(error / size), rms_limit(TypeParam::name));
  }
}

TYPED_TEST(Encoding, RefusesAValueThatIsNotFinite) {
  const TensorType& type = *find_tensor_type(TypeParam::gguf_id);
  std::vector<float> x(256, 1.0f);
  std::vector<std::byte> blocks(256 / type.block_values * type.block_bytes);
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    x[77] = bad;
    EXPECT_EQ(message_of(encode(type, x, blocks)),
              cat("value 77: ", bad, ", expected a finite value (bad_value)"));
  }
}

TYPED_TEST(Encoding, WritesNoInfiniteScale) {
  const TensorType& type = *find_tensor_type(TypeParam::gguf_id);
  std::vector<std::byte> blocks(512 / type.block_values * type.block_bytes);
  for (float magnitude = 1e3f; magnitude < 2e38f; magnitude *= 3) {
    std::vector<float> x(512);
    for (size_t i = 256; i < 512; ++i)
      x[i] = (i % 2 == 0 ? magnitude : -magnitude) / static_cast<float>(i % 7 + 1);
    const Status status = encode(type, x, blocks);
    if (!status) {
      EXPECT_EQ(status.error().code, Code::bad_value);
      if (TypeParam::values > 1) {
        EXPECT_EQ(status.error().subject, cat("block ", 256 / TypeParam::values, " (", TypeParam::name, ")"));
      }
      continue;
    }
    for (size_t at = 0; at < blocks.size(); at += type.block_bytes) ASSERT_TRUE(type.finite(&blocks[at]));
  }
}

TEST(Encode, SaysWhichScaleIsTooLarge) {
  std::vector<float> x(64);
  x[40] = 1e7f;
  std::vector<std::byte> blocks(68);
  EXPECT_EQ(message_of(encode(*find_tensor_type("Q8_0"), x, blocks)),
            "block 1 (Q8_0): scale 78740.16, expected at most 65504, the largest half (bad_value)");
}

TEST(Encode, SaysWhichScalarIsTooLarge) {
  std::vector<float> x(4);
  std::vector<std::byte> blocks(8);
  x[2] = 65520;  // half way between the largest half and the next power of two
  EXPECT_EQ(message_of(encode(*find_tensor_type("F16"), x, blocks)),
            "value 2 (F16): 65520, expected at most 65504, the largest half (bad_value)");
  x[2] = 65519.996f;
  EXPECT_EQ(message_of(encode(*find_tensor_type("F16"), x, blocks)), "accepted");
  x[3] = std::numeric_limits<float>::max();
  EXPECT_EQ(message_of(encode(*find_tensor_type("BF16"), x, blocks)),
            "value 3 (BF16): 3.4028235e+38, expected at most 3.38953139e+38, the largest BF16 (bad_value)");
}

// Largest values whose scale is just the largest half, and the next float: 65504 times scales and codes.
TEST(Encode, TakesAScaleOfTheLargestHalfAndNoLarger) {
  const std::pair<const char*, float> cases[] = {
      {"Q2_K", 65504.0f * 15 * 3},
      {"Q4_K", -65504.0f * 63},  // by its minimum, which has no codes
      {"Q3_K", 65504.0f * 32 * 4},
      {"Q6_K", 65504.0f * 128 * 32}};
  for (const auto& [name, largest] : cases) {
    const TensorType& type = *find_tensor_type(name);
    std::vector<std::byte> blocks(type.block_bytes);
    std::vector<float> x(256, largest);
    EXPECT_EQ(message_of(encode(type, x, blocks)), "accepted") << name;
    x[9] = std::nextafter(x[9], 2 * x[9]);
    const std::string message = message_of(encode(type, x, blocks));
    EXPECT_TRUE(message.ends_with("expected at most 65504, the largest half (bad_value)")) << name << message;
  }
}

TEST(Encode, RefusesAnExponentBelowZero) {
  std::vector<std::byte> blocks(17);
  std::vector<float> x(32, 0x1p-125f);
  EXPECT_EQ(message_of(encode(*find_tensor_type("MXFP4"), x, blocks)), "accepted");
  EXPECT_EQ(blocks[0], std::byte{0});
  x.assign(32, 0x1.fp-126f);
  EXPECT_EQ(message_of(encode(*find_tensor_type("MXFP4"), x, blocks)),
            cat("block 0 (MXFP4): largest magnitude ", 0x1.fp-126f,
                ", expected at least 2^-125, whose exponent a byte can hold, or 0 (bad_value)"));
}

TEST(Encode, RefusesPartOfABlockTheWrongRoomAndATypeThatDoesNotDecode) {
  const std::vector<float> x(33);
  std::vector<std::byte> blocks(34);
  EXPECT_EQ(message_of(encode(*find_tensor_type("Q8_0"), x, blocks)),
            "encode.values: 33 values, expected whole Q8_0 blocks of 32 (bad_shape)");
  EXPECT_EQ(
      message_of(encode(*find_tensor_type("Q8_0"), std::span(x).first(32), std::span(blocks).first(33))),
      "encode.blocks: 33 bytes, expected 34 bytes (bad_shape)");
  EXPECT_EQ(message_of(encode(*find_tensor_type("IQ4_NL"), std::span(x).first(32), blocks)),
            "encode.type: IQ4_NL, expected a type that decodes (unsupported)");
}

TEST(Encode, TakesNothingForNoBlocks) {
  EXPECT_EQ(message_of(encode(*find_tensor_type("Q4_K"), {}, {})), "accepted");
}

}  // namespace
}  // namespace kigo::quant
