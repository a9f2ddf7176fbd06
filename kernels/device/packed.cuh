// How a lane reads packed weights (core/ops/packing.h): one struct a format, all with the same interface.
//
// A row is cut into units of 32 values; one lane loads a unit into registers and decodes it. Neighbouring
// lanes take neighbouring units, so that a warp's loads of 16 bytes a lane cover whole lines. Where a unit's
// values stand in the row is the format's affair: position(unit, i).
//
//   id, whole           type id; whether every position is below cols (else: 0 there, x is not to be read)
//   run                 positions of i = k * run .. k * run + run - 1 are consecutive, and the first of them
//   is
//                       a multiple of run
//   Raw load(planes, row, unit)     0 <= row, 0 <= unit < planes.units; registers only
//   int position(unit, i)           column of the unit's i-th value
//   decode(raw, w)                  the exact values: the bits of quant::X::value, -0 taken as 0
//   fixed, Vector                   whether dot() takes x as integers (fixed_point.cuh); how a lane holds x:
//                                   Vector::load(slots, unit)
//   float dot(raw, x)               sum_i w[i] x[i]. Scalars: in float, in order of i, one fused multiply-add
//                                   each. Codes: a group's sum of code * x is exact but for x itself and two
//                                   roundings; it is scaled and added in order of the groups, one rounding
//                                   each, and so are the offsets where the format has them.
//
// The magnitudes that bound dot()'s rounding are |scale q x| + |offset x|: a format with a minimum subtracts
// two sums that may be larger than their difference.
#pragma once

#include <algorithm>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/result.h"
#include "core/ops/matrix.h"
#include "core/ops/packing.h"
#include "kernels/device/packed_k.cuh"
#include "kernels/device/packed_k_low.cuh"
#include "kernels/device/packed_mxfp4.cuh"
#include "kernels/device/packed_scalar.cuh"
#include "kernels/device/packed_small.cuh"

namespace kigo::kernels::device {

/// Of a packed matrix on a device. The matrix must have passed expect_matrix().
inline Planes planes_of(const ops::Matrix<Space::Device>& matrix) {
  Planes planes{};
  const ops::Packing* packing = ops::find_packing(matrix.type->id);
  KIGO_CHECK(packing != nullptr);
  for (int p = 0; p < ops::kMaxPlanes; ++p) {
    if (packing->record_bytes[static_cast<size_t>(p)] == 0) break;
    planes.plane[p] = matrix.data + ops::plane_offset(*matrix.type, matrix.rows, matrix.cols, p);
  }
  planes.cols = matrix.cols;
  // Scalars are dealt out to the lanes in stretches of 256 columns, of which the last may be partly empty.
  const int64_t stretch = matrix.type->block_values == 1 ? 256 : 32;
  planes.units = (matrix.cols + stretch - 1) / stretch * (stretch / kUnit);
  KIGO_CHECK(matrix.rows <= (int64_t{1} << 32) / std::max<int64_t>(planes.units, 1));
  return planes;
}

/// Formats among which the one of an id is looked up: f(packed::Q5_0{}).
template <class... Formats>
struct PackedList {
  /// In a kernel; nothing for an id that is not in the list.
  template <class F>
  static __device__ void with(uint32_t id, F&& f) {
    static_cast<void>(((id == Formats::id ? (f(Formats{}), true) : false) || ...));
  }
  /// On the host, to choose a kernel; f returns a Status. Errors: f's; unsupported.
  template <class F>
  static Status choose(uint32_t id, F&& f) {
    Status status = fail(Code::unsupported, "type", cat("id ", id), "a type that kernels decode");
    static_cast<void>(
        ((id == Formats::id ? (static_cast<void>(status = f(Formats{})), true) : false) || ...));
    return status;
  }
};

/// All that kernels decode: a further one is its struct and its name here. A kernel is made for one of them,
/// or two; for all of them in one switch the compiler would have to keep registers in memory.
using PackedFormats = PackedList<packed::F32, packed::F16, packed::BF16, packed::Q4_0, packed::Q4_1,
                                 packed::Q5_0, packed::Q5_1, packed::Q8_0, packed::MXFP4, packed::Q2_K,
                                 packed::Q3_K, packed::Q4_K, packed::Q5_K, packed::Q6_K, packed::Q8_K>;

}  // namespace kigo::kernels::device
