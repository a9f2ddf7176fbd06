// The stream that every kernel is launched on, named without CUDA's headers: tests, tools and benchmarks read
// the declarations of kernels with any compiler.
#pragma once

struct CUstream_st;

namespace kigo::kernels {

/// The same type as cudaStream_t. Kernels take it last and have no default: nothing runs on a stream that the
/// caller did not choose.
using Stream = CUstream_st*;

}  // namespace kigo::kernels
