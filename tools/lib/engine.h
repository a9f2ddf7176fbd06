// Who computes: the plain reference on the CPU, or the kernels on a GPU, behind core/backend.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "core/backend.h"
#include "core/base/result.h"
#include "core/model/weights.h"
#include "reference/model.h"

namespace kigo::tools {

enum class Device : uint8_t { cpu, cuda };

/// How keys and values are kept. `full` is each backend's own best: double on the CPU, float on a GPU.
enum class Kv : uint8_t { backend_default, full, half };

struct EngineOptions {
  Device backend = Device::cpu;
  Kv kv = Kv::backend_default;  // full on the CPU, half on a GPU
  int device = 0;
  bool precise_prefill = false;  // GPU: float operands for prompts as well; else half with float sums
  reference::Products products = reference::Products::Plain;  // of the reference, wherever it runs
  bool half_weights = false;  // GPU: matrices expanded to half at load; else they stay as in the file
  int64_t context = 0;        // positions; 0: as many as the model has
};

/// A backend as verification sees it: with what must be known to judge its numbers.
class Engine : public Backend {
 public:
  /// "reference" or "cuda"
  virtual std::string name() const = 0;
  /// How its calls round, in the words of rounding_named() (compare/rounding.h).
  virtual std::string rounding() const = 0;
  /// The cache with which the reference rounds keys and values as this engine does.
  virtual reference::Cache twin_cache() const = 0;
  /// The products of the reference that judges this engine.
  virtual reference::Products twin_products() const = 0;
  /// What lies in the device's memory, read back and compared with the file. Nothing to do on the CPU.
  virtual Status check_weights() { return {}; }
};

/// What an engine computes with; all of it outlives the engine. A model's own, or numbers and weights that
/// came without a file.
struct EngineModel {
  const model::Config& config;
  const model::Weights& weights;

  EngineModel(const model::Config& config_, const model::Weights& weights_)
      : config(config_), weights(weights_) {}
  EngineModel(const model::Model& model)
      : EngineModel(model.config, model.weights) {}  // NOLINT: a view of it
};

/// Keeps pointers to what the model consists of. Errors: those of the backend (no device, too
/// little memory: cuda, out_of_memory), unsupported when this build has no CUDA; invalid_request for a
/// context beyond the model's; those of `progress`.
Result<std::unique_ptr<Engine>> open_engine(EngineModel model, const EngineOptions& options,
                                            const LoadProgress& progress = {});

/// That this build can run on this GPU. Errors: unsupported, cuda, with the reason.
Status probe_cuda(int device);

/// What stands behind Device::cuda: cuda_engine.cc, or no_cuda.cc in a build without.
Result<std::unique_ptr<Engine>> open_cuda_engine(EngineModel model, const EngineOptions& options,
                                                 const LoadProgress& progress);

}  // namespace kigo::tools
