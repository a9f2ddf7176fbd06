// A block works on rows of one of the three matrices, which may have three formats; each matrix gets blocks
// by the share of its bytes. Rows come in couples, neighbouring slots of a block's sums, so that one thread
// holds both elements of a rotated pair: couple i of a head is pair i of rope, and behind the pairs two
// elements that are not rotated. v is cut into couples as well. Inside a block:
// kernels/device/row_product.cuh.
#include "kernels/norm_qkv_rope_append.h"

#include <array>

#include "kernels/device/rope.cuh"
#include "kernels/device/row_product.cuh"
#include "kernels/device/scalar.cuh"

namespace kigo::kernels {
namespace {

enum Part : int { kQuery, kKey, kValue, kParts };

struct Projection {
  device::Planes w;
  uint32_t type;
  const float* bias;  // or none
  int rows;
  int first_block;
  int rows_per_block;  // even
};

/// Elements of a cache, or of the queries: at token or page `outer`, of a head, from element 0 on.
template <class T>
struct Heads {
  T* data;
  int64_t outer_stride, head_stride, row_stride;
};

template <class C>
struct Qkv {
  device::RowPlan plan;
  Projection part[kParts];
  device::RowInput in;
  const int64_t* positions;
  const int32_t* table;
  ops::Pairing pairing;
  int head_dim, rope_dims;
  float rope_base, rope_factor;
  const float* rope_divisors;  // or none
  Heads<float> y;
  Heads<C> cache[2];  // keys, values

  /// The row, within its head, of one of the two elements of couple i.
  __device__ int element(int i, int which) const {
    const int pairs = rope_dims / 2;
    if (i >= pairs) return 2 * i + which;
    return pairing == ops::Pairing::halves ? i + which * pairs : 2 * i + which;
  }
  /// The row of slot v of a block whose first row is `first`.
  __device__ int row_of(int first, int v) const {
    const int couple = (first + v) / 2, couples = head_dim / 2, head = couple / couples;
    return head * head_dim + element(couple - head * couples, v % 2);
  }
  __device__ int part_of_block() const {
    const int block = static_cast<int>(blockIdx.x);
    return block >= part[kValue].first_block ? kValue : block >= part[kKey].first_block ? kKey : kQuery;
  }
};

template <class C>
struct Work {
  const Qkv<C>& op;
  const Projection& part;
  int start;  // first row of the block

