#include "gated_add.h"

void gated_add(const GatedAdd& op) {
  for (int64_t t = 0; t < op.tokens; ++t) {
    const float* x = op.x + t * op.x_stride;
    const float* h = op.h + t * op.h_stride;
    float* y = op.y + t * op.y_stride;
    int64_t i = 0;
    for (; i + 4 <= op.width; i += 4) {
      for (int64_t lane = i; lane < i + 4; ++lane) y[lane] = x[lane] + op.gate[t] * h[lane];
    }
#ifndef FORGET_THE_TAIL  // as the planted fault of this example does
    for (; i < op.width; ++i) y[i] = x[i] + op.gate[t] * h[i];
#endif
  }
}
