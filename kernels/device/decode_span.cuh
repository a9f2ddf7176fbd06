// A warp writes 1024 decoded values of one row: the common part of dequantise and embedding.
//
// Lane l decodes unit 32 * span + l. In every format these 32 units are the columns 1024 * span and up, only
// in another order, so the warp lays the values out in shared memory and stores them as 16 bytes a lane, 512
// consecutive bytes at a time.
#pragma once

#include "kernels/device/packed.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels::device {

inline constexpr int kSpan = 1024;  // columns

/// The units of a row in spans.
inline int64_t spans_of(const Planes& planes) { return (planes.units + 31) / 32; }

/// Where a warp's values meet. 16-byte cells, in an order in which the lanes' stores and loads spread over
/// the banks: cell c, the k-th of lane l when a unit's values are consecutive, stands at c ^ (l % 8).
template <class T>
struct alignas(16) SpanBuffer {
  static constexpr int kCell = 16 / static_cast<int>(sizeof(T));  // values
  static constexpr int kCells = kSpan / kCell;
  uint4 cells[kCells];
  static __device__ int place(int cell) { return cell ^ (cell / (kUnit / kCell) % 8); }
};

/// Rounds to T and packs the kCell values from w on.
template <class T>
__device__ uint4 cell_of(const float* w) {
  if constexpr (sizeof(T) == 4) {
    return {__float_as_uint(w[0]), __float_as_uint(w[1]), __float_as_uint(w[2]), __float_as_uint(w[3])};
  } else {
    const auto two = [](float low, float high) {
      return uint32_t{narrow<T>(low).bits} | uint32_t{narrow<T>(high).bits} << 16;
    };
    return {two(w[0], w[1]), two(w[2], w[3]), two(w[4], w[5]), two(w[6], w[7])};
  }
}

/// Called by a whole warp. F: a packed format; y: where the row's column 0 goes.
template <class F, class T>
__device__ void decode_span(const Planes& planes, int64_t row, int64_t span, SpanBuffer<T>& buffer, T* y) {
  constexpr int kCell = SpanBuffer<T>::kCell;
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const int first = static_cast<int>(32 * span);
  const int64_t column = kSpan * span;
  if (first + lane < planes.units) {
    float w[kUnit];
    F::decode(F::load(planes, row, first + lane), w);
    static_assert(F::run % 4 == 0 && (F::run % kCell == 0 || F::run < kCell));
    // A run may be half a cell (F32 decoded to half): its values are then stored one by one.
#pragma unroll
    for (int i = 0; i < kUnit; i += (F::run < kCell ? 1 : kCell)) {
      const int at = F::position(lane, i);
      uint4* cell = buffer.cells + SpanBuffer<T>::place(at / kCell);
      if constexpr (F::run < kCell) {
        reinterpret_cast<T*>(cell)[at % kCell] = narrow<T>(w[i]);
      } else {
        *cell = cell_of<T>(w + i);
      }
    }
  }
  __syncwarp();
  y += column;
  const int64_t left = planes.cols - column;
  const bool aligned = reinterpret_cast<uintptr_t>(y) % 16 == 0;
#pragma unroll
  for (int j = 0; j < SpanBuffer<T>::kCells / 32; ++j) {
    const int cell = 32 * j + lane;
    const uint4* from = buffer.cells + SpanBuffer<T>::place(cell);
    if (aligned && kCell * (cell + 1) <= left) {
      reinterpret_cast<uint4*>(y)[cell] = *from;
    } else {
      for (int i = 0; i < kCell && kCell * cell + i < left; ++i)
        y[kCell * cell + i] = reinterpret_cast<const T*>(from)[i];
    }
  }
}

}  // namespace kigo::kernels::device
