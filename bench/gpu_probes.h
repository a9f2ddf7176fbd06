// The small kernels that measuring needs: reading the clock, waiting, doing nothing, and what ceilings are
// measured with. None of them is a kernel of the library.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "kernels/runtime/stream.h"

namespace kigo::bench {

/// Nanoseconds and multiprocessor cycles that passed together.
struct ClockStamp {
  uint64_t ns = 0;
  uint64_t cycles = 0;
  /// 0 when nothing was measured.
  double mhz() const { return ns == 0 ? 0 : 1000.0 * static_cast<double>(cycles) / static_cast<double>(ns); }
};

/// One thread watches %globaltimer and clock64 for some 20 us, from tick to tick of the timer, which may be a
/// microsecond wide. `out` in device memory. Errors: cuda.
Status stamp_clock(ClockStamp* out, kernels::Stream stream);

/// One thread that waits for so many cycles of its multiprocessor. Errors: cuda.
Status spin(int64_t cycles, kernels::Stream stream);

/// An empty kernel. Errors: cuda.
Status launch_nothing(kernels::Stream stream);

/// Reads all bytes, a multiple of 16 x 4, and adds them up so that no read can be left out. Errors: cuda.
Status read_all(const void* data, int64_t bytes, uint32_t* out, int multiprocessors, kernels::Stream stream);

/// One block a multiprocessor; all of them wait for each other `count` times. Errors: cuda, also where the
/// device has no cooperative launch.
Status wait_for_all(int64_t count, int multiprocessors, kernels::Stream stream);

}  // namespace kigo::bench
