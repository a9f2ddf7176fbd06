#include "tools/lib/serve/worker.h"

#include "core/base/cat.h"
#include "core/base/sha256.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;

double ms_since(Clock::time_point start) {
  return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
}

std::string_view outcome_of(WorkerError code) {
  switch (code) {
    case WorkerError::cancelled:
      return "cancelled";
    case WorkerError::inference_timeout:
    case WorkerError::queue_timeout:
      return "timeout";
    case WorkerError::client_gone:
      return "client_gone";
    default:
      return "error";
  }
}

Json about(const Job& job) {
  return Json::object({{"job_id", job.id}, {"correlation_id", job.correlation_id}});
}

}  // namespace

Worker::Worker(WorkerOptions options, const Log& log, Metrics& metrics)
    : options_(std::move(options)),
      log_(log),
      metrics_(metrics),
      admission_(options_.queue, [this](const Job& job, WorkerError code) {
        metrics_.error(code);
        report_end(job, outcome_of(code), Json::object({{"code", name(code)}}));
      }) {}

Worker::~Worker() {
  begin_stop();
  end_running();
  if (generation_.joinable()) generation_.join();
  {
    const std::lock_guard lock(mutex_);
    quit_ = true;
  }
  changed_.notify_all();
  if (watching_.joinable()) watching_.join();
}

void Worker::start(Opener open) {
  generation_ = std::thread([this, open = std::move(open)] { generate_jobs(open); });
  watching_ = std::thread([this] { watch(); });
}

std::optional<Status> Worker::wait_ready(milliseconds limit) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, limit, [this] { return ready_.has_value(); });
  return ready_;
}

void Worker::generate_jobs(const Opener& open) {
  const Status ready = load(open);
  {
    const std::lock_guard lock(mutex_);
    ready_ = ready;
  }
  changed_.notify_all();
  auto checked = Clock::now();
  while (ready && !admission_.drained()) {
    const std::shared_ptr<Job> job = admission_.next(milliseconds(200));
    if (job) {
      run(*job);
    } else if (options_.residency_check.count() != 0 && Clock::now() - checked > options_.residency_check) {
      self_check();
      checked = Clock::now();
    }
  }
  {
    const std::lock_guard lock(mutex_);
    over_ = true;
  }
  changed_.notify_all();
}

Status Worker::load(const Opener& open) {
  const auto start = Clock::now();
  log_.write(LogLevel::info, "model_load_start");
  int logged = -1;
  const LoadProgress progress = [&](uint64_t done, uint64_t total) -> Status {
    if (abort_loading_) return fail(Code::cancelled, "loading", "stopped");
    const int now = percent(done, total);
    admission_.set_load_percent(now);
    for (int step = logged < 0 ? 0 : logged + 5; step <= now; step += 5) {
      log_.write(LogLevel::info, "model_load_progress", Json::object({{"percent", step}}));
      logged = step;
    }
    return {};
  };
  KIGO_ASSIGN(owned_, open(progress));
  KIGO_ASSIGN(warm_up_hash_, self_check_hash());
  const double load_ms = ms_since(start);
  const Backend& backend = *owned_->backend;
  metrics_.loaded(backend.memory(), load_ms);
  metrics_.build(options_.version, backend.info().name, owned_->name, owned_->quant_kind);
  admission_.set_load_percent(100);
  log_.write(
      LogLevel::info, "model_load_complete",
      Json::object({{"model", owned_->name}, {"device", backend.info().device}, {"load_ms", load_ms}}));
  loaded_.store(owned_.get(), std::memory_order_release);
  admission_.set_state(WorkerState::healthy);
  return {};
}

/// One token through all layers: the logits' bits are the same as long as nothing broke.
Result<std::string> Worker::self_check_hash() {
  Backend& backend = *owned_->backend;
  KIGO_TRY(backend.health());
  backend.session().reset();
  const uint32_t first = 0;
  const auto logits = backend.prefill({&first, 1});
  backend.session().reset();
  if (!logits) return tl::unexpected<Error>(logits.error());
  return sha256(std::as_bytes(std::span(logits->values)));
}

void Worker::self_check() {
  const auto hash = self_check_hash();
  const bool passed = hash && *hash == warm_up_hash_;
  metrics_.self_check(passed);
  log_.write(passed ? LogLevel::debug : LogLevel::error, "self_check", Json::object({{"passed", passed}}));
  if (passed) return;
  const std::string reason =
      cat("self-check: ", hash ? "logits hash differs from start-up" : hash.error().message());
  admission_.set_state(WorkerState::unhealthy, reason);
  log_.write(LogLevel::error, "unhealthy", Json::object({{"reason", reason}}));
}

