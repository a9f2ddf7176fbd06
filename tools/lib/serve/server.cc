#include "tools/lib/serve/server.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <mutex>
#include <thread>
#include <utility>

#include "core/base/cat.h"
#include "core/base/worker_error.h"
#include "tools/lib/serve/callback.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr seconds kIdleStop(5);   // without a job
constexpr seconds kLastWords(5);  // of a job before the limit
constexpr milliseconds kSecondSignal(1'000);

/// Who wants the process to end, and how urgently.
class StopRequests {
 public:
  void add() {
    {
      const std::lock_guard lock(mutex_);
      ++count_;
    }
    changed_.notify_all();
  }
  int count() const {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  /// Whether there were so many within `limit`.
  bool wait_for(int count, milliseconds limit) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, limit, [&] { return count_ >= count; });
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return count_ >= 1; });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  int count_ = 0;
};

/// Turns SIGTERM and SIGINT into requests, on a thread of its own; all threads started later inherit the
/// mask.
void watch_signals(const std::shared_ptr<StopRequests>& stops) {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  std::thread([set, stops] {
    for (int signal = 0;;) {
      if (::sigwait(&set, &signal) == 0) stops->add();
    }
  }).detach();
}

[[noreturn]] void leave_at_once(int status) {
  std::fflush(stdout);
  std::fflush(stderr);
  ::_exit(status);
}

void log_start_error(const Log& log, const std::string& path, const Error& error) {
  for (const Error& each : explain_model(path))
    log.write(LogLevel::error, "model_validation", Json::object({{"message", each.message()}}));
  const std::string_view code = name(start_error(error));
  log.write(LogLevel::error, "error", Json::object({{"code", code}, {"message", error.message()}}));
  std::fprintf(stderr, "error %s: %s\n", std::string(code).c_str(), error.message().c_str());
}

std::string ready_line(const ServeOptions& options, const Loaded& loaded, int port, int64_t load_ms) {
  const std::string uri = cat("http://", options.http.host, ":", port);
  const BackendInfo& info = loaded.backend->info();
  if (options.log.json) {
    return Json::object({{"ready", uri},
                         {"backend", info.name},
                         {"device", info.device},
                         {"model", loaded.name},
                         {"context", loaded.backend->context()},
                         {"load_ms", load_ms}})
        .dump();
  }
  return cat("kigo ready ", uri, " backend=", info.name, " device=", info.device,
             " model=", escaped(loaded.name, 128), " context=", loaded.backend->context(),
             " load_ms=", load_ms);
}

/// Waits for the model. Nothing: it is ready; else the exit status.
std::optional<int> wait_until_ready(const ServeOptions& options, Worker& worker, StopRequests& stops,
                                    const Log& log) {
  const auto start = Clock::now();
  for (;;) {
    if (const auto ready = worker.wait_ready(milliseconds(20))) {
      if (*ready) return std::nullopt;
      if (stops.count() != 0) return 0;
      log_start_error(log, options.model.path, ready->error());
      return 1;
    }
    if (stops.count() != 0) {
      worker.begin_stop();
      worker.end_running();
      if (!worker.wait_stopped(milliseconds(800))) leave_at_once(0);  // opening a file cannot be ended
      return 0;
    }
    if (options.load_timeout.count() != 0 && Clock::now() - start > options.load_timeout) {
      std::fprintf(stderr, "error MODEL_LOAD_FAILED: loading: not done after %lld s (--load-timeout-s)\n",
                   static_cast<long long>(options.load_timeout.count()));
      leave_at_once(kLoadTimeout);
    }
  }
}

/// The running job may finish; close to the limit, or after a second request, it ends. Whether all did in
/// time.
bool wind_down(const ServeOptions& options, Worker& worker, StopRequests& stops) {
  const bool busy = worker.begin_stop().running != 0;
  const auto limit = busy ? options.shutdown_timeout : std::min(options.shutdown_timeout, kIdleStop);
  const auto end = Clock::now() + limit;
  while (stops.count() < 2 && Clock::now() < end - std::min(limit / 2, kLastWords)) {
    if (worker.wait_stopped(milliseconds(20))) return true;
  }
  worker.end_running();
  const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
  return worker.wait_stopped(stops.count() >= 2 ? kSecondSignal : left);
}

/// Ends the process when what follows takes too long: a client that does not read must not hold it.
void force_after(milliseconds limit) {
  std::thread([limit] {
    std::this_thread::sleep_for(limit);
    leave_at_once(kForced);
  }).detach();
}

}  // namespace

bool is_loopback(const std::string& host) {
  const bool numeric = host.find_first_not_of("0123456789.") == std::string::npos;  // 127.a.example is a name
  return host == "localhost" || host == "::1" || (numeric && host.starts_with("127."));
}

int serve(ServeOptions options, Opener open) {
  const auto start = Clock::now();
  const Log log(options.log, [](std::string_view line) {
    std::fwrite(line.data(), 1, line.size(), stderr);
    std::fflush(stderr);
  });
  const auto stops = std::make_shared<StopRequests>();
  watch_signals(stops);
  log.write(LogLevel::info, "startup",
            Json::object({{"version", options.worker.version}, {"model", options.model.path}}));
  if (options.choose_backend) {
    const Status usable = probe_cuda(options.model.engine.device);
    options.model.engine.backend = usable ? Device::cuda : Device::cpu;
    log.write(
        LogLevel::info, "backend",
        Json::object({{"backend", usable ? "cuda" : "cpu"},
                      {"reason", usable ? std::string("a supported device") : usable.error().message()}}));
  }
  HttpServer http(options.http);
  const auto port = http.bind();
  if (!port) {
    std::fprintf(stderr, "error INTERNAL: %s\n", port.error().message().c_str());
    return kPortTaken;
  }
  options.routes.port = *port;
  Metrics metrics;
  Worker worker(options.worker, log, metrics);
  Routes routes(options.routes, worker, log, metrics, [stops] { stops->add(); });
  std::thread listening([&] { http.run(routes, worker); });
  if (!open) open = [&](const LoadProgress& progress) { return open_loaded(options.model, progress); };
  worker.start(std::move(open));

  std::optional<int> exit = wait_until_ready(options, worker, *stops, log);
  if (!exit) {
    const auto load_ms = std::chrono::duration_cast<milliseconds>(Clock::now() - start).count();
    const Loaded& loaded = *worker.loaded();
    log.write(
        LogLevel::info, "ready",
        Json::object({{"model", loaded.name}, {"device", loaded.backend->info().device}, {"port", *port}}));
    std::printf("%s\n", ready_line(options, loaded, *port, load_ms).c_str());
    std::fflush(stdout);
    std::atomic<bool> stopping = false;
    std::thread callback;
    if (!options.callback_url.empty()) {
      const Json body = Json::object({{"worker_id", options.log.worker_id},
                                      {"uri", cat("http://", options.http.host, ":", *port)},
                                      {"vram_bytes", loaded.backend->memory().total_bytes()}});
      callback = std::thread([&, body] { call_back(options.callback_url, body, log, stopping); });
    }
    stops->wait();
    stopping = true;
    log.write(LogLevel::info, "shutdown");
    if (!wind_down(options, worker, *stops)) leave_at_once(kForced);
    if (callback.joinable()) callback.join();
    exit = 0;
  }
  force_after(kIdleStop);
  http.stop();
  listening.join();
  return *exit;
}

}  // namespace kigo::tools
