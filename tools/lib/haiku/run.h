// The haiku test against a worker over HTTP: asks, challenges, stops it, and leaves the files that the
// verdict is computed from.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/haiku/examiner.h"
#include "tools/lib/haiku/truth.h"
#include "tools/lib/poem.h"

namespace kigo::tools {

struct HttpRunOptions : Questions {
  /// A worker that runs; empty: `program` is started as one.
  std::string url;
  std::string program;          // kigo itself
  std::string backend = "cpu";  // cpu, cuda or auto; of a worker that runs, auto takes what it has
  int device = 0;               // of a GPU
  std::vector<std::pair<std::string, std::string>> environment;  // of the started worker, besides this one's
  std::string key;                                               // sent with each request; in no file
  std::string out = "haiku-results";                             // the run's folder is made in it
};

/// What a run leaves.
struct HttpRun {
  std::string folder;
  Json verification;
};

/// The whole run. The worker that it starts is gone when this returns. Errors: io when the worker cannot be
/// started or reached, then no folder is left; those of the reference.
Result<HttpRun> run_over_http(const Truth& truth, const HttpRunOptions& options, const Lexicon& lexicon);

}  // namespace kigo::tools
