// A side by its name on the command line.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "tools/lib/compare/capture_file.h"
#include "tools/lib/compare/compare.h"
#include "tools/lib/engine.h"

namespace kigo::tools {

/// A side with what it stands on.
struct OpenSide {
  Side side;                       // points into the others
  std::string rounding;            // rounding_named()
  std::unique_ptr<Engine> engine;  // of a live side
  std::unique_ptr<CaptureFile> capture;
};

/// "reference", "reference-half" (keys, values and a prompt's products rounded to half, as a GPU's defaults
/// round), "cuda" (its defaults), "cuda-half" (the same, weights expanded to half), "cuda-float" (keys and
/// values in float, prompts with float operands), or the path of a capture. Errors: those of open_engine and
/// of CaptureFile::open; invalid_request for a name that is neither, and for a capture of another model.
Result<OpenSide> open_side(const model::Model& model, const std::string& name, int device,
                           const std::string& model_sha256);

}  // namespace kigo::tools
