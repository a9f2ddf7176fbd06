// The comparison column: what tests in llama.cpp's style would have said of a fault. Computed without kigo's
// own bounds: normalised mean square error over a whole tensor of uniform data, against one number per
// operation.
#pragma once

#include <optional>
#include <string>
#include <string_view>

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

/// The worst line "nmse NAME VALUE LIMIT" of laws_gpu_test's Nmse tests, as a share of its limit, becomes the
/// score's operation.
void take_operation(const std::string& output, NmseScore& score);
/// The filter that runs the Nmse test of the operation that a check of the laws is about:
/// "*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k" -> "*Nmse*/linear_q4_k".
std::string nmse_filter(std::string_view law_filter);

/// Of a fault that is on in this process; for a kernel's the model only. Errors: those of model and golden
/// files.
Result<NmseScore> nmse_score(fault::Id id);

}  // namespace kigo::tools
