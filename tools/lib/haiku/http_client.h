// The haiku test's side of the connection: requests to a worker, and what comes back with its times.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {

class WorkerClient {
 public:
  /// `url`: "http://host:port"; `key` is sent with every request unless it is empty. Errors: invalid_request
  /// for another scheme.
  static Result<WorkerClient> create(const std::string& url, const std::string& key);
  WorkerClient(WorkerClient&&) noexcept;
  ~WorkerClient();

  /// GET /health. Errors: io when no answer came or it is no JSON object.
  Result<Json> health();
  /// GET /metrics: every sample by its name with its labels, histograms' buckets left out. Errors: io.
  Result<Json> metrics();
  /// POST /execute with the exchange's request; fills in what came back, also when nothing did.
  void execute(Exchange& exchange);
  /// Milliseconds since this client was made.
  double ms() const;

 private:
  struct Impl;
  explicit WorkerClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// Samples of Prometheus' text format, version 0.0.4: {"worker_running": 0, ...}.
Json prometheus_samples(const std::string& text);

}  // namespace kigo::tools