std::optional<Refusal> Worker::submit(std::shared_ptr<Job> job) {
  const std::string route = job->route;
  auto refusal = admission_.admit(std::move(job));
  if (refusal) {
    metrics_.request(route, "refused");
    metrics_.error(refusal->problem.code);
  }
  return refusal;
}

void Worker::client_gone(Job& job) {
  log_.write(LogLevel::info, "client_gone", about(job));
  job.stop(EndCause::client_gone);
  if (admission_.ahead_of(job)) admission_.cancel(job.id, EndCause::client_gone);
}

/// The words of an end that is not the model's.
Problem Worker::problem_of(const Job& job, const Error& error, uint64_t tokens) const {
  const std::string after = cat(" after ", tokens, tokens == 1 ? " token" : " tokens");
  if (error.code != Code::cancelled) return {worker_error(error.code), fact_of(error), {}};
  switch (job.cause()) {
    case EndCause::timeout:
      return {WorkerError::inference_timeout,
              cat(options_.inference_timeout.count() / 1000, " s passed", after),
              {}};
    case EndCause::shutting_down:
      return {WorkerError::shutting_down, cat("worker is stopping, ended", after), {}};
    case EndCause::client_gone:
      return {WorkerError::client_gone, cat("client gone", after), {}};
    case EndCause::slow_client:
      return {WorkerError::slow_client, cat("client too slow, ended", after), {}};
    default:
      return {WorkerError::cancelled, cat("cancelled by request", after), {}};
  }
}

void Worker::run(Job& job) {
  const auto start = Clock::now();
  const double queue_ms = std::chrono::duration<double, std::milli>(start - job.received).count();
  running_since_ms_ = std::chrono::duration_cast<milliseconds>(start - start_).count();
  metrics_.observe(Metrics::Duration::queue_wait, queue_ms);
  metrics_.prompt_tokens(job.prompt.size());
  log_.write(LogLevel::info, "execute_start", about(job));

  uint64_t tokens = 0;
  auto last_token = start;
  const auto keep = [&job](bool taken) {
    if (!taken) job.stop(EndCause::slow_client);
  };
  GenerationEvents events;
  events.started = [&](const Started& started) { keep(job.sink->started(started)); };
  events.piece = [&](const Piece& piece) { keep(job.sink->piece(piece)); };
  events.token = [&](uint64_t count) {
    tokens = count;
    metrics_.token_generated();
    const double gap = ms_since(count == 1 ? job.received : last_token);
    metrics_.observe(count == 1 ? Metrics::Duration::first_token : Metrics::Duration::inter_token, gap);
    last_token = Clock::now();
    if (job.metrics_every_tokens != 0 && count % static_cast<uint64_t>(job.metrics_every_tokens) == 0) {
      const double seconds = ms_since(start) / 1e3;
      keep(job.sink->metrics({count, seconds > 0 ? static_cast<double>(count) / seconds : 0,
                              owned_->backend->memory().total_bytes()}));
    }
  };
  job.options.cancel = &job.cancelled();
  const auto generation = generate(*owned_->backend, *owned_->tokenizer, job.prompt, job.options, events);
  running_since_ms_ = -1;
  metrics_.observe(Metrics::Duration::inference, ms_since(start));
  admission_.finish(job, Clock::now() - start);  // before the last event: who has it may send the id again
  Json fields = Json::object({{"prompt_tokens", static_cast<uint64_t>(job.prompt.size())},
                              {"tokens_out", tokens},
                              {"queue_ms", queue_ms},
                              {"seed", job.options.sampling.seed}});
  if (generation) {
    const auto whole = [](double ms) { return static_cast<int64_t>(ms); };
    const JobTimes times{whole(queue_ms), whole(generation->prefill_s * 1e3),
                         whole(generation->first_token_s * 1e3), whole(generation->decode_s * 1e3)};
    fields.set("prefill_ms", times.prefill_ms);
    fields.set("first_token_ms", times.first_token_ms);
    fields.set("decode_time_ms", times.decode_ms);
    report_end(job, "ok", std::move(fields));
    job.sink->end(*generation, times);
    return;
  }
  const Problem problem = problem_of(job, generation.error(), tokens);
  if (const auto latency = job.since_stop())
    metrics_.observe(Metrics::Duration::cancel_latency,
                     std::chrono::duration<double, std::milli>(*latency).count());
  metrics_.error(problem.code);
  fields.set("code", name(problem.code));
  fields.set("message", problem.message);
  report_end(job, outcome_of(problem.code), std::move(fields));
  job.sink->error(problem);
  if (generation.error().code == Code::cuda || generation.error().code == Code::out_of_memory) self_check();
}

