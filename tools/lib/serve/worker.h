// The worker without sockets: one thread that loads the model and generates, one that watches the clock.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/backend.h"
#include "core/base/json.h"
#include "core/base/result.h"
#include "core/model/weights.h"
#include "core/text/chat.h"
#include "core/text/tokenizer.h"
#include "tools/lib/serve/admission.h"
#include "tools/lib/serve/log.h"
#include "tools/lib/serve/metrics.h"

namespace kigo::tools {

/// Everything that a ready worker runs on, and what it says about it.
struct Loaded {
  std::string name;  // of the model, in replies
  std::string architecture;
  std::string quant_kind;                                     // the file's own label
  std::vector<std::pair<std::string, int64_t>> tensor_types;  // what is really in it
  std::unique_ptr<const model::Model> model;  // what the backend looks at; may be null in tests
  std::unique_ptr<const text::Tokenizer> tokenizer;
  const text::ChatFormat* chat = nullptr;  // null: there is none that is known
  std::unique_ptr<Backend> backend;
};
/// Runs on the generation thread.
using Opener = std::function<Result<std::unique_ptr<Loaded>>(const LoadProgress& progress)>;

struct WorkerOptions {
  size_t queue = 16;
  std::chrono::milliseconds queue_timeout{60'000};
  std::chrono::milliseconds inference_timeout{300'000};
  std::chrono::milliseconds residency_check{60'000};  // 0: off
  std::chrono::milliseconds longest_end{
      5'000};  // a job that runs on so long after it was told to end never ends
  std::string version = {};
};

class Worker {
 public:
  /// Log and metrics outlive the worker.
  Worker(WorkerOptions options, const Log& log, Metrics& metrics);
  /// Ends the running job and waits for the threads.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void start(Opener open);
  /// How loading ended, or nothing when it has not within `limit`. Errors: those of the opener; cancelled by
  /// end_running().
  std::optional<Status> wait_ready(std::chrono::milliseconds limit);
  /// Null until it is ready; then never changes.
  const Loaded* loaded() const { return loaded_.load(std::memory_order_acquire); }

  std::optional<Refusal> submit(std::shared_ptr<Job> job);
  CancelState cancel(std::string_view id) { return admission_.cancel(id); }
  /// The job's client does not listen any more.
  void client_gone(Job& job);
  std::optional<size_t> ahead_of(const Job& job) const { return admission_.ahead_of(job); }

  /// No new jobs, those that wait are sent away, the running one goes on. Any thread, may be repeated.
  Admission::Snapshot begin_stop();
  /// The running job ends too, and loading.
  void end_running();
  /// Whether all work is over within `limit`.
  bool wait_stopped(std::chrono::milliseconds limit);

  bool healthy() const { return admission_.snapshot().state == WorkerState::healthy; }
  Admission::Snapshot snapshot() const { return admission_.snapshot(); }
  int retry_after_s() const { return admission_.retry_after_s(); }
  /// The body of /health: cached state only, no call of the backend.
  Json health() const;
  std::string metrics_text() const;

 private:
  void generate_jobs(const Opener& open);
  Status load(const Opener& open);
  Result<std::string> self_check_hash();
  void self_check();
  void run(Job& job);
  Problem problem_of(const Job& job, const Error& error, uint64_t tokens) const;
  void report_end(const Job& job, std::string_view outcome, Json fields);
  void watch();
  void watch_end_of(const Job& job);

  const WorkerOptions options_;
  const Log& log_;
  Metrics& metrics_;
  Admission admission_;
  const Clock::time_point start_ = Clock::now();
  std::unique_ptr<Loaded> owned_;
  std::atomic<const Loaded*> loaded_ = nullptr;
  std::string warm_up_hash_;
  std::atomic<bool> abort_loading_ = false;
  std::atomic<int64_t> running_since_ms_ = -1;  // since start_; -1: nothing runs

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Status> ready_;  // how loading ended
  bool over_ = false;            // the generation thread has ended
  bool quit_ = false;            // for the watching thread
  std::thread generation_;
  std::thread watching_;
};

}  // namespace kigo::tools
