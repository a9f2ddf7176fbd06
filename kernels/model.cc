#include "kernels/model.h"

#include "kernels/loader.h"

namespace kigo::kernels {

Result<std::unique_ptr<Model>> Model::load(Context& context, const model::Model& model,
                                           const Options& options, const LoadProgress& progress) {
  return load(context, model.config, model.weights, options, progress);
}

Result<std::unique_ptr<Model>> Model::load(Context& context, const model::Config& config,
                                           const model::Weights& weights, const Options& options,
                                           const LoadProgress& progress) {
  std::unique_ptr<Model> model(new Model);
  Engine& engine = model->engine_;
  engine.context = &context;
  engine.config = config;
  KIGO_ASSIGN(engine.options, settle(options, config));
  KIGO_ASSIGN(engine.memory, plan_memory(config, weights, engine.options));
  KIGO_TRY(context.vram().require(engine.memory.needs()));

  LoadOptions loading;
  loading.progress = progress;
  KIGO_ASSIGN(DeviceWeights packed, load_weights(weights, config, context.vram(), loading));
  if (engine.options.weights == WeightMode::half) {
    KIGO_ASSIGN(engine.half, HalfWeights::make(packed, config, weights, context.vram(), context.stream()));
  } else {
    engine.packed = std::move(packed);
  }
  if (engine.options.prefill == Prefill::half) {
    KIGO_ASSIGN(engine.cublas, Cublas::create(context.vram()));
  }
  KIGO_ASSIGN(engine.kv, KvPool::create(context.vram(), kv_shape(config, engine.options), context.stream()));
  KIGO_ASSIGN(const WorkspacePlan plan, plan_workspace(config, engine.options));
  KIGO_ASSIGN(engine.workspace, Workspace::create(context.vram(), plan, context.stream()));
  return model;
}

Status Model::check_weights(const model::Weights& weights) {
  return engine_.packed ? verify_loaded(*engine_.packed, context().vram())
                        : engine_.half->verify(weights, context().stream());
}

}  // namespace kigo::kernels