  struct Source {
    static constexpr bool one_matrix = false;
    const Work& work;
    int first;
    __device__ const device::Planes& planes(int) const { return work.part.w; }
    __device__ int units() const { return static_cast<int>(work.part.w.units); }
    __device__ int64_t row(int v) const { return work.op.row_of(first, v); }
    __device__ int slot(int v) const { return v; }
  };
  __device__ int phases() const { return 1; }
  __device__ uint32_t format(int) const { return part.type; }
  __device__ int count(int, int slots) const { return slots; }
  __device__ Source source(int, int first) const { return {*this, start + first}; }
};

/// The two sums of a couple, turned, become elements of y or of the cache.
template <class C>
__device__ void store_couple(const Qkv<C>& op, int which_part, int couple, float a, float b) {
  const int couples = op.head_dim / 2, head = couple / couples, i = couple - head * couples;
  const int at_a = op.element(i, 0), at_b = op.element(i, 1);
  const int64_t position = __ldcg(reinterpret_cast<const long long*>(op.positions));
  if (which_part != kValue && i < op.rope_dims / 2) {
    const device::Turn turn = device::rope_turn(
        position, op.rope_factor, device::rope_frequency(i, op.rope_dims, op.rope_base, op.rope_divisors));
    const float turned = a * turn.cosine - b * turn.sine;
    b = a * turn.sine + b * turn.cosine;
    a = turned;
  }
  if (which_part == kQuery) {
    float* y = op.y.data + head * op.y.head_stride;
    y[at_a] = a;
    y[at_b] = b;
    return;
  }
  const Heads<C>& cache = op.cache[which_part == kKey ? 0 : 1];
  const int64_t page = __ldcg(op.table + position / ops::kPagePositions);
  C* row = cache.data + page * cache.outer_stride + head * cache.head_stride +
           position % ops::kPagePositions * cache.row_stride;
  row[at_a] = device::narrow<C>(a);
  row[at_b] = device::narrow<C>(b);
}

template <class C>
__global__ void __launch_bounds__(device::kProductThreads, 1)
    norm_qkv_rope_append_kernel(const __grid_constant__ Qkv<C> op) {
  const device::RowShared shared(op.plan);
  const int which = op.part_of_block();
  const Projection& part = op.part[which];
  const int start = (static_cast<int>(blockIdx.x) - part.first_block) * part.rows_per_block;
  const Work<C> work{op, part, start};
  device::walk_rows<true>(
      op.plan, shared, op.in, work, min(part.rows_per_block, part.rows - start), [&](int first, int count) {
        const float root = device::root_of_squares(shared, op.in);
        for (int v = 2 * static_cast<int>(threadIdx.x); v < count; v += 2 * static_cast<int>(blockDim.x)) {
          float a = device::sum_of_parts(op.plan, shared, v) / root;
          float b = device::sum_of_parts(op.plan, shared, v + 1) / root;
          if (part.bias != nullptr) {
            a += __ldg(part.bias + op.row_of(start + first, v));
            b += __ldg(part.bias + op.row_of(start + first, v + 1));
          }
          store_couple(op, which, (start + first + v) / 2, a, b);
        }
      });
}

template <class T>
Heads<T> heads_of(const View<T, 4, Space::Device>& cache) {
  return {cache.data, cache.stride[0], cache.stride[1], cache.stride[2]};
}

/// Gives every matrix a number of blocks by its bytes. Returns the blocks in all.
int64_t deal_out(const device::RowPlan& plan, std::array<Projection, kParts>& parts,
                 const std::array<int64_t, kParts>& row_bytes) {
  int64_t bytes = 0, blocks = 0;
  for (size_t p = 0; p < kParts; ++p) bytes += parts[p].rows * row_bytes[p];
  const int64_t bytes_per_block = (bytes + plan.blocks - 1) / plan.blocks;
  for (size_t p = 0; p < kParts; ++p) {
    const int64_t even = (bytes_per_block + 2 * row_bytes[p] - 1) / (2 * row_bytes[p]) * 2;
    const int64_t rows = std::max<int64_t>(even, (plan.teams + 1) / 2 * 2);
    parts[p].first_block = static_cast<int>(blocks);
    parts[p].rows_per_block = static_cast<int>(std::min<int64_t>(rows, INT32_MAX / 2 * 2 - 1));
    blocks += device::blocks_for(parts[p].rows, rows);
  }
  return blocks;
}

}  // namespace

template <class C>
Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, C, Space::Device>& op, Stream stream,
                            Overlap overlap) {
  KIGO_TRY(check(op));
  std::array<Projection, kParts> parts;
  std::array<int64_t, kParts> row_bytes;
  int64_t units = 0, rows = 0;
  size_t at = 0;
  for (const ops::Projection<Space::Device>* projection : {&op.q, &op.k, &op.v}) {
    const ops::Matrix<Space::Device>& w = projection->w;
    KIGO_TRY(device::expect_packed("norm_qkv_rope_append", w));
    KIGO_TRY(ops::expect_between("norm_qkv_rope_append.rows", w.rows, 2, INT32_MAX / 4));
    parts[at] = {.w = device::planes_of(w),
                 .type = w.type->id,
                 .bias = projection->bias.data,
                 .rows = static_cast<int>(w.rows),
                 .first_block = 0,
                 .rows_per_block = 0};
    row_bytes[at] = w.row_bytes();
    units = std::max(units, parts[at].w.units);
    rows += w.rows;
    ++at;
  }
  const device::RowPlan plan = device::plan_rows(units, rows);
  const int64_t blocks = deal_out(plan, parts, row_bytes);
  const Qkv<C> arguments{.plan = plan,
                         .part = {parts[kQuery], parts[kKey], parts[kValue]},
                         .in = {.x = op.x.data,
                                .weight = op.norm_weight.data,
                                .eps = op.norm_eps,
                                .cols = static_cast<int>(op.q.w.cols)},
                         .positions = op.positions.data,
                         .table = op.cache.table.data,
                         .pairing = op.pairing,
                         .head_dim = static_cast<int>(op.y.shape[2]),
                         .rope_dims = static_cast<int>(op.rope_dims),
                         .rope_base = op.rope_base,
                         .rope_factor = op.rope_factor,
                         .rope_divisors = op.rope_divisors.data,
                         .y = {op.y.data, op.y.stride[0], op.y.stride[1], 0},
                         .cache = {heads_of(op.cache.k), heads_of(op.cache.v)}};
  return device::launch({.name = "norm_qkv_rope_append",
                         .blocks_x = blocks,
                         .threads = plan.threads,
                         .shared_bytes = plan.shared_bytes,
                         .overlap = overlap},
                        norm_qkv_rope_append_kernel<C>, stream, arguments);
}

template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, float, Space::Device>&, Stream,
                                     Overlap);
template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, f16, Space::Device>&, Stream,
                                     Overlap);

}  // namespace kigo::kernels
