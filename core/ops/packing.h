// How the blocks of a weight matrix are reordered in device memory: planes of equal records that a kernel can
// load 16 aligned bytes at a time. The layout is data; repack, unpack and the kernels' decoders follow it.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "core/quant/tensor_type.h"

namespace kigo::ops {

inline constexpr int kMaxPlanes = 4;
inline constexpr int64_t kPlaneAlignment = 256;  // of every plane's first byte, from the matrix' first byte

/// `bytes` bytes of a block from offset `from` on lie at offset `to` of its record in `plane`.
struct PackedPiece {
  uint16_t from;
  uint16_t bytes;
  uint16_t plane;
  uint16_t to;
};

/// The packed form of one weight format. Block b of a matrix (b counts row by row) has one record in each
/// plane, at `record_bytes[plane] * b` from where the plane starts. The pieces permute the bytes of a block:
/// each one is in exactly one record, and no record has a byte more.
struct Packing {
  uint32_t id;                                    // of the quant::TensorType
  std::array<uint16_t, kMaxPlanes> record_bytes;  // 0: no such plane
  std::span<const PackedPiece> pieces;
};

/// Of every format of quant::FormatList, by rising id.
std::span<const Packing> packings();

/// Null when there is no packed form of this type.
const Packing* find_packing(uint32_t id);

/// Where a plane starts, from the first byte of the packed matrix: a multiple of kPlaneAlignment. `plane` may
/// be kMaxPlanes: the place behind the last one. The type must have a packed form; cols is a multiple of its
/// block's values.
int64_t plane_offset(const quant::TensorType& type, int64_t rows, int64_t cols, int plane);

/// Size of the packed matrix: that of its blocks plus what aligns the planes; at most 256 bytes a plane more.
int64_t packed_bytes(const quant::TensorType& type, int64_t rows, int64_t cols);

}  // namespace kigo::ops
