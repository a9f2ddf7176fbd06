// Everything that can be checked about a model file, stage by stage.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/engine.h"

namespace kigo::tools {

enum class Verdict : uint8_t { pass, fail, no_truth, undecided };

struct Stage {
  std::string name;
  std::string checked;          // what was compared with what
  std::optional<double> share;  // worst error as a share of its bound; a bit-equal comparison has none
  Verdict verdict = Verdict::pass;
  std::string detail;  // why it failed, or what else is worth knowing
  double seconds = 0;  // of stages that run together, the first has the time of all
};

struct Verification {
  std::string file;
  std::string sha256;
  std::vector<Stage> stages;
  std::string poem;  // the haiku, when there is one
  std::vector<std::string> notes;

  /// fail when a stage failed; undecided when one has to be run again; no_truth when nothing from outside was
  /// there to compare with; else pass.
  Verdict verdict() const;
  Json json() const;
  /// JUnit XML, one testcase a stage; one without truth from outside or without a decision was skipped.
  std::string junit() const;
};

struct VerificationOptions {
  std::string file;
  std::string golden;  // the golden folder
  bool shipped = false;
  EngineOptions engine;  // with Device::cuda the stages of the GPU are run as well, and the haiku there
  /// Told before each stage.
  std::function<void(const std::string& stage)> progress;
};

/// Runs all stages; the first that makes the following ones impossible (a file that cannot be read) is the
/// last. Error: golden data that is itself broken, or no such
/// backend: neither says anything about the file.
Result<Verification> verify(const VerificationOptions& options);

std::string_view name(Verdict verdict);  // "pass", "FAIL", "no outside truth", "undecided"

}  // namespace kigo::tools
