// The list of weight formats that kigo decodes. The table of tensor types (tensor_type.h), the tests and the
// pairs of kernels are made from it: a new format is one header and one entry here.
#pragma once

#include "core/quant/bf16.h"
#include "core/quant/f16.h"
#include "core/quant/f32.h"
#include "core/quant/mxfp4.h"
#include "core/quant/q2_k.h"
#include "core/quant/q3_k.h"
#include "core/quant/q4_0.h"
#include "core/quant/q4_1.h"
#include "core/quant/q4_k.h"
#include "core/quant/q5_0.h"
#include "core/quant/q5_1.h"
#include "core/quant/q5_k.h"
#include "core/quant/q6_k.h"
#include "core/quant/q8_0.h"
#include "core/quant/q8_k.h"

namespace kigo::quant {

template <Format... Formats>
struct ListOf {
  /// `FormatList::into<std::tuple>`, `FormatList::into<testing::Types>`
  template <template <class...> class To>
  using into = To<Formats...>;
};

using FormatList =
    ListOf<F32, F16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q2_K, Q3_K, Q4_K, Q5_K, Q6_K, Q8_K, BF16, MXFP4>;

}  // namespace kigo::quant
