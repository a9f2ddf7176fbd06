#include "tools/lib/serve/admission.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <numeric>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

constexpr size_t kMeanOf = 8;  // docs/worker.md, section 2.5

}  // namespace

std::string_view name(WorkerState state) {
  constexpr std::array<std::string_view, 4> kNames{"loading", "healthy", "unhealthy", "stopping"};
  return kNames[static_cast<size_t>(state)];
}

std::string_view name(CancelState state) {
  constexpr std::array<std::string_view, 3> kNames{"cancelling", "removed", "not_running"};
  return kNames[static_cast<size_t>(state)];
}

std::optional<Problem> Admission::not_ready() const {
  switch (state_) {
    case WorkerState::healthy:
      return std::nullopt;
    case WorkerState::loading:
      return Problem{WorkerError::not_ready, cat("loading, ", load_percent_, " %"), {}};
    case WorkerState::unhealthy:
      return Problem{WorkerError::worker_unhealthy, reason_, {}};
    case WorkerState::stopping:
      break;
  }
  return Problem{WorkerError::shutting_down, "worker is stopping", {}};
}

std::optional<Refusal> Admission::admit(std::shared_ptr<Job> job) {
  {
    const std::lock_guard lock(mutex_);
    if (auto problem = not_ready()) return Refusal{std::move(*problem), retry_after_locked()};
    const auto same = [&](const std::shared_ptr<Job>& other) { return other->id == job->id; };
    if (running_ && same(running_))
      return Refusal{{WorkerError::duplicate_job, cat("job_id ", job->id, " is running"), {}}, std::nullopt};
    if (std::ranges::any_of(waiting_, same))
      return Refusal{{WorkerError::duplicate_job, cat("job_id ", job->id, " is waiting"), {}}, std::nullopt};
    const size_t ahead = waiting_.size() + (running_ ? 1 : 0);
    if (ahead > queue_limit_) {
      const int seconds = retry_after_locked();
      return Refusal{{WorkerError::queue_full,
                      cat(waiting_.size(), " jobs wait, limit ", queue_limit_, "; retry in ", seconds, " s"),
                      {}},
                     seconds};
    }
    waiting_.push_back(std::move(job));
  }
  changed_.notify_all();
  return std::nullopt;
}

void Admission::send_away(Job& job, EndCause cause, const Problem& problem) const {
  job.stop(cause);
  job.sink->error(problem);
  if (left_) left_(job, problem.code);
}

std::shared_ptr<Job> Admission::next(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return !waiting_.empty() || state_ == WorkerState::stopping; });
  if (waiting_.empty()) return nullptr;
  running_ = std::move(waiting_.front());
  waiting_.pop_front();
  return running_;
}

void Admission::finish(const Job& job, Clock::duration took) {
  const std::lock_guard lock(mutex_);
  if (running_.get() != &job) return;
  running_.reset();
  last_.push_back(took);
  if (last_.size() > kMeanOf) last_.pop_front();
}

CancelState Admission::cancel(std::string_view id, EndCause cause) {
  std::shared_ptr<Job> removed;
  {
    const std::lock_guard lock(mutex_);
    if (running_ && running_->id == id) {
      running_->stop(cause);
      return CancelState::cancelling;
    }
    const auto at =
        std::ranges::find(waiting_, id, [](const auto& job) -> std::string_view { return job->id; });
    if (at == waiting_.end()) return CancelState::not_running;
    removed = std::move(*at);
    waiting_.erase(at);
  }
  const bool gone = cause == EndCause::client_gone;
  send_away(
      *removed, cause,
      {gone ? WorkerError::client_gone : WorkerError::cancelled, "cancelled by request while it waited", {}});
  return CancelState::removed;
}

void Admission::expire(Clock::duration limit) {
  std::vector<std::shared_ptr<Job>> late;
  {
    const std::lock_guard lock(mutex_);
    const auto now = Clock::now();
    const auto is_late = [&](const std::shared_ptr<Job>& job) { return now - job->received > limit; };
    std::ranges::copy_if(waiting_, std::back_inserter(late), is_late);
    std::erase_if(waiting_, is_late);
  }
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(limit).count();
  for (const auto& job : late)
    send_away(*job, EndCause::timeout, {WorkerError::queue_timeout, cat("waited ", seconds, " s"), {}});
}

void Admission::stop() {
  std::deque<std::shared_ptr<Job>> sent_away;
  {
    const std::lock_guard lock(mutex_);
    state_ = WorkerState::stopping;
    sent_away.swap(waiting_);
  }
  changed_.notify_all();
  for (const auto& job : sent_away)
    send_away(*job, EndCause::shutting_down, {WorkerError::shutting_down, "worker is stopping", {}});
}

void Admission::set_state(WorkerState state, std::string reason) {
  const std::lock_guard lock(mutex_);
  if (state_ == WorkerState::stopping) return;  // for good
  state_ = state;
  reason_ = std::move(reason);
}

void Admission::set_load_percent(int percent) {
  const std::lock_guard lock(mutex_);
  load_percent_ = percent;
}

Admission::Snapshot Admission::snapshot() const {
  const std::lock_guard lock(mutex_);
  return {state_, reason_, running_ ? size_t{1} : size_t{0}, waiting_.size(), load_percent_};
}

std::shared_ptr<Job> Admission::running() const {
  const std::lock_guard lock(mutex_);
  return running_;
}

std::optional<size_t> Admission::ahead_of(const Job& job) const {
  const std::lock_guard lock(mutex_);
  for (size_t i = 0; i < waiting_.size(); ++i) {
    if (waiting_[i].get() == &job) return i + (running_ ? 1 : 0);
  }
  return std::nullopt;
}

bool Admission::drained() const {
  const std::lock_guard lock(mutex_);
  return state_ == WorkerState::stopping && waiting_.empty() && !running_;
}

int Admission::retry_after_s() const {
  const std::lock_guard lock(mutex_);
  return retry_after_locked();
}

int Admission::retry_after_locked() const {
  const size_t ahead = waiting_.size() + (running_ ? 1 : 0);
  if (last_.empty()) return 1;
  const auto sum = std::accumulate(last_.begin(), last_.end(), Clock::duration::zero());
  const double mean_s = std::chrono::duration<double>(sum).count() / static_cast<double>(last_.size());
  return static_cast<int>(std::clamp(std::ceil(mean_s * static_cast<double>(ahead)), 1.0, 60.0));
}

}  // namespace kigo::tools
