#include "kernels/forward/plan.h"

#include <algorithm>
#include <numeric>

#include "core/base/cat.h"
#include "core/ops/norm_head_argmax.h"
#include "kernels/forward/half_weights.h"
#include "kernels/loader.h"
#include "kernels/paged_attention.h"
#include "kernels/runtime/copy.h"
#include "kernels/runtime/cublas.h"

namespace kigo::kernels {
namespace {

constexpr int64_t kPlanAlignment = 256;

/// Cuts one allocation into slots.
class Cutter {
 public:
  template <class T>
  Slot<T> cut(int64_t count) {
    const Slot<T> slot{bytes_, count};
    bytes_ +=
        (count * static_cast<int64_t>(sizeof(T)) + kPlanAlignment - 1) / kPlanAlignment * kPlanAlignment;
    return slot;
  }
  int64_t bytes() const { return bytes_; }

 private:
  int64_t bytes_ = 0;
};

Result<int64_t> at_least(std::string_view subject, int64_t value, int64_t low) {
  if (value >= low) return value;
  return fail(Code::invalid_request, std::string(subject), cat(value), cat("at least ", low));
}

}  // namespace

Result<Options> settle(const Options& options, const model::Config& config) {
  Options settled = options;
  KIGO_TRY(at_least("context", options.context, 0));
  KIGO_TRY(at_least("pages", options.pages, 0));
  KIGO_TRY(at_least("chunk", options.chunk, 1));
  if (options.context > config.context) {
    return fail(Code::invalid_request, "context", cat(options.context, " positions"),
                cat("at most the model's ", config.context));
  }
  if (settled.context == 0) settled.context = config.context;
  if (settled.pages == 0) settled.pages = pages_for(settled.context);
  settled.chunk = std::min(settled.chunk, settled.context);
  if (settled.weights == WeightMode::half) settled.prefill = Prefill::half;
  KIGO_TRY(at_least("model.context", settled.context, 1));
  for (const int64_t known : {32, 64, 80, 96, 128})
    if (config.head_dim == known) return settled;
  return fail(Code::unsupported, "head_dim", cat(config.head_dim), "32, 64, 80, 96 or 128");
}

Result<WorkspacePlan> plan_workspace(const model::Config& config, const Options& options) {
  const int64_t rows = std::max(options.chunk, kFewestRows);
  const int64_t qkv = shape(Product::qkv, config).out;
  const bool halves = options.prefill == Prefill::half;
  int64_t widest = 0;
  int64_t largest = 0;
  for (const Product product : {Product::qkv, Product::attn_output, Product::gate_up, Product::ffn_down}) {
    const ProductShape sizes = shape(product, config);
    widest = std::max(widest, sizes.in);
    largest = std::max(largest, sizes.in * sizes.out);
  }
  WorkspacePlan plan;
  Cutter cutter;
  plan.positions = cutter.cut<int64_t>(options.context);
  plan.few_positions = cutter.cut<int64_t>(kFewestRows);
  plan.ids = cutter.cut<uint32_t>(options.context);
  plan.step = cutter.cut<StepInput>(1);
  plan.x = cutter.cut<float>(rows * config.width);
  plan.normed = cutter.cut<float>(rows * config.width);
  plan.qkv = cutter.cut<float>(rows * qkv);
  plan.mix = cutter.cut<float>(rows * config.heads * config.head_dim);
  plan.gate_up = cutter.cut<float>(rows * 2 * config.ffn_width);
  if (!halves) plan.out = cutter.cut<float>(rows * config.width);
  if (halves) plan.operand = cutter.cut<f16>(rows * widest);
  if (halves && options.weights == WeightMode::quantised) plan.matrices = cutter.cut<f16>(largest);
  const int64_t capacity = pages_for(options.context) * ops::kPagePositions;
  plan.attention = cutter.cut<float>(paged_attention_workspace(1, config.heads, config.head_dim, capacity));
  plan.tickets = cutter.cut<uint32_t>(paged_attention_tickets(1, config.heads));
  plan.head_rows = std::min<int64_t>(options.chunk, 32);
  plan.logits = cutter.cut<float>(plan.head_rows * config.vocab);
  plan.id = cutter.cut<uint32_t>(1);
  plan.choice = cutter.cut<uint64_t>(ops::kHeadWorkspace);
  plan.choice_ticket = cutter.cut<uint32_t>(1);
  plan.bytes = cutter.bytes();
  return plan;
}

std::vector<Need> MemoryPlan::needs() const {
  return {{Purpose::weights, weights_bytes + loading_bytes},
          {Purpose::kv, kv_bytes},
          {Purpose::workspace, workspace_bytes}};
}

KvShape kv_shape(const model::Config& config, const Options& options) {
  return {.layers = config.layers,
          .pages = options.pages,
          .kv_heads = config.kv_heads,
          .head_dim = config.head_dim,
          .kv = options.kv};
}

Result<MemoryPlan> plan_memory(const model::Config& config, const model::Weights& weights,
                               const Options& options) {
  KIGO_ASSIGN(const WeightsLayout layout, WeightsLayout::make(weights, config));
  KIGO_ASSIGN(const WorkspacePlan workspace, plan_workspace(config, options));
  MemoryPlan plan;
  const bool half = options.weights == WeightMode::half;
  int64_t loading = 0;  // the arena and the blocks on their way to it
  for (const Need& need : loading_needs(layout, {})) loading += need.bytes;
  plan.weights_bytes = half ? HalfWeights::bytes(config, weights) : layout.bytes();
  plan.loading_bytes = half ? loading : loading - layout.bytes();
  plan.kv_bytes = kv_shape(config, options).bytes();
  plan.workspace_bytes = workspace.bytes + page_table_bytes(options);
  if (options.prefill == Prefill::half) plan.workspace_bytes += Cublas::kWorkspaceBytes;
  return plan;
}

Result<Workspace> Workspace::create(Vram& vram, const WorkspacePlan& plan, Stream stream) {
  Workspace workspace;
  workspace.plan_ = plan;
  KIGO_ASSIGN(workspace.memory_, vram.allocate(Purpose::workspace, plan.bytes, "workspace"));
  // The tickets are promised to be zero. The rest may hold anything, but not just any memory: rows that no
  // chunk has written yet are read with the others and thrown away, and initcheck would report them.
  KIGO_TRY(fill(workspace.memory_.data(), plan.bytes, std::byte{0}, stream));
  std::vector<int64_t> positions(static_cast<size_t>(plan.positions.count));
  std::iota(positions.begin(), positions.end(), int64_t{0});
  KIGO_TRY(
      upload_and_wait<int64_t>({workspace.data(plan.positions), {plan.positions.count}}, positions, stream));
  return workspace;
}

}  // namespace kigo::kernels
