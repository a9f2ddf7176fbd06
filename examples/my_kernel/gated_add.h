// The kernel of this example: what every token gets of its expert, in a mixture of experts. Nothing of kigo
// is in it.
#pragma once

#include <cstdint>

/// y[t, i] = x[t, i] + gate[t] * h[t, i], in float. Rows of x, h and y lie `*_stride` floats apart.
struct GatedAdd {
  const float* x;     // [tokens, width]
  const float* h;     // [tokens, width]
  const float* gate;  // [tokens]
  float* y;           // [tokens, width]
  int64_t tokens, width;
  int64_t x_stride, h_stride, y_stride;
};

/// Plain C++, four columns at a time.
void gated_add(const GatedAdd& op);

/// On a GPU; 0, or the cudaError_t of the launch.
struct CUstream_st;
int gated_add_cuda(const GatedAdd& op, CUstream_st* stream);
