#include "core/ops/packing.h"

#include <algorithm>
#include <cstddef>

#include "core/base/check.h"

namespace kigo::ops {
namespace {

constexpr std::array<PackedPiece, 1> kTwoBytes{{{0, 2, 0, 0}}};
constexpr std::array<PackedPiece, 1> kFourBytes{{{0, 4, 0, 0}}};
// Codes first, then what belongs to the block as a whole (offsets: docs/formats.md, sections 4 and 5).
constexpr std::array<PackedPiece, 2> kQ4_0{{{2, 16, 0, 0}, {0, 2, 1, 0}}};
constexpr std::array<PackedPiece, 2> kQ4_1{{{4, 16, 0, 0}, {0, 4, 1, 0}}};
constexpr std::array<PackedPiece, 3> kQ5_0{{{6, 16, 0, 0}, {2, 4, 1, 0}, {0, 2, 2, 0}}};
constexpr std::array<PackedPiece, 3> kQ5_1{{{8, 16, 0, 0}, {4, 4, 1, 0}, {0, 4, 2, 0}}};
constexpr std::array<PackedPiece, 2> kQ8_0{{{2, 32, 0, 0}, {0, 2, 1, 0}}};
constexpr std::array<PackedPiece, 2> kMXFP4{{{1, 16, 0, 0}, {0, 1, 1, 0}}};
constexpr std::array<PackedPiece, 3> kQ8_K{{{4, 256, 0, 0}, {0, 4, 1, 0}, {260, 32, 2, 0}}};
/// The scales' bytes that two neighbouring sub-blocks share stand together: S0 S1 S4 S5, S2 S3 S6 S7, S8 -
/// S11.
constexpr std::array<PackedPiece, 7> kQ4_K{{{16, 128, 0, 0},
                                            {0, 4, 1, 0},
                                            {4, 2, 1, 4},
                                            {8, 2, 1, 6},
                                            {6, 2, 1, 8},
                                            {10, 2, 1, 10},
                                            {12, 4, 1, 12}}};
constexpr std::array<PackedPiece, 8> kQ5_K{{{48, 128, 0, 0},
                                            {16, 32, 1, 0},
                                            {0, 4, 2, 0},
                                            {4, 2, 2, 4},
                                            {8, 2, 2, 6},
                                            {6, 2, 2, 8},
                                            {10, 2, 2, 10},
                                            {12, 4, 2, 12}}};

constexpr PackedPiece piece(int from, int bytes, int plane, int to) {
  return {static_cast<uint16_t>(from), static_cast<uint16_t>(bytes), static_cast<uint16_t>(plane),
          static_cast<uint16_t>(to)};
}

/// A lane decodes unit 4g + p of a block: the elements l = 8p .. 8p+7 of all four stripes s of its half g.
/// The 8 bytes of their codes are in place; their four sub-blocks lie two apart, and units 4g + 2h and 4g +
/// 2h + 1 share them.
constexpr auto kQ2_K = [] {
  std::array<PackedPiece, 1 + 16 + 1> pieces{};
  size_t n = 0;
  pieces[n++] = piece(16, 64, 0, 0);
  for (int g = 0; g < 2; ++g) {
    for (int h = 0; h < 2; ++h) {
      for (int s = 0; s < 4; ++s) pieces[n++] = piece(8 * g + 2 * s + h, 1, 1, 8 * g + 4 * h + s);
    }
  }
  pieces[n++] = piece(80, 4, 2, 0);
  return pieces;
}();

/// The same units. Of the packed scales, units with the same h need bytes h, 2 + h, 4 + h, 6 + h, whose low
/// nibbles belong to the lower half of the block, and of the upper bits bytes 8 + h and 10 + h.
constexpr auto kQ3_K = [] {
  std::array<PackedPiece, 2 + 12 + 1> pieces{};
  size_t n = 0;
  pieces[n++] = piece(32, 64, 0, 0);
  pieces[n++] = piece(0, 32, 1, 0);
  for (int h = 0; h < 2; ++h) {
    for (int s = 0; s < 4; ++s) pieces[n++] = piece(96 + 2 * s + h, 1, 2, 4 * h + s);
    for (int s = 0; s < 2; ++s) pieces[n++] = piece(104 + 2 * s + h, 1, 2, 8 + 2 * h + s);
  }
  pieces[n++] = piece(108, 2, 3, 0);
  return pieces;
}();

/// The same units. Their lower bits are 8 bytes for s = 0, 2 and 8 more, 32 further on, for s = 1, 3; their
/// upper bits are 8 bytes that are in place already; their scales are shared as those of Q2_K.
constexpr auto kQ6_K = [] {
  std::array<PackedPiece, 16 + 1 + 16 + 1> pieces{};
  size_t n = 0;
  for (int g = 0; g < 2; ++g) {
    for (int p = 0; p < 4; ++p) {
      pieces[n++] = piece(64 * g + 8 * p, 8, 0, 16 * (4 * g + p));
      pieces[n++] = piece(64 * g + 32 + 8 * p, 8, 0, 16 * (4 * g + p) + 8);
    }
  }
  pieces[n++] = piece(128, 64, 1, 0);
  for (int g = 0; g < 2; ++g) {
    for (int h = 0; h < 2; ++h) {
      for (int s = 0; s < 4; ++s) pieces[n++] = piece(192 + 8 * g + 2 * s + h, 1, 2, 8 * g + 4 * h + s);
    }
  }
  pieces[n++] = piece(208, 2, 3, 0);
  return pieces;
}();

constexpr auto kPackings = std::to_array<Packing>({
    {0, {4}, kFourBytes},           // F32
    {1, {2}, kTwoBytes},            // F16
    {2, {16, 2}, kQ4_0},            //
    {3, {16, 4}, kQ4_1},            //
    {6, {16, 4, 2}, kQ5_0},         //
    {7, {16, 4, 4}, kQ5_1},         //
    {8, {32, 2}, kQ8_0},            //
    {10, {64, 16, 4}, kQ2_K},       //
    {11, {64, 32, 12, 2}, kQ3_K},   //
    {12, {128, 16}, kQ4_K},         //
    {13, {128, 32, 16}, kQ5_K},     //
    {14, {128, 64, 16, 2}, kQ6_K},  //
    {15, {256, 4, 32}, kQ8_K},      //
    {30, {2}, kTwoBytes},           // BF16
    {39, {16, 1}, kMXFP4},          //
});

}  // namespace

std::span<const Packing> packings() { return kPackings; }

const Packing* find_packing(uint32_t id) {
  const auto at = std::ranges::find(kPackings, id, &Packing::id);
  return at == kPackings.end() ? nullptr : &*at;
}

int64_t plane_offset(const quant::TensorType& type, int64_t rows, int64_t cols, int plane) {
  const Packing* packing = find_packing(type.id);
  KIGO_CHECK(packing != nullptr && 0 <= plane && plane <= kMaxPlanes && cols % type.block_values == 0);
  const int64_t blocks = rows * (cols / type.block_values);
  int64_t offset = 0;
  for (int before = 0; before < plane; ++before) {
    const int64_t bytes = blocks * packing->record_bytes[static_cast<size_t>(before)];
    offset += (bytes + kPlaneAlignment - 1) / kPlaneAlignment * kPlaneAlignment;
  }
  return offset;
}

int64_t packed_bytes(const quant::TensorType& type, int64_t rows, int64_t cols) {
  const int64_t blocks = rows * (cols / type.block_values);
  const Packing* packing = find_packing(type.id);
  KIGO_CHECK(packing != nullptr);
  int last = kMaxPlanes - 1;
  while (packing->record_bytes[static_cast<size_t>(last)] == 0) --last;
  return plane_offset(type, rows, cols, last) + blocks * packing->record_bytes[static_cast<size_t>(last)];
}

}  // namespace kigo::ops