void Worker::report_end(const Job& job, std::string_view outcome, Json fields) {
  metrics_.request(job.route, outcome);
  Json line = about(job);
  line.set("outcome", outcome);
  line.set("prompt_bytes", static_cast<uint64_t>(job.prompt_bytes));
  line.set("prompt_sha256", job.prompt_sha256);
  for (const Json::Member& field : *fields.members()) line.set(field.first, field.second);
  log_.write(LogLevel::info, "execute_end", line);
}

/// docs/worker.md, section 2.2: such a worker is unhealthy.
void Worker::watch_end_of(const Job& job) {
  const auto since = job.since_stop();
  if (!since || *since < options_.longest_end || !healthy()) return;
  const std::string reason =
      cat("job ", job.id, ": still running ", options_.longest_end.count(), " ms after it was told to end");
  admission_.set_state(WorkerState::unhealthy, reason);
  log_.write(LogLevel::error, "unhealthy", Json::object({{"reason", reason}}));
}

/// Time limits, every 20 ms.
void Worker::watch() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, milliseconds(20), [this] { return quit_; })) {
    lock.unlock();
    admission_.expire(options_.queue_timeout);
    const int64_t since = running_since_ms_;
    const auto now = std::chrono::duration_cast<milliseconds>(Clock::now() - start_).count();
    if (since >= 0 && now - since > options_.inference_timeout.count()) {
      const std::shared_ptr<Job> job = admission_.running();
      // Between the two looks another job may have begun.
      if (job && running_since_ms_ == since) job->stop(EndCause::timeout);
    }
    if (const std::shared_ptr<Job> job = admission_.running()) watch_end_of(*job);
    lock.lock();
  }
}

Admission::Snapshot Worker::begin_stop() {
  const Admission::Snapshot before = admission_.snapshot();
  admission_.stop();
  return before;
}

void Worker::end_running() {
  abort_loading_ = true;
  if (const std::shared_ptr<Job> job = admission_.running()) job->stop(EndCause::shutting_down);
}

bool Worker::wait_stopped(milliseconds limit) {
  std::unique_lock lock(mutex_);
  return changed_.wait_for(lock, limit, [this] { return over_; });
}

Json Worker::health() const {
  const Admission::Snapshot now = admission_.snapshot();
  Json health = Json::object({{"status", name(now.state)}, {"worker_id", log_.options().worker_id}});
  if (!now.reason.empty()) health.set("reason", now.reason);
  if (const Loaded* loaded = this->loaded()) {
    const BackendInfo& info = loaded->backend->info();
    const MemoryUse& memory = loaded->backend->memory();
    health.set("model", loaded->name);
    health.set("architecture", loaded->architecture);
    health.set("backend", info.name);
    health.set("device", info.device);
    if (info.device >= 0) {
      health.set("device_name", info.device_name);
      health.set("sm", info.capability);
      health.set("cuda_runtime_version", info.runtime_version);
    }
    health.set("resident", now.state != WorkerState::unhealthy);
    health.set("quant_kind", loaded->quant_kind);
    Json types = Json::object();
    for (const auto& [type, count] : loaded->tensor_types) types.set(type, count);
    health.set("tensor_types", std::move(types));
    health.set("vram_bytes_used", memory.total_bytes());
    health.set("vram_bytes", Json::object({{"weights", memory.weights_bytes},
                                           {"kv_cache", memory.kv_cache_bytes},
                                           {"workspace", memory.workspace_bytes}}));
    health.set("tokenizer_kind", "gguf-bpe");
    health.set("vocab_size", loaded->tokenizer->size());
    health.set("context_length", loaded->backend->context());
  }
  health.set("uptime_seconds", static_cast<int64_t>(ms_since(start_) / 1e3));
  health.set("load_percent", now.load_percent);
  health.set("running", static_cast<uint64_t>(now.running));
  health.set("waiting", static_cast<uint64_t>(now.waiting));
  health.set("version", options_.version);
  return health;
}

std::string Worker::metrics_text() const {
  const Admission::Snapshot now = admission_.snapshot();
  return metrics_.text(now.waiting, now.running, now.state == WorkerState::healthy, ms_since(start_) / 1e3);
}

}  // namespace kigo::tools
