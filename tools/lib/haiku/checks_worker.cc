// What a worker says about itself: figures, health, times, its end.
#include <algorithm>

#include "core/base/cat.h"
#include "tools/lib/haiku/checks.h"

namespace kigo::tools {
namespace {

constexpr double kLimitMs = 30'000;  // of one request
constexpr std::string_view kRoute = "worker_requests_total{outcome=\"";

}  // namespace

Check check_metrics(const Run& run) {
  std::vector<std::string> wrong;
  double tokens = 0, prompts = 0, requests = 0;
  for (const Read& read : run.all) {
    tokens += static_cast<double>(read.answer.ids.size());
    prompts += static_cast<double>(std::max<int64_t>(integer_of(read.answer.started, "prompt_tokens"), 0));
    requests += 1;
  }
  const auto sample = [&](const char* when, std::string_view name) {
    const Json* all = run.files->metrics.find(when);
    const Json* value = all == nullptr ? nullptr : all->find(name);
    return value == nullptr ? 0.0 : value->number().value_or(0);
  };
  const auto rose_by = [&](const std::string& name, double wanted) {
    const double rise = sample("after", name) - sample("before", name);
    const double noted = sample("deltas", name);
    if (rise != wanted || noted != wanted)
      wrong.push_back(cat(name, " by ", rise, ", the transcript has ", wanted));
  };
  rose_by("worker_tokens_generated_total", tokens);
  rose_by("worker_prompt_tokens_total", prompts);
  for (const char* outcome : {"ok", "cancelled", "timeout", "refused", "client_gone", "error"})
    rose_by(cat(kRoute, outcome, "\",route=\"/execute\"}"), outcome == std::string_view("ok") ? requests : 0);
  return check_of("metrics", cat("tokens +", tokens, ", prompt tokens +", prompts, ", requests +", requests),
                  wrong);
}

Check check_health(const Run& run) {
  std::vector<std::string> wrong;
  const Json& environment = run.files->environment;
  const Json* health = run.files->metrics.find("health");
  const std::string backend = text_of(environment, "backend");
  const Json& model = *environment.find("model");
  for (const char* when : {"before", "after"}) {
    const Json* state = health == nullptr ? nullptr : health->find(when);
    if (state == nullptr) {
      wrong.push_back(cat(when, ": none"));
      continue;
    }
    const auto expect = [&](const char* key, const std::string& found, const std::string& wanted) {
      if (found != wanted) wrong.push_back(cat(when, ", ", key, ": ", escaped(found), ", expected ", wanted));
    };
    expect("status", text_of(*state, "status"), "healthy");
    expect("backend", text_of(*state, "backend"), backend);
    expect("architecture", text_of(*state, "architecture"), text_of(model, "architecture"));
    expect("vocab_size", cat(integer_of(*state, "vocab_size")), cat(integer_of(model, "vocab")));
    const Json* resident = state->find("resident");
    expect("resident", resident == nullptr ? "none" : resident->dump(), "true");
    const Json* device = state->find("device");
    const auto number = device == nullptr ? std::nullopt : device->integer();
    if (!number || (*number >= 0) != (backend == "cuda"))
      wrong.push_back(cat(when, ", device: ", number ? cat(*number) : "none", " on ", backend));
  }
  return check_of("health",
                  cat("healthy on ", backend, ", ", text_of(model, "architecture"), " with ",
                      integer_of(model, "vocab"), " tokens, resident"),
                  wrong);
}

Check check_time(const Run& run) {
  std::vector<std::string> wrong;
  double longest = 0;
  for (const Read& read : run.all) {
    const double took = read.exchange->closed_ms - read.exchange->sent_ms;
    longest = std::max(longest, took);
    if (took > kLimitMs) wrong.push_back(cat(label(read), ": ", static_cast<int64_t>(took), " ms"));
  }
  Check check =
      check_of("time", "30 s a request", wrong, cat("at most ", static_cast<int64_t>(longest), " ms"));
  check.required = run.shipped || text_of(run.files->environment, "backend") != "cpu";
  return check;
}

std::vector<Check> check_exit(const Run& run) {
  const Json* worker = run.files->environment.find("worker");
  const Json* exit = worker == nullptr ? nullptr : worker->find("exit");
  if (exit == nullptr) return {};
  return {{"exit", "0", exit->dump(), exit->integer() == 0}};
}

}  // namespace kigo::tools
