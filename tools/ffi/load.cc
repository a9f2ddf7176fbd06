#include "tools/ffi/load.h"

#include <limits>

namespace kigo::ffi {

Outcome<LoadRequest> load_request(const Context& context, const WorkerLoadOptions* options) {
  LoadRequest request;
  tools::EngineOptions& engine = request.options.engine;
  engine.backend = context.device < 0 ? tools::Device::cpu : tools::Device::cuda;
  engine.device = context.device;
  if (options == nullptr) return request;
  FFI_TRY(check_struct(options, "WorkerLoadOptions"));
  engine.context = options->max_context;
  constexpr uint64_t kMost = std::numeric_limits<int64_t>::max();
  request.options.kv_cache_bytes = static_cast<int64_t>(std::min(options->kv_cache_bytes, kMost));
  if (options->expected_architecture != nullptr)
    request.options.expected_architecture = options->expected_architecture;
  if (options->progress != nullptr)
    request.progress = [progress = options->progress, user = options->user](uint64_t done,
                                                                            uint64_t total) -> Status {
      if (progress(user, done, total) != 0) return fail(Code::cancelled, "loading", "ended by progress()");
      return {};
    };
  return request;
}

Outcome<void> load_file(Model& model, const char* path, const WorkerLoadOptions* options) {
  auto request = load_request(*model.context, options);
  if (!request) return tl::unexpected<Failure>(std::move(request.error()));
  request->options.path = path;
  auto loaded = tools::open_loaded(request->options, request->progress);
  if (!loaded) return tl::unexpected<Failure>(Failure::at_start(loaded.error()));
  model.loaded = std::move(*loaded);
  model.token_count = model.loaded->tokenizer->size();
  model.count();
  return {};
}

}  // namespace kigo::ffi
