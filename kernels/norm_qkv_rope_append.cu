// A block works on rows of one of the three matrices; each matrix gets blocks by the share of its bytes. One
// launch is for all matrices of one format, or of two formats that real files mix (kMixtures); other mixtures
// take a launch for each format.
// Rows come in couples, neighbouring slots of a block's sums, so that one thread holds both elements of a
// rotated pair: couple i of a head is pair i of rope, and behind the pairs two elements that are not rotated.
// v is cut into couples as well. Inside a block: kernels/device/row_product.cuh.
#include "kernels/norm_qkv_rope_append.h"

#include <algorithm>
#include <array>
#include <span>
#include <type_traits>
#include <vector>

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
  int64_t row_bytes;
  int first_block;
  int rows_per_block;  // even
};

/// Elements of a cache: of a page, a head, a position in the page, from element 0 on. In half or float.
struct Cache {
  void* data;
  bool half;
  int64_t page_stride, head_stride, row_stride;

  __device__ void store(int64_t at, float value) const {
    if (half)
      static_cast<f16*>(data)[at] = device::narrow<f16>(value);
    else
      static_cast<float*>(data)[at] = value;
  }
};

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
  float* y;
  int64_t y_head_stride;
  Cache cache[2];  // keys, values

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

/// The rows of the block's matrix from slot `first` of the block on.
struct CoupledRows {
  const Qkv& op;
  const Projection& part;
  int first;
  __device__ const device::Planes& planes(int) const { return part.w; }
  __device__ int units() const { return static_cast<int>(part.w.units); }
  __device__ int64_t row(int v) const { return op.row_of(first, v); }
};

/// The two sums of a couple, turned, become elements of y or of the cache.
__device__ void store_couple(const Qkv& op, int which_part, int couple, float a, float b) {
  const int couples = op.head_dim / 2, head = couple / couples, i = couple - head * couples;
  const int at_a = op.element(i, 0), at_b = op.element(i, 1);
  const int64_t position = __ldcg(reinterpret_cast<const long long*>(op.positions));
  const bool turned_part = which_part == kQuery || (which_part == kKey && !KIGO_FAULT(F28));
  if (turned_part && i < op.rope_dims / 2) {
    const device::Turn turn =
        device::rope_turn(KIGO_FAULT(F27a) ? position + 1 : position, op.rope_factor,
                          device::rope_frequency(i, op.rope_dims, op.rope_base, op.rope_divisors));
    const float turned = a * turn.cosine - b * turn.sine;
    b = a * turn.sine + b * turn.cosine;
    a = turned;
  }
  if (which_part == kQuery) {
    float* y = op.y + head * op.y_head_stride;
    y[at_a] = a;
    y[at_b] = b;
    return;
  }
  if (KIGO_FAULT(F31)) return;
  const Cache& cache = op.cache[which_part == kKey ? 0 : 1];
  const int64_t page = __ldcg(op.table + position / ops::kPagePositions);
  const int64_t row =
      page * cache.page_stride + head * cache.head_stride + position % ops::kPagePositions * cache.row_stride;
  cache.store(row + at_a, a);
  cache.store(row + at_b, b);
}

template <class... Formats>
__global__ void __launch_bounds__(device::kProductThreads, 1)
    norm_qkv_rope_append_kernel(const __grid_constant__ Qkv op) {
  const device::RowShared shared(op.plan);
  const int which = op.part_of_block();
  const Projection& part = op.part[which];
  const int start = (static_cast<int>(blockIdx.x) - part.first_block) * part.rows_per_block;
  const int rows = min(part.rows_per_block, part.rows - start);
  const auto source = [&](int first) { return CoupledRows{op, part, start + first}; };
  const auto finish = [&](int first, int count) {
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
  };
  device::PackedList<Formats...>::with(part.type, [&](auto format) {
    device::walk_rows<decltype(format), true>(op.plan, shared, op.in, rows, source, finish);
  });
}

template <class C>
Cache cache_of(const View<C, 4, Space::Device>& cache) {
  return {cache.data, std::is_same_v<C, f16>, cache.stride[0], cache.stride[1], cache.stride[2]};
}

using Kernel = void (*)(Qkv);

