#include "tools/lib/serve/metrics.h"

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

#include <array>

namespace kigo::tools {
namespace {

using prometheus::BuildCounter;
using prometheus::BuildGauge;
using prometheus::BuildHistogram;
using prometheus::Family;

/// Milliseconds: from what an event costs to the longest a job may take.
const prometheus::Histogram::BucketBoundaries kBuckets{1,   2,   5,   10,  20,  50,  100, 200,
                                                       500, 1e3, 2e3, 5e3, 1e4, 3e4, 6e4, 3e5};

}  // namespace

struct Metrics::Families {
  prometheus::Registry registry;
  Family<prometheus::Counter>& requests =
      BuildCounter().Name("worker_requests_total").Help("Requests by route and outcome").Register(registry);
  Family<prometheus::Counter>& errors =
      BuildCounter().Name("worker_errors_total").Help("Errors by code").Register(registry);
  Family<prometheus::Counter>& self_checks =
      BuildCounter().Name("worker_self_checks_total").Help("Self-checks by result").Register(registry);
  Family<prometheus::Gauge>& vram =
      BuildGauge().Name("worker_vram_bytes").Help("Memory of the backend by kind").Register(registry);
  Family<prometheus::Gauge>& build_info =
      BuildGauge().Name("worker_build_info").Help("What runs here").Register(registry);
  prometheus::Counter& tokens = counter("worker_tokens_generated_total", "Tokens generated");
  prometheus::Counter& prompt_tokens = counter("worker_prompt_tokens_total", "Tokens of prompts");
  prometheus::Gauge& queue_depth = gauge("worker_queue_depth", "Jobs that wait");
  prometheus::Gauge& running = gauge("worker_running", "Jobs that run");
  prometheus::Gauge& healthy = gauge("worker_healthy", "1 when healthy");
  prometheus::Gauge& load_ms = gauge("worker_model_load_ms", "How long loading took");
  prometheus::Gauge& uptime = gauge("worker_uptime_seconds", "Since the start");
  std::array<prometheus::Histogram*, 5> durations{
      &histogram("worker_inference_duration_ms", "From started to the end"),
      &histogram("worker_first_token_ms", "From request to first token"),
      &histogram("worker_inter_token_ms", "Between tokens"),
      &histogram("worker_queue_wait_ms", "Waiting for a turn"),
      &histogram("worker_cancel_latency_ms", "From cancel to the end")};

  prometheus::Counter& counter(const char* name, const char* help) {
    return BuildCounter().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Gauge& gauge(const char* name, const char* help) {
    return BuildGauge().Name(name).Help(help).Register(registry).Add({});
  }
  prometheus::Histogram& histogram(const char* name, const char* help) {
    return BuildHistogram().Name(name).Help(help).Register(registry).Add({}, kBuckets);
  }
};

Metrics::Metrics() : families_(std::make_unique<Families>()) {}
Metrics::~Metrics() = default;

void Metrics::request(std::string_view route, std::string_view outcome) {
  families_->requests.Add({{"route", std::string(route)}, {"outcome", std::string(outcome)}}).Increment();
}
void Metrics::error(WorkerError code) {
  families_->errors.Add({{"code", std::string(name(code))}}).Increment();
}
void Metrics::prompt_tokens(uint64_t count) {
  families_->prompt_tokens.Increment(static_cast<double>(count));
}
void Metrics::token_generated() { families_->tokens.Increment(); }
void Metrics::self_check(bool passed) {
  families_->self_checks.Add({{"result", passed ? "pass" : "fail"}}).Increment();
}
void Metrics::observe(Duration which, double milliseconds) {
  families_->durations[static_cast<size_t>(which)]->Observe(milliseconds);
}

void Metrics::loaded(const MemoryUse& memory, double load_ms) {
  families_->vram.Add({{"kind", "weights"}}).Set(static_cast<double>(memory.weights_bytes));
  families_->vram.Add({{"kind", "kv_cache"}}).Set(static_cast<double>(memory.kv_cache_bytes));
  families_->vram.Add({{"kind", "workspace"}}).Set(static_cast<double>(memory.workspace_bytes));
  families_->load_ms.Set(load_ms);
}

void Metrics::build(const std::string& version, const std::string& backend, const std::string& model,
                    const std::string& quant_kind) {
  families_->build_info
      .Add({{"version", version}, {"backend", backend}, {"model", model}, {"quant_kind", quant_kind}})
      .Set(1);
}

std::string Metrics::text(size_t waiting, size_t running, bool healthy, double uptime_s) {
  families_->queue_depth.Set(static_cast<double>(waiting));
  families_->running.Set(static_cast<double>(running));
  families_->healthy.Set(healthy ? 1 : 0);
  families_->uptime.Set(uptime_s);
  return prometheus::TextSerializer().Serialize(families_->registry.Collect());
}

}  // namespace kigo::tools
