// repack and unpack: bytes moved between the blocks of a file and the records of planes, either way.
//
// One thread block takes 16 KiB of blocks, which its cache holds, and goes through the pieces of the layout
// one after another: 256 threads move a word each, of the widest size that everything about the piece is
// aligned to. Threads that are neighbours in a plane write neighbouring words.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/base/check.h"
#include "core/ops/packing.h"
#include "kernels/device/launch.cuh"

namespace kigo::kernels::device {

enum class Direction : uint8_t { to_records, to_blocks };

/// Some rows of a matrix.
struct PackedRows {
  const quant::TensorType* type;
  int64_t rows;
  int64_t cols;
  int64_t first_row;
};

inline constexpr int kMaxPieces = 64;
inline constexpr int kMoveThreads = 256;
inline constexpr int64_t kMoveBytes = 16 << 10;  // of blocks, to a thread block

/// A PackedPiece with its addresses worked out.
struct MovedPiece {
  int64_t record_at;  // in the packed matrix, of the piece in the first block's record
  uint32_t record_bytes;
  uint16_t block_at;  // in a block
  uint16_t words;
  uint16_t word_bytes;
};
struct Moves {
  MovedPiece pieces[kMaxPieces];
  int count;
  int64_t blocks;
  int64_t blocks_to_a_chunk;
  uint32_t block_bytes;
};

template <Direction D, class Word>
__device__ void move_piece(const MovedPiece& piece, uint32_t block_bytes, int64_t first, uint32_t count,
                           std::byte* blocks, std::byte* packed) {
  const uint32_t words = piece.words;
  for (uint32_t n = threadIdx.x; n < count * words; n += kMoveThreads) {
    const int64_t block = first + n / words;
    const uint32_t at = n % words * static_cast<uint32_t>(sizeof(Word));
    auto* in_block = reinterpret_cast<Word*>(blocks + block * block_bytes + piece.block_at + at);
    auto* in_record = reinterpret_cast<Word*>(packed + piece.record_at + block * piece.record_bytes + at);
    if constexpr (D == Direction::to_records) {
      *in_record = *in_block;
    } else {
      *in_block = *in_record;
    }
  }
}

template <Direction D>
__global__ void __launch_bounds__(kMoveThreads)
    move_records_kernel(const __grid_constant__ Moves moves, std::byte* blocks, std::byte* packed) {
  const int64_t first = blockIdx.x * moves.blocks_to_a_chunk;
  const auto count = static_cast<uint32_t>(min(moves.blocks_to_a_chunk, moves.blocks - first));
  for (int p = 0; p < moves.count; ++p) {
    const MovedPiece& piece = moves.pieces[p];
    switch (piece.word_bytes) {
      case 16:
        move_piece<D, uint4>(piece, moves.block_bytes, first, count, blocks, packed);
        break;
      case 4:
        move_piece<D, uint32_t>(piece, moves.block_bytes, first, count, blocks, packed);
        break;
      case 2:
        move_piece<D, uint16_t>(piece, moves.block_bytes, first, count, blocks, packed);
        break;
      default:
        move_piece<D, uint8_t>(piece, moves.block_bytes, first, count, blocks, packed);
    }
  }
}

/// The widest of 16, 4, 2 and 1 that divides all of the given numbers, whose bits are set in `any`.
inline uint16_t word_for(uint64_t any) {
  const int zeros = std::countr_zero(any | 16);
  return zeros >= 4 ? 16 : zeros >= 2 ? 4 : zeros == 1 ? 2 : 1;
}

/// Moves all blocks of the rows. The side that is read is not written.
template <Direction D>
Status move_records(std::string_view name, const PackedRows& rows, int64_t bytes, std::byte* blocks,
                    std::byte* packed, Stream stream) {
  const ops::Packing& packing = *ops::find_packing(rows.type->id);
  const int64_t first_block = rows.first_row * (rows.cols / rows.type->block_values);
  Moves moves{};
  moves.block_bytes = rows.type->block_bytes;
  moves.blocks = bytes / moves.block_bytes;
  moves.blocks_to_a_chunk = std::max<int64_t>(1, kMoveBytes / moves.block_bytes);
  moves.count = static_cast<int>(packing.pieces.size());
  KIGO_CHECK(moves.count <= kMaxPieces);
  for (size_t p = 0; p < packing.pieces.size(); ++p) {
    const ops::PackedPiece& piece = packing.pieces[p];
    const uint16_t record_bytes = packing.record_bytes[piece.plane];
    const int64_t at = ops::plane_offset(*rows.type, rows.rows, rows.cols, piece.plane) +
                       first_block * record_bytes + piece.to;
    const uint16_t word =
        word_for(reinterpret_cast<uintptr_t>(blocks) | reinterpret_cast<uintptr_t>(packed) |
                 static_cast<uint64_t>(at) | record_bytes | piece.from | piece.bytes | moves.block_bytes);
    moves.pieces[p] = {at, record_bytes, piece.from, static_cast<uint16_t>(piece.bytes / word), word};
  }
  const int64_t chunks = (moves.blocks + moves.blocks_to_a_chunk - 1) / moves.blocks_to_a_chunk;
  return launch({.name = name, .blocks_x = chunks, .threads = kMoveThreads}, move_records_kernel<D>, stream,
                moves, blocks, packed);
}

}  // namespace kigo::kernels::device
