// What the worker counts and measures, for Prometheus: docs/worker.md, section 8.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/backend.h"
#include "core/base/worker_error.h"

namespace kigo::tools {

/// Safe to use from any thread. No label holds a job id, a prompt or a key.
class Metrics {
 public:
  Metrics();
  ~Metrics();
  Metrics(const Metrics&) = delete;
  Metrics& operator=(const Metrics&) = delete;

  /// outcome: ok, cancelled, timeout, refused, client_gone, error.
  void request(std::string_view route, std::string_view outcome);
  void error(WorkerError code);
  void prompt_tokens(uint64_t count);
  void token_generated();
  void self_check(bool passed);

  enum class Duration : uint8_t { inference, first_token, inter_token, queue_wait, cancel_latency };
  void observe(Duration which, double milliseconds);

  void loaded(const MemoryUse& memory, double load_ms);
  void build(const std::string& version, const std::string& backend, const std::string& model,
             const std::string& quant_kind);
  /// Sets the gauges of the moment and writes everything in the text format, version 0.0.4.
  std::string text(size_t waiting, size_t running, bool healthy, double uptime_s);

 private:
  struct Families;
  std::unique_ptr<Families> families_;
};

}  // namespace kigo::tools
