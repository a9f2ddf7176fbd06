#include "bench/model_step.h"

#include "core/ops/packing.h"
#include "kernels/forward/decode.h"
#include "kernels/runtime/copy.h"

namespace kigo::bench {

Result<std::unique_ptr<DecodeStep>> DecodeStep::make(kernels::Model& model, int64_t depth) {
  std::unique_ptr<DecodeStep> step(new DecodeStep(model));
  const kernels::Engine& engine = model.engine();
  kernels::Context& context = model.context();
  step->depth_ = depth;
  KIGO_TRY(engine.kv.book()->grow(step->held_, depth + 1));
  KIGO_ASSIGN(step->table_,
              context.vram().array<int32_t>(kernels::Purpose::workspace,
                                            kernels::pages_for(engine.options.context), "page table"));
  std::vector<int32_t> table = step->held_;
  table.resize(static_cast<size_t>(step->table_.size()), 0);
  KIGO_TRY(kernels::upload_and_wait<int32_t>(step->table_.view(), table, context.stream()));
  const kernels::StepInput input{.position = depth, .token = 4711};
  KIGO_TRY(kernels::upload(reinterpret_cast<std::byte*>(engine.workspace.data(engine.plan().step)),
                           std::as_bytes(std::span(&input, 1)), context.stream()));
  KIGO_TRY(kernels::synchronize(context.stream()));
  return step;
}

DecodeStep::~DecodeStep() {
  (void)kernels::synchronize(model_.context().stream());  // nothing may use the pages any more
  model_.engine().kv.book()->shrink(held_, 0);
}

Launch DecodeStep::launch() const {
  return [this](kernels::Stream) {
    return kernels::decode_step(model_.engine(), {table_.view(), held_}, depth_, nullptr);
  };
}

double DecodeStep::weights_bytes() const {
  const kernels::Engine& engine = model_.engine();
  const auto embedding = engine.embedding();
  return static_cast<double>(engine.memory.weights_bytes -
                             ops::packed_bytes(*embedding.type, embedding.rows, embedding.cols));
}

}  // namespace kigo::bench
