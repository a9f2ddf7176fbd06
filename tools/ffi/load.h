// From a file, or from a caller's weights, to a model.
#pragma once

#include <memory>
#include <string>

#include "tools/ffi/objects.h"
#include "tools/lib/serve/open_model.h"

namespace kigo::ffi {

/// Fills `model`, with a turn. Errors: abi_mismatch; those at the start.
Outcome<void> load_file(Model& model, const char* path, const WorkerLoadOptions* options);
Outcome<void> load_pointers(Model& model, const PointerMap& map, const WorkerModelConfig* config,
                            const WorkerLoadOptions* options);

/// What the caller wants of a load, with its progress.
struct LoadRequest {
  tools::ModelOptions options;
  LoadProgress progress;  // may be empty
};
/// NULL is all of it 0. Errors: abi_mismatch.
Outcome<LoadRequest> load_request(const Context& context, const WorkerLoadOptions* options);

}  // namespace kigo::ffi
