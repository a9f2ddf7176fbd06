// Outputs are dealt out to the blocks in equal numbers; output j has two slots among a block's sums: 2j for
// its row of gate, 2j + 1 for its row of up. Matrices of one format are walked together, slot by slot, so
// that no pause comes between them; those of two formats one after the other. Inside a block:
// kernels/device/row_product.cuh.
#include "kernels/norm_gate_up_swiglu.h"

#include "kernels/device/row_product.cuh"

namespace kigo::kernels {
namespace {

struct GateUp {
  device::RowPlan plan;
  device::Planes w[2];  // gate, up
  uint32_t type[2];
  int64_t outputs;
  int slots_per_block;
  device::RowInput in;
  float* y;

  /// Slots of both matrices in turn (`phase` below 0), or those of one of them.
  struct Source {
    static constexpr bool one_matrix = false;
    const GateUp& op;
    int64_t first;  // output
    int phase;
    __device__ int matrix(int v) const { return phase < 0 ? v % 2 : phase; }
    __device__ const device::Planes& planes(int v) const { return op.w[matrix(v)]; }
    __device__ int units() const { return static_cast<int>(op.w[max(phase, 0)].units); }
    __device__ int64_t row(int v) const { return first + (phase < 0 ? v / 2 : v); }
    __device__ int slot(int v) const { return phase < 0 ? v : 2 * v + phase; }
  };
  __device__ int64_t first_output() const { return int64_t{blockIdx.x} * (slots_per_block / 2); }
  __device__ bool together() const { return type[0] == type[1]; }
  __device__ int phases() const { return together() ? 1 : 2; }
  __device__ uint32_t format(int phase) const { return type[phase]; }
  __device__ int count(int, int slots) const { return together() ? slots : slots / 2; }
  __device__ Source source(int phase, int slot) const {
    return {*this, first_output() + slot / 2, together() ? -1 : phase};
  }
};

/// z / (1 + e^-z). For a large negative z e^-z is infinite and the quotient -0.
__device__ float silu(float z) { return z / (1.0f + expf(-z)); }

__global__ void __launch_bounds__(device::kProductThreads, 1)
    norm_gate_up_swiglu_kernel(const __grid_constant__ GateUp op) {
  const device::RowShared shared(op.plan);
  const int64_t start = op.first_output();
  const int slots = static_cast<int>(min(int64_t{op.slots_per_block}, 2 * (op.outputs - start)));
  device::walk_rows<true>(op.plan, shared, op.in, op, slots, [&](int first, int count) {
    const float root = device::root_of_squares(shared, op.in);
    for (int j = static_cast<int>(threadIdx.x); j < count / 2; j += static_cast<int>(blockDim.x)) {
      const float gate = device::sum_of_parts(op.plan, shared, 2 * j) / root;
      const float up = device::sum_of_parts(op.plan, shared, 2 * j + 1) / root;
      op.y[start + first / 2 + j] = silu(gate) * up;
    }
  });
}

}  // namespace

Status norm_gate_up_swiglu(const ops::NormGateUpSwiGlu<float, Space::Device>& op, Stream stream,
                           Overlap overlap) {
  KIGO_TRY(check(op));
  KIGO_TRY(device::expect_packed("norm_gate_up_swiglu.gate", op.gate));
  KIGO_TRY(device::expect_packed("norm_gate_up_swiglu.up", op.up));
  const int64_t outputs = op.gate.rows;
  const device::Planes gate = device::planes_of(op.gate), up = device::planes_of(op.up);
  const device::RowPlan plan = device::plan_rows(std::max(gate.units, up.units), 2 * outputs);
  const int64_t slots = device::rows_per_block(plan, 2 * outputs, 2);
  const GateUp arguments{.plan = plan,
                         .w = {gate, up},
                         .type = {op.gate.type->id, op.up.type->id},
                         .outputs = outputs,
                         .slots_per_block = static_cast<int>(slots),
                         .in = {.x = op.x.data,
                                .weight = op.norm_weight.data,
                                .eps = op.norm_eps,
                                .cols = static_cast<int>(op.gate.cols)},
                         .y = op.y.data};
  return device::launch({.name = "norm_gate_up_swiglu",
                         .blocks_x = device::blocks_for(2 * outputs, slots),
                         .threads = plan.threads,
                         .shared_bytes = plan.shared_bytes,
                         .overlap = overlap},
                        norm_gate_up_swiglu_kernel, stream, arguments);
}

}  // namespace kigo::kernels
