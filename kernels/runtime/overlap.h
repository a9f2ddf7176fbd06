// Whether a launch may overlap with the one before it on the stream. Read with any compiler.
#pragma once

#include <cstdint>

namespace kigo::kernels {

/// predecessor: programmatic dependent launch. The kernel starts while its predecessor on the stream still
/// runs, loads its weights, and waits for the predecessor to end before it touches anything else. Right only
/// when whatever ran before the predecessor was waited for by the predecessor itself: a chain of kernels of
/// this kind, or of one behind ordinary launches.
enum class Overlap : uint8_t { none, predecessor };

}  // namespace kigo::kernels
