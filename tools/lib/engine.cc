#include "tools/lib/engine.h"

#include <fstream>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);) {
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  }
  return "unknown CPU";
}

class CpuEngine final : public Engine {
 public:
  CpuEngine(const model::Model& model, reference::Cache cache, reference::Products products)
      : session_(model, cache, products), cache_(cache), products_(products) {}
  model::Session& session() override { return session_; }
  std::string name() const override { return "reference"; }
  std::string device() const override { return cpu_name(); }
  /// Fast products are a matter of the judge: no side of a comparison has them.
  std::string rounding() const override {
    return cat("double", cache_ == reference::Cache::Half ? " cache-half" : "",
               products_ == reference::Products::Half ? " products-half" : "");
  }
  reference::Cache twin_cache() const override { return cache_; }
  reference::Products twin_products() const override { return products_; }

 private:
  reference::Session session_;
  reference::Cache cache_;
  reference::Products products_;
};

}  // namespace

Result<std::unique_ptr<Engine>> open_engine(const model::Model& model, const EngineOptions& options) {
  if (options.backend == Backend::cuda) return open_cuda_engine(model, options);
  const auto cache = options.kv == Kv::half ? reference::Cache::Half : reference::Cache::Double;
  return std::make_unique<CpuEngine>(model, cache, options.products);
}

}  // namespace kigo::tools
