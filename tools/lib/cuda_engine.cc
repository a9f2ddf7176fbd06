// The CUDA engine: the forward pass of kernels/model.h on one GPU.
#include "core/base/cat.h"
#include "kernels/model.h"
#include "tools/lib/engine.h"

namespace kigo::tools {
namespace {

kernels::Options settings(const EngineOptions& options) {
  kernels::Options settings;
  settings.kv = options.kv == Kv::full ? kernels::Kv::floating : kernels::Kv::half;
  settings.weights = options.half_weights ? kernels::WeightMode::half : kernels::WeightMode::quantised;
  settings.prefill = options.precise_prefill ? kernels::Prefill::precise : kernels::Prefill::half;
  return settings;
}

class CudaEngine final : public Engine {
 public:
  CudaEngine(kernels::Context context, const EngineOptions& options)
      : context_(std::move(context)), options_(options) {}

  Status load(const model::Model& model, const kernels::Options& options) {
    file_ = &model;
    KIGO_ASSIGN(model_, kernels::Model::load(context_, model, options));
    KIGO_ASSIGN(session_, kernels::Session::create(*model_));
    return {};
  }

  Status enter_thread() override { return context_.enter_thread(); }
  model::Session& session() override { return *session_; }
  std::string name() const override { return "cuda"; }
  std::string device() const override { return context_.info().name; }
  std::string rounding() const override {
    return cat("cuda", twin_cache() == reference::Cache::Half ? " cache-half" : "",
               options_.half_weights      ? " weights-half"
               : options_.precise_prefill ? ""
                                          : " products-half");
  }
  reference::Cache twin_cache() const override {
    return options_.kv == Kv::full ? reference::Cache::Double : reference::Cache::Half;
  }
  reference::Products twin_products() const override { return options_.products; }
  Status check_weights() override { return model_->check_weights(file_->weights); }

 private:
  kernels::Context context_;
  EngineOptions options_;
  const model::Model* file_ = nullptr;
  std::unique_ptr<kernels::Model> model_;
  std::unique_ptr<kernels::Session> session_;
};

}  // namespace

Result<std::unique_ptr<Engine>> open_cuda_engine(const model::Model& model, const EngineOptions& options) {
  KIGO_ASSIGN(auto context, kernels::Context::create(options.device));
  auto engine = std::make_unique<CudaEngine>(std::move(context), options);
  KIGO_TRY(engine->load(model, settings(options)));
  return engine;
}

}  // namespace kigo::tools
