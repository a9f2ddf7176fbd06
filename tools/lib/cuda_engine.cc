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
  settings.context = options.context;
  settings.prefill = options.precise_prefill ? kernels::Prefill::precise : kernels::Prefill::half;
  return settings;
}

class CudaEngine final : public Engine {
 public:
  CudaEngine(kernels::Context context, const EngineOptions& options)
      : context_(std::move(context)), options_(options) {}

  Status load(EngineModel model, const kernels::Options& options, const LoadProgress& progress) {
    weights_ = &model.weights;
    const auto report = [&progress](int64_t done, int64_t total) {
      return progress(static_cast<uint64_t>(done), static_cast<uint64_t>(total));
    };
    KIGO_ASSIGN(model_, kernels::Model::load(context_, model.config, model.weights, options,
                                             progress ? kernels::LoadProgress(report) : nullptr));
    KIGO_ASSIGN(session_, kernels::Session::create(*model_));
    KIGO_ASSIGN(const int runtime, kernels::runtime_version());
    const kernels::DeviceInfo& device = context_.info();
    info_ = {.name = "cuda",
             .device = device.index,
             .device_name = device.name,
             .capability = device.capability,
             .runtime_version = cat(runtime / 1000, '.', runtime % 1000 / 10)};
    const kernels::MemoryPlan& plan = model_->memory();
    memory_ = {.weights_bytes = plan.weights_bytes,
               .kv_cache_bytes = plan.kv_bytes,
               .workspace_bytes = plan.workspace_bytes};
    return {};
  }

  const BackendInfo& info() const override { return info_; }
  const MemoryUse& memory() const override { return memory_; }
  int64_t context() const override { return model_->options().context; }
  Status enter_thread() override { return context_.enter_thread(); }
  Status health() override {
    KIGO_TRY(context_.health());
    return context_.vram().check_residency();
  }
  model::Session& session() override { return *session_; }
  Result<std::unique_ptr<model::Session>> open_session() override {
    return kernels::Session::create(*model_);
  }
  int64_t held_bytes() const override { return context_.vram().total_bytes(); }
  std::string name() const override { return "cuda"; }
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
  Status check_weights() override { return model_->check_weights(*weights_); }

 private:
  kernels::Context context_;
  EngineOptions options_;
  const model::Weights* weights_ = nullptr;
  std::unique_ptr<kernels::Model> model_;
  std::unique_ptr<kernels::Session> session_;
  BackendInfo info_;
  MemoryUse memory_;
};

}  // namespace

Result<std::unique_ptr<Engine>> open_cuda_engine(EngineModel model, const EngineOptions& options,
                                                 const LoadProgress& progress) {
  KIGO_ASSIGN(auto context, kernels::Context::create(options.device));
  auto engine = std::make_unique<CudaEngine>(std::move(context), options);
  KIGO_TRY(engine->load(model, settings(options), progress));
  return engine;
}

Status probe_cuda(int device) {
  KIGO_ASSIGN(const int devices, kernels::device_count());
  if (devices == 0) return fail(Code::cuda, "CUDA driver", "no device");
  KIGO_TRY(kernels::Context::create(device));
  return {};
}

}  // namespace kigo::tools
