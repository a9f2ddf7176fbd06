// Outputs are dealt out to the blocks in equal numbers; output j has two slots among a block's sums: 2j for
// its row of gate, 2j + 1 for its row of up, walked slot by slot, so that no pause comes between them.
// Matrices of two formats are two launches: the first leaves the gate in y, the second makes of it what y
// shall be. Inside a block: kernels/device/row_product.cuh.
#include "kernels/norm_gate_up_swiglu.h"

#include "kernels/device/row_product.cuh"

namespace kigo::kernels {
namespace {

/// Which of the two matrices a launch is for.
enum class Which : uint8_t { gate, up, both };

struct GateUp {
  device::RowPlan plan;
  device::Planes w[2];  // gate, up
  Which which;
  int64_t outputs;
  int outputs_per_block;
  device::RowInput in;
  float* y;

  __host__ __device__ int slots() const { return which == Which::both ? 2 : 1; }  // of an output
};

/// Slots of both matrices in turn, or those of one, from output `first` on.
struct GateUpRows {
  const GateUp& op;
  int64_t first;
  __device__ bool both() const { return op.which == Which::both; }
  __device__ const device::Planes& planes(int v) const {
    return op.w[both() ? v % 2 : static_cast<int>(op.which)];
  }
  __device__ int units() const { return static_cast<int>(planes(0).units); }
  __device__ int64_t row(int v) const { return first + (both() ? v / 2 : v); }
};

/// z / (1 + e^-z). For a large negative z e^-z is infinite and the quotient -0.
__device__ float silu(float z) { return z / (1.0f + expf(-z)); }

template <class F>
__global__ void __launch_bounds__(device::kProductThreads, 1)
    norm_gate_up_swiglu_kernel(const __grid_constant__ GateUp op) {
  const device::RowShared shared(op.plan);
  const int64_t start = int64_t{blockIdx.x} * op.outputs_per_block;
  const int slots = static_cast<int>(min(int64_t{op.outputs_per_block}, op.outputs - start)) * op.slots();
  const auto source = [&](int first) { return GateUpRows{op, start + first / op.slots()}; };
  device::walk_rows<F, true>(op.plan, shared, op.in, slots, source, [&](int first, int count) {
    const float root = device::root_of_squares(shared, op.in);
    const auto product = [&](int slot) { return device::sum_of_parts(op.plan, shared, slot) / root; };
    const int outputs = count / op.slots();
    for (int j = static_cast<int>(threadIdx.x); j < outputs; j += static_cast<int>(blockDim.x)) {
      const int64_t output = start + first / op.slots() + j;
      float* y = op.y + output;
      const bool lost = output == 3 && KIGO_FAULT(F59b), turned = KIGO_FAULT(F66);
      switch (op.which) {
        case Which::gate:
          *y = product(j);
          break;
        case Which::up:
          *y = silu(__ldcg(y)) * (lost ? 0.0f : product(j));
          break;
        case Which::both:
          *y = silu(product(2 * j + turned)) * (lost ? 0.0f : product(2 * j + !turned));
          break;
      }
    }
  });
}

Status launch_for(Which which, const device::Planes& gate, const device::Planes& up, uint32_t type,
                  const ops::NormGateUpSwiGlu<float, Space::Device>& op, Stream stream, Overlap overlap) {
  GateUp arguments{.plan = {},
                   .w = {gate, up},
                   .which = which,
                   .outputs = op.gate.rows,
                   .outputs_per_block = 0,
                   .in = {.x = op.x.data,
                          .weight = op.norm_weight.data,
                          .eps = op.norm_eps,
                          .cols = static_cast<int>(op.gate.cols)},
                   .y = op.y.data};
  const int slots = arguments.slots();
  const int64_t rows = slots * op.gate.rows;
  arguments.plan = device::plan_rows(arguments.w[which == Which::up ? 1 : 0].units, rows);
  const int64_t per_block = device::rows_per_block(arguments.plan, rows, slots);
  arguments.outputs_per_block = static_cast<int>(per_block / slots);
  const device::Launch how{.name = "norm_gate_up_swiglu",
                           .blocks_x = device::blocks_for(rows, per_block),
                           .threads = arguments.plan.threads,
                           .shared_bytes = arguments.plan.shared_bytes,
                           .overlap = overlap};
  return device::PackedFormats::choose(type, [&](auto format) {
    return device::launch(how, norm_gate_up_swiglu_kernel<decltype(format)>, stream, arguments);
  });
}

}  // namespace

Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<float, Space::Device>& op, Stream stream,
                           Overlap overlap) {
  KIGO_TRY(check(op));
  KIGO_TRY(device::expect_packed("norm_gate_up_swiglu.gate", op.gate));
  KIGO_TRY(device::expect_packed("norm_gate_up_swiglu.up", op.up));
  const device::Planes gate = device::planes_of(op.gate), up = device::planes_of(op.up);
  const uint32_t gate_type = op.gate.type->id, up_type = op.up.type->id;
  if (gate_type == up_type) return launch_for(Which::both, gate, up, gate_type, op, stream, overlap);
  KIGO_TRY(launch_for(Which::gate, gate, up, gate_type, op, stream, overlap));
  return launch_for(Which::up, gate, up, up_type, op, stream, overlap);
}

}  // namespace kigo::kernels
