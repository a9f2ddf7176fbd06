// Who may generate, and when: one job at a time, the others in a bounded queue, first come first served.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tools/lib/serve/job.h"
#include "tools/lib/serve/problem.h"

namespace kigo::tools {

/// What the worker is, as /health says it.
enum class WorkerState : uint8_t { loading, healthy, unhealthy, stopping };
std::string_view name(WorkerState state);

struct Refusal {
  Problem problem;
  std::optional<int> retry_after_s;
};

enum class CancelState : uint8_t { cancelling, removed, not_running };
std::string_view name(CancelState state);

/// Safe to use from any thread; nothing in it waits but next(). Jobs that leave the queue unrun get their one
/// error event here.
class Admission {
 public:
  /// `left` is told of every job that leaves the queue unrun, behind its event.
  using Left = std::function<void(const Job&, WorkerError)>;
  explicit Admission(size_t queue_limit, Left left = {})
      : queue_limit_(queue_limit), left_(std::move(left)) {}

  /// Puts the job behind those that wait. Refused, in this order: not healthy, its id runs or waits already,
  /// more than the limit would wait.
  std::optional<Refusal> admit(std::shared_ptr<Job> job);

  /// The next job, which is running from now on until finish(); null when there is none within `wait`, or
  /// ever again (see drained()).
  std::shared_ptr<Job> next(std::chrono::milliseconds wait);
  void finish(const Job& job, Clock::duration took);

  /// Asks the job to end, or takes it out of the queue.
  CancelState cancel(std::string_view id, EndCause cause = EndCause::request);
  /// Takes jobs out of the queue that have waited for longer than `limit`.
  void expire(Clock::duration limit);
  /// From now on no job is admitted; those that wait are sent away.
  void stop();
  void set_state(WorkerState state, std::string reason = {});

  struct Snapshot {
    WorkerState state = WorkerState::loading;
    std::string reason;
    size_t running = 0;
    size_t waiting = 0;
    int load_percent = 0;
  };
  Snapshot snapshot() const;
  /// The job that runs; null when none does.
  std::shared_ptr<Job> running() const;
  /// Jobs that come before this one; nothing when it does not wait.
  std::optional<size_t> ahead_of(const Job& job) const;
  bool drained() const;
  /// 1..60 whole seconds: jobs ahead of a new one times the mean of the last 8.
  int retry_after_s() const;
  /// Loading, in percent, for the words of the refusal.
  void set_load_percent(int percent);

 private:
  std::optional<Problem> not_ready() const;
  void send_away(Job& job, EndCause cause, const Problem& problem) const;
  int retry_after_locked() const;

  const size_t queue_limit_;
  const Left left_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Job>> waiting_;
  std::shared_ptr<Job> running_;
  std::deque<Clock::duration> last_;
  WorkerState state_ = WorkerState::loading;
  std::string reason_;
  int load_percent_ = 0;
};

}  // namespace kigo::tools