/// Two formats in one launch.
struct Mixture {
  uint32_t type[2];
  Kernel kernel;
};
template <class A, class B>
constexpr Mixture mixture() {
  return {{A::id, B::id}, norm_qkv_rope_append_kernel<A, B>};
}
/// What the usual recipes give v and what they give q and k: Q4_K_M, the same where rows are no multiple of
/// 256 columns, Q5_K_M, Q3_K_M.
const std::array kMixtures{mixture<device::packed::Q4_K, device::packed::Q6_K>(),
                           mixture<device::packed::Q5_0, device::packed::Q8_0>(),
                           mixture<device::packed::Q5_K, device::packed::Q6_K>(),
                           mixture<device::packed::Q3_K, device::packed::Q5_K>()};

/// Gives every matrix a number of blocks by its bytes; one without rows gets none. Returns the blocks in all.
int64_t deal_out(const device::RowPlan& plan, Projection (&parts)[kParts]) {
  int64_t bytes = 0, blocks = 0;
  for (const Projection& part : parts) bytes += part.rows * part.row_bytes;
  const int64_t bytes_per_block = (bytes + plan.blocks - 1) / plan.blocks;
  for (Projection& part : parts) {
    const int64_t even = (bytes_per_block + 2 * part.row_bytes - 1) / (2 * part.row_bytes) * 2;
    const int64_t rows = std::max<int64_t>(even, (plan.teams + 1) / 2 * 2);
    part.first_block = static_cast<int>(blocks);
    part.rows_per_block = static_cast<int>(std::min<int64_t>(rows, INT32_MAX / 2 * 2 - 1));
    blocks += device::blocks_for(part.rows, rows);
  }
  return blocks;
}

/// For the matrices of these types; the others are left out.
Status launch_for(Qkv arguments, std::span<const uint32_t> types, Kernel kernel, Stream stream,
                  Overlap overlap) {
  int64_t units = 0, rows = 0;
  for (Projection& part : arguments.part) {
    if (std::ranges::find(types, part.type) == types.end()) part.rows = 0;
    if (part.rows > 0) units = std::max(units, part.w.units);
    rows += part.rows;
  }
  arguments.plan = device::plan_rows(units, rows);
  const int64_t blocks = deal_out(arguments.plan, arguments.part);
  return device::launch({.name = "norm_qkv_rope_append",
                         .blocks_x = blocks,
                         .threads = arguments.plan.threads,
                         .shared_bytes = arguments.plan.shared_bytes,
                         .overlap = overlap},
                        kernel, stream, arguments);
}

Status launch_all(const Qkv& arguments, Stream stream, Overlap overlap) {
  std::vector<uint32_t> types;
  for (const Projection& part : arguments.part) {
    if (std::ranges::find(types, part.type) == types.end()) types.push_back(part.type);
  }
  for (const Mixture& mixture : kMixtures) {
    if (std::ranges::is_permutation(types, mixture.type))
      return launch_for(arguments, types, mixture.kernel, stream, overlap);
  }
  for (const uint32_t type : types) {
    KIGO_TRY(device::PackedFormats::choose(type, [&](auto format) {
      return launch_for(arguments, {&type, 1}, norm_qkv_rope_append_kernel<decltype(format)>, stream,
                        overlap);
    }));
  }
  return {};
}

}  // namespace

template <class C>
Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, C, Space::Device>& op, Stream stream,
                            Overlap overlap) {
  KIGO_TRY(check(op));
  Qkv arguments{.plan = {},
                .part = {},
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
                .y = op.y.data,
                .y_head_stride = op.y.stride[1],
                .cache = {cache_of(op.cache.k), cache_of(op.cache.v)}};
  size_t at = 0;
  for (const ops::Projection<Space::Device>* projection : {&op.q, &op.k, &op.v}) {
    const ops::Matrix<Space::Device>& w = projection->w;
    KIGO_TRY(device::expect_packed("norm_qkv_rope_append", w));
    KIGO_TRY(ops::expect_between("norm_qkv_rope_append.rows", w.rows, 2, INT32_MAX / 4));
    arguments.part[at++] = {.w = device::planes_of(w),
                            .type = w.type->id,
                            .bias = projection->bias.data,
                            .rows = static_cast<int>(w.rows),
                            .row_bytes = w.row_bytes(),
                            .first_block = 0,
                            .rows_per_block = 0};
  }
  return launch_all(arguments, stream, overlap);
}

template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, float, Space::Device>&, Stream,
                                     Overlap);
template Status norm_qkv_rope_append(const ops::NormQkvRopeAppend<float, f16, Space::Device>&, Stream,
                                     Overlap);

}  // namespace kigo::kernels
