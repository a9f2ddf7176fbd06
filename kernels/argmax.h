// The kernel twin of reference::argmax.
#pragma once

#include "core/base/half.h"
#include "core/base/result.h"
#include "core/ops/argmax.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// ids[r] = the lowest i with x[r, i] = max_j x[r, j], each row on its own.
/// Types   T = float, f16, bf16; compared as they are, -0 equals +0. Exact.
/// Bounds  1 <= width < 2^31; rows == 0 launches nothing. NaN is never the largest; a row of NaN gives 0.
/// Memory  rows of x may be padded; nothing beyond the shape is read or written. No allocation, no sync: safe
///         in a graph.
/// Errors  bad_shape, unsupported before the launch; cuda when it fails.
/// Twin    reference::argmax, equal ids.
/// Source  ties to the lowest id, as torch.argmax and llama.cpp's greedy sampler decide them on a CPU.
template <class T>
Status argmax(const ops::Argmax<T, Space::Device>& op, Stream stream);

extern template Status argmax(const ops::Argmax<float, Space::Device>&, Stream);
extern template Status argmax(const ops::Argmax<f16, Space::Device>&, Stream);
extern template Status argmax(const ops::Argmax<bf16, Space::Device>&, Stream);

}  // namespace kigo::kernels
