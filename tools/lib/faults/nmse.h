// The comparison column: what tests in llama.cpp's style would have said of a fault. Computed without kigo's
// own bounds: normalised mean square error over a whole tensor of uniform data, against one number per
// operation.
#pragma once

#include <optional>
#include <string>

#include "core/base/fault.h"
#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

struct NmseScore {
  std::optional<double> op;     // of the operation with the fault, where there is a test of that operation
  std::optional<double> limit;  // llama.cpp's for it
  std::optional<double> model;  // of the logits of one prefill of 128 tokens, random model in f16; limit 1e-4

  /// "caught", "passes", or "none" where llama.cpp has no such test.
  std::string verdict() const;
  Json json() const;
};

/// Of a fault that is on in this process and runs without a GPU. Errors: those of model and golden files.
Result<NmseScore> nmse_score(fault::Id id);

}  // namespace kigo::tools
