#include "tools/lib/seeded_blocks.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <string_view>

#include "core/quant/formats.h"

namespace kigo::tools {
namespace {

using quant::HalfBytes;

// Mean square of the codes -n/2 .. n/2 - 1, each equally likely.
constexpr double centred(double n) { return (n * n + 2) / 12; }
// Mean square of the n values whose mean is `mean`, one apart, each equally likely.
constexpr double around(double mean, double n) { return mean * mean + (n * n - 1) / 12; }

constexpr double kJitter = 0.25;  // a block's scale is off by up to this share: no two blocks are alike
const double kJitterRms = std::sqrt(1 + kJitter * kJitter / 3);

double jittered(Random& random, double scale) {
  return scale / kJitterRms * random.uniform(1 - kJitter, 1 + kJitter);
}
double with_random_sign(Random& random, double value) { return random.next() >> 63 != 0 ? -value : value; }

HalfBytes to_half(double value) {
  const uint16_t bits = to_f16(value).bits;
  return {{static_cast<uint8_t>(bits & 0xFF), static_cast<uint8_t>(bits >> 8)}};
}

// Every byte pattern is as likely as any other, so every code is.
template <class Byte, size_t N>
void fill(Random& random, std::array<Byte, N>& bytes) {
  for (size_t done = 0; done < N; done += 8) {
    const uint64_t word = random.next();
    std::memcpy(&bytes[done], &word, std::min<size_t>(8, N - done));
  }
}

double uniform_of_rms(Random& random, double rms) { return std::sqrt(3.0) * rms * random.uniform(-1, 1); }

quant::F32::Block draw(Random& random, double rms, quant::F32) {
  return std::bit_cast<quant::F32::Block>(static_cast<float>(uniform_of_rms(random, rms)));
}

quant::F16::Block draw(Random& random, double rms, quant::F16) {
  return std::bit_cast<quant::F16::Block>(to_f16(uniform_of_rms(random, rms)));
}

quant::BF16::Block draw(Random& random, double rms, quant::BF16) {
  return std::bit_cast<quant::BF16::Block>(to_bf16(static_cast<float>(uniform_of_rms(random, rms))));
}

// The codes reach one further down than up; a random sign of the scale keeps the mean at zero.
quant::Q4_0::Block draw(Random& random, double rms, quant::Q4_0) {
  static const double kRms = std::sqrt(centred(16));
  quant::Q4_0::Block block;
  block.d = to_half(with_random_sign(random, jittered(random, rms / kRms)));
  fill(random, block.qs);
  return block;
}

// Minimum and codes 0 to n - 1 that it nearly centres, off by up to 2: value = d * (code - middle + shift).
template <class Block>
void draw_with_minimum(Random& random, double rms, int n, Block& block) {
  const double middle = (n - 1) / 2.0;
  const double d = with_random_sign(random, jittered(random, rms / std::sqrt(around(0, n) + 4.0 / 3)));
  block.d = to_half(d);
  block.m = to_half(d * (random.uniform(-2, 2) - middle));
  fill(random, block.qs);
}

quant::Q4_1::Block draw(Random& random, double rms, quant::Q4_1) {
  quant::Q4_1::Block block;
  draw_with_minimum(random, rms, 16, block);
  return block;
}

quant::Q5_1::Block draw(Random& random, double rms, quant::Q5_1) {
  quant::Q5_1::Block block;
  draw_with_minimum(random, rms, 32, block);
  fill(random, block.qh);
  return block;
}

quant::Q5_0::Block draw(Random& random, double rms, quant::Q5_0) {
  static const double kRms = std::sqrt(centred(32));
  quant::Q5_0::Block block;
  block.d = to_half(with_random_sign(random, jittered(random, rms / kRms)));
  fill(random, block.qh);
  fill(random, block.qs);
  return block;
}

quant::Q8_0::Block draw(Random& random, double rms, quant::Q8_0) {
  static const double kRms = std::sqrt(centred(256));
  quant::Q8_0::Block block;
  block.d = to_half(with_random_sign(random, jittered(random, rms / kRms)));
  fill(random, block.qs);
  return block;
}

// Packs eight six-bit scales and minimums as docs/formats.md, section 5, unpacks them.
std::array<uint8_t, 12> pack(const std::array<uint32_t, 8>& scale, const std::array<uint32_t, 8>& minimum) {
  std::array<uint8_t, 12> packed;
  for (size_t b = 0; b < 4; ++b) {
    packed[b] = static_cast<uint8_t>(scale[b] | scale[b + 4] >> 4 << 6);
    packed[b + 4] = static_cast<uint8_t>(minimum[b] | minimum[b + 4] >> 4 << 6);
    packed[b + 8] = static_cast<uint8_t>((scale[b + 4] & 15) | (minimum[b + 4] & 15) << 4);
  }
  return packed;
}

// Eight scales of six bits and minimums that are off from them by up to 4: with dmin = middle d, where the
// codes are 0 to 2 middle, an equal minimum would centre them.
template <class Block>
void draw_scales_and_minimums(Random& random, double rms, double middle, Block& block) {
  std::array<uint32_t, 8> scale, minimum;
  for (size_t b = 0; b < 8; ++b) {
    scale[b] = static_cast<uint32_t>(12 + random.below(48));             // 12 to 59
    minimum[b] = static_cast<uint32_t>(scale[b] - 4 + random.below(9));  // 8 to 63
  }
  const double unit =
      std::sqrt(around(35.5, 48) * around(0, 2 * middle + 1) + middle * middle * around(0, 9));
  const double d = jittered(random, rms / unit);
  block.d = to_half(d);
  block.dmin = to_half(middle * d);
  block.scales = pack(scale, minimum);
  fill(random, block.qs);
}

quant::Q4_K::Block draw(Random& random, double rms, quant::Q4_K) {
  quant::Q4_K::Block block;
  draw_scales_and_minimums(random, rms, 7.5, block);
  return block;
}

quant::Q5_K::Block draw(Random& random, double rms, quant::Q5_K) {
  quant::Q5_K::Block block;
  draw_scales_and_minimums(random, rms, 15.5, block);
  fill(random, block.qh);
  return block;
}

// As above with scales of four bits, 5 to 14, and minimums that are off by up to 1.
quant::Q2_K::Block draw(Random& random, double rms, quant::Q2_K) {
  static const double kRms = std::sqrt(around(9.5, 10) * around(0, 4) + 1.5 * 1.5 * around(0, 3));
  quant::Q2_K::Block block;
  for (uint8_t& scales : block.scales) {
    const uint64_t scale = 5 + random.below(10), minimum = scale - 1 + random.below(3);
    scales = static_cast<uint8_t>(scale | minimum << 4);
  }
  const double d = jittered(random, rms / kRms);
  block.d = to_half(d);
  block.dmin = to_half(1.5 * d);
  fill(random, block.qs);
  return block;
}

// Scales of -31 to -8 and 8 to 31, stored plus 32 and packed as docs/formats.md, section 5, unpacks them.
quant::Q3_K::Block draw(Random& random, double rms, quant::Q3_K) {
  static const double kRms = std::sqrt(around(19.5, 24) * centred(8));
  quant::Q3_K::Block block;
  block.scales = {};
  for (size_t b = 0; b < 16; ++b) {
    const double scale = with_random_sign(random, static_cast<double>(8 + random.below(24)));
    const auto stored = static_cast<unsigned>(scale + 32);
    uint8_t& lower = block.scales[b % 8];
    uint8_t& upper = block.scales[8 + b % 4];
    lower = static_cast<uint8_t>(lower | (stored & 15) << (b / 8 * 4));
    upper = static_cast<uint8_t>(upper | stored >> 4 << (b / 4 * 2));
  }
  block.d = to_half(jittered(random, rms / kRms));
  fill(random, block.hmask);
  fill(random, block.qs);
  return block;
}

quant::Q6_K::Block draw(Random& random, double rms, quant::Q6_K) {
  static const double kRms = std::sqrt(around(79.5, 96) * centred(64));
  quant::Q6_K::Block block;
  fill(random, block.ql);
  fill(random, block.qh);
  for (int8_t& scale : block.scales)
    scale = static_cast<int8_t>(with_random_sign(random, static_cast<double>(32 + random.below(96))));
  block.d = to_half(jittered(random, rms / kRms));
  return block;
}

quant::Q8_K::Block draw(Random& random, double rms, quant::Q8_K) {
  static const double kRms = std::sqrt(centred(256));
  quant::Q8_K::Block block;
  const double d = with_random_sign(random, jittered(random, rms / kRms));
  block.d = std::bit_cast<quant::FloatBytes>(static_cast<float>(d));
  fill(random, block.qs);
  for (size_t k = 0; k < 16; ++k) {
    int sum = 0;
    for (size_t i = 16 * k; i < 16 * k + 16; ++i) sum += block.qs[i];
    block.bsums[k] = {static_cast<uint8_t>(sum & 255), static_cast<uint8_t>(sum >> 8 & 255)};
  }
  return block;
}

// A power of two cannot be jittered: of the two around the right one, each as often as gives the mean square.
quant::MXFP4::Block draw(Random& random, double rms, quant::MXFP4) {
  static const double kRms = std::sqrt(68.5 / 8);  // of 0, 0.5, 1, 1.5, 2, 3, 4, 6
  const double wanted = rms / kRms, lower = std::exp2(std::floor(std::log2(wanted)));
  const double share = (wanted * wanted / (lower * lower) - 1) / 3;  // of the upper one, whose square is 4
  const int exponent = std::ilogb(lower) + (random.uniform() < share ? 1 : 0);
  quant::MXFP4::Block block;
  block.e = static_cast<uint8_t>(std::clamp(exponent + 127, 0, 254));
  fill(random, block.qs);
  return block;
}

template <class Format>
void draw_blocks(Random& random, double rms, uint64_t count, std::byte* out) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto block = draw(random, rms, Format{});
    std::memcpy(out + i * sizeof block, &block, sizeof block);
  }
}

struct Row {
  std::string_view name;
  DrawBlocks draw;
};
template <quant::Format... Formats>
struct Drawable {
  static constexpr std::array rows = std::to_array<Row>({{Formats::name, &draw_blocks<Formats>}...});
};

}  // namespace

DrawBlocks find_draw(const quant::TensorType& type) {
  constexpr auto& rows = quant::FormatList::into<Drawable>::rows;
  const auto at = std::ranges::find(rows, type.name, &Row::name);
  return at == rows.end() ? nullptr : at->draw;
}

void draw_uniform(Random& random, double low, double high, uint64_t count, std::byte* out) {
  for (uint64_t i = 0; i < count; ++i) {
    const auto value = static_cast<float>(random.uniform(low, high));
    std::memcpy(out + i * sizeof value, &value, sizeof value);
  }
}

}  // namespace kigo::tools
