#include "tools/lib/engine.h"

#include <algorithm>
#include <fstream>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

/// Tokens of a prompt that pass together: the reference gives the same bits for any number, and with few of
/// them whoever wants to end the run is heard soon.
constexpr int64_t kPromptChunk = 16;

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

/// Weights are the file itself. Keys and values are doubles, also when they are rounded to half. The
/// workspace is the most that lives at once while a chunk passes a layer, or the logits with the rows they
/// come from.
MemoryUse memory_of(const model::Config& config, const model::Weights& weights) {
  constexpr auto kDouble = static_cast<int64_t>(sizeof(double));
  MemoryUse use;
  for (const gguf::Tensor* tensor : weights.all())
    use.weights_bytes += static_cast<int64_t>(tensor->data.size());
  use.kv_cache_bytes = 2 * config.layers * config.context * config.kv_heads * config.head_dim * kDouble;
  const int64_t query = config.heads * config.head_dim;
  const int64_t key = config.kv_heads * config.head_dim;
  const int64_t attention = 3 * config.width + 2 * query + 2 * key;
  const int64_t ffn = 3 * config.width + 2 * config.ffn_width;
  const int64_t chunk = std::min(kPromptChunk, config.context);
  use.workspace_bytes = (chunk * std::max(attention, ffn) + config.vocab) * kDouble;
  return use;
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(const model::Weights& weights, model::Config config, const EngineOptions& options)
      : config_(std::move(config)),
        weights_(weights),
        cache_(options.kv == Kv::half ? reference::Cache::Half : reference::Cache::Double),
        products_(options.products),
        session_(config_, weights, cache_, products_),
        info_{.name = "cpu", .device_name = cpu_name()},
        memory_(memory_of(config_, weights)) {}

  const BackendInfo& info() const override { return info_; }
  const MemoryUse& memory() const override { return memory_; }
  int64_t context() const override { return config_.context; }
  model::Session& session() override { return session_; }
  Result<std::unique_ptr<model::Session>> open_session() override {
    return std::make_unique<reference::Session>(config_, weights_, cache_, products_);
  }
  int64_t held_bytes() const override { return memory_.weights_bytes + memory_.workspace_bytes; }
  int64_t prompt_chunk() const override { return kPromptChunk; }
  std::string name() const override { return "reference"; }
  /// Fast products are a matter of the judge: no side of a comparison has them.
  std::string rounding() const override {
    return cat("double", cache_ == reference::Cache::Half ? " cache-half" : "",
               products_ == reference::Products::Half ? " products-half" : "");
  }
  reference::Cache twin_cache() const override { return cache_; }
  reference::Products twin_products() const override { return products_; }

 private:
  model::Config config_;  // the model's, with the context that was asked for
  const model::Weights& weights_;
  reference::Cache cache_;
  reference::Products products_;
  reference::Session session_;
  BackendInfo info_;
  MemoryUse memory_;
};

/// Reads a byte of every page, so that no request waits for the disk.
Status touch(const model::Weights& weights, const LoadProgress& progress) {
  constexpr size_t kPage = 4096;
  constexpr size_t kStep = size_t{1} << 22;
  uint64_t total = 0;
  for (const gguf::Tensor* tensor : weights.all()) total += tensor->data.size();
  uint64_t done = 0;
  std::byte seen{};
  KIGO_TRY(progress(0, total));
  for (const gguf::Tensor* tensor : weights.all()) {
    for (size_t at = 0; at < tensor->data.size(); at += kStep) {
      const auto part = tensor->data.subspan(at, std::min(kStep, tensor->data.size() - at));
      for (size_t i = 0; i < part.size(); i += kPage) seen ^= part[i];
      done += part.size();
      KIGO_TRY(progress(done, total));
    }
  }
  [[maybe_unused]] const volatile std::byte kept = seen;  // else the reads would be left out
  return {};
}

}  // namespace

Result<std::unique_ptr<Engine>> open_engine(EngineModel model, const EngineOptions& options,
                                            const LoadProgress& progress) {
  if (options.context < 0 || options.context > model.config.context)
    return fail(Code::invalid_request, "context", cat(options.context),
                cat("0 or 1..", model.config.context, ", the model's"));
  if (options.backend == Device::cuda) return open_cuda_engine(model, options, progress);
  model::Config config = model.config;
  if (options.context != 0) config.context = options.context;
  if (progress) KIGO_TRY(touch(model.weights, progress));
  return std::make_unique<CpuEngine>(model.weights, std::move(config), options);
}

}  // namespace kigo::tools
