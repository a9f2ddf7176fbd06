// A kernel that is wrong on demand, to see that each law finds what it is there for.
#pragma once

#include <cstdint>

#include "core/base/result.h"
#include "core/base/view.h"
#include "kernels/runtime/stream.h"

namespace kigo::laws {

enum class Fault : uint8_t {
  none,
  writes_past_the_row,
  forgets_the_last_element,
  reads_past_the_row,
  changes_its_input,
  ignores_strides,
  depends_on_the_time,
  leaves_its_workspace_in_disorder,
  launches_for_nothing,
  uses_the_default_stream,
  waits,
  allocates,
  drops_a_term,
};

/// y[r, i] = x[r, i] + x[r, 0], but for the fault.
struct Doubling {
  View<const float, 2, Space::Device> x;       // [rows, width]
  View<float, 2, Space::Device> y;             // [rows, width]
  View<uint32_t, 1, Space::Device> workspace;  // [1]
};
Status doubling(const Doubling& op, Fault fault, kernels::Stream stream);

}  // namespace kigo::laws
