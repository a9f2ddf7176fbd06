// The rows of y are dealt out to the blocks in equal numbers, the tokens along the grid's y axis. Inside a
// block: kernels/device/row_product.cuh.
#include "kernels/linear_rows.h"

#include "kernels/device/row_product.cuh"

namespace kigo::kernels {
namespace {

static_assert(device::kProductWarps * device::kWarp * device::kUnit == kLinearRowsSlice);

/// What the kernel takes.
struct Product {
  device::RowPlan plan;
  device::Planes w;
  int64_t rows;
  int rows_per_block;
  const float* x;
  int64_t x_stride;
  const float* bias;      // or none
  const float* residual;  // or none
  int64_t residual_stride;
  float* y;
  int64_t y_stride;
};

template <class F>
__global__ void __launch_bounds__(device::kProductThreads, 1)
    linear_rows_kernel(const __grid_constant__ Product op) {
  const device::RowShared shared(op.plan);
  const int64_t token = blockIdx.y, start = int64_t{blockIdx.x} * op.rows_per_block;
  const int rows = static_cast<int>(min(int64_t{op.rows_per_block}, op.rows - start));
  const device::RowInput in{.x = op.x + token * op.x_stride, .cols = static_cast<int>(op.w.cols)};
  const auto source = [&](int first) { return device::MatrixRows{op.w, start + first}; };
  device::walk_rows<F, false>(op.plan, shared, in, rows, source, [&](int first, int count) {
    for (int v = static_cast<int>(threadIdx.x); v < count; v += static_cast<int>(blockDim.x)) {
      const int64_t row = start + first + v;
      float sum = device::sum_of_parts(op.plan, shared, v);
      if (op.bias != nullptr) sum += __ldg(op.bias + row);
      if (op.residual != nullptr) sum += __ldcg(op.residual + token * op.residual_stride + row);
      op.y[token * op.y_stride + row] = sum;
    }
  });
}

}  // namespace

Status linear_rows_add(std::string_view name, const ops::Linear<float, Space::Device>& op,
                       const View<const float, 2, Space::Device>& residual, Stream stream, Overlap overlap) {
  KIGO_TRY(ops::expect_between(name, op.w.cols, 1, INT32_MAX / 2));
  KIGO_TRY(device::expect_packed(name, op.w));
  const device::Planes w = device::planes_of(op.w);
  const device::RowPlan plan = device::plan_rows(w.units, op.w.rows);
  const int64_t per_block = device::rows_per_block(plan, op.w.rows, 1);
  const Product product{.plan = plan,
                        .w = w,
                        .rows = op.w.rows,
                        .rows_per_block = static_cast<int>(per_block),
                        .x = op.x.data,
                        .x_stride = op.x.stride[0],
                        .bias = op.bias.data,
                        .residual = residual.data,
                        .residual_stride = residual.stride[0],
                        .y = op.y.data,
                        .y_stride = op.y.stride[0]};
  const device::Launch how{.name = name,
                           .blocks_x = device::blocks_for(op.w.rows, per_block),
                           .blocks_y = op.x.shape[0],
                           .threads = plan.threads,
                           .shared_bytes = plan.shared_bytes,
                           .overlap = overlap};
  return device::PackedFormats::choose(op.w.type->id, [&](auto format) {
    return device::launch(how, linear_rows_kernel<decltype(format)>, stream, product);
  });
}

Status linear_rows(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap overlap) {
  KIGO_TRY(check(op));
  return linear_rows_add("linear", op, {}, stream, overlap);
}

}  // namespace kigo::kernels
