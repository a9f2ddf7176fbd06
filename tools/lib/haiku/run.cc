#include "tools/lib/haiku/run.h"

#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/cat.h"
#include "tools/lib/haiku/child_server.h"
#include "tools/lib/haiku/http_client.h"
#include "tools/lib/haiku/run_files.h"

namespace kigo::tools {
namespace {

constexpr std::chrono::seconds kHealthyLimit(30);  // of a worker that runs already
constexpr std::chrono::seconds kStopLimit(40);     // the worker's own is 30 s

/// Its health once it is healthy. Errors: io.
Result<Json> await_healthy(WorkerClient& client) {
  const auto end = std::chrono::steady_clock::now() + kHealthyLimit;
  for (;;) {
    KIGO_ASSIGN(Json health, client.health());
    if (text_of(health, "status") == "healthy") return health;
    if (std::chrono::steady_clock::now() > end)
      return fail(Code::io, "worker", text_of(health, "status"), "healthy");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Json deltas(const Json& before, const Json& after) {
  Json out = Json::object();
  for (const Json::Member& sample : *after.members()) {
    if (sample.first.find("_total") == std::string::npos) continue;
    const Json* was = before.find(sample.first);
    out.set(sample.first, *sample.second.number() - (was == nullptr ? 0 : *was->number()));
  }
  return out;
}

Result<std::unique_ptr<ChildServer>> start_worker(const HttpRunOptions& options, const std::string& model,
                                                  const std::string& folder) {
  ChildOptions child;
  child.argv = {options.program, "serve",  "--model", model,          "--backend",
                options.backend, "--port", "0",       "--gpu-device", cat(options.device),
                "--log-format",  "json"};
  child.environment = options.environment;
  child.log = cat(folder, "/worker.log");
  return ChildServer::start(child);
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpu_model() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

Json environment(const HttpRunOptions& options, Json model, const Json& health, const Json& exit) {
  const std::string backend = options.backend == "auto" ? text_of(health, "backend") : options.backend;
  const std::string gpu = text_of(health, "device_name");
  Json out = environment_of("http", options, backend, std::move(model));
  out.set("device", gpu.empty() ? cpu_model() : gpu);
  out.set("cpu", cpu_model());
  if (!gpu.empty()) {
    out.set("gpu", gpu);
    out.set("cuda_runtime", text_of(health, "cuda_runtime_version"));
    out.set("driver", first_line("/proc/driver/nvidia/version"));
  }
  Json worker = Json::object({{"version", text_of(health, "version")}});
  if (!exit.is_null()) worker.set("exit", exit);
  out.set("worker", std::move(worker));
  return out;
}

/// All of the run but its verdict. The worker is stopped behind the last question, before the reference
/// begins.
Result<RunFiles> examine(const Truth& truth, const HttpRunOptions& options, const std::string& nonce,
                         const std::string& folder, const Lexicon& lexicon) {
  const Json model = truth.description();
  std::unique_ptr<ChildServer> child;
  if (options.url.empty()) {
    KIGO_ASSIGN(child, start_worker(options, text_of(model, "file"), folder));
  }
  KIGO_ASSIGN(WorkerClient client, WorkerClient::create(child ? child->url() : options.url, options.key));
  KIGO_ASSIGN(Json health, await_healthy(client));
  KIGO_ASSIGN(Json before, client.metrics());
  Examiner examiner(options, truth.tokenizer(), lexicon, *model.find("shipped")->boolean(),
                    [&client](Exchange& exchange) { client.execute(exchange); });
  examiner.ask_for_haikus(nonce);
  examiner.challenge();
  // A worker that broke down in between may not answer any more; that is for the checks to say.
  Json after = client.metrics().value_or(Json::object());
  Json health_after = client.health().value_or(Json::object());
  const Json exit = child ? Json(child->stop(kStopLimit)) : Json();

  RunFiles files;
  files.exchanges = std::move(examiner).exchanges();
  files.environment = environment(options, model, health, exit);
  Json rise = deltas(before, after);
  files.metrics = Json::object(
      {{"before", std::move(before)},
       {"after", std::move(after)},
       {"deltas", std::move(rise)},
       {"health", Json::object({{"before", std::move(health)}, {"after", std::move(health_after)}})}});
  KIGO_ASSIGN(files.reference, truth.judge(files.exchanges, text_of(files.environment, "backend") == "cuda"));
  return files;
}

}  // namespace

Result<HttpRun> run_over_http(const Truth& truth, const HttpRunOptions& options, const Lexicon& lexicon) {
  const std::string nonce = options.nonce();
  const std::string folder = cat(options.out, "/", run_id(options.now(), nonce));
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  const bool made = !error && std::filesystem::create_directory(folder, error);
  if (!made) return fail(Code::io, folder, cat("cannot create: ", error ? error.message() : "it is there"));
  auto files = examine(truth, options, nonce, folder, lexicon);
  if (!files) {
    std::filesystem::remove_all(folder, error);
    std::filesystem::remove(options.out, error);  // only when nothing else is in it
    return tl::unexpected<Error>(std::move(files.error()));
  }
  KIGO_TRY(write_run(*files, folder));
  KIGO_ASSIGN(Json verification, verify_run_folder(folder, lexicon));
  return HttpRun{folder, std::move(verification)};
}

}  // namespace kigo::tools
