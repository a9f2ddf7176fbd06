#include "tools/lib/compare/stream.h"

#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "core/base/cat.h"
#include "tools/lib/compare/capture_file.h"

namespace kigo::tools {

using model::Tap;

int64_t group_of(Tap tap, int64_t layer, int64_t layers) {
  if (tap == Tap::embed) return 0;
  return tap == Tap::output_norm || tap == Tap::logits ? layers + 1 : layer + 1;
}

namespace {

/// Whole rows, and as many as the call has tokens, or positions in a cache; of the head all or one.
Status check_sizes(const model::Config& config, const Call& call, int64_t first, const Checkpoints& group,
                   const std::string& side) {
  const auto tokens = static_cast<int64_t>(call.tokens.size());
  for (const auto& [key, values] : group.all()) {
    const auto [tap, layer] = key;
    const auto [heads, width] = row_shape(tap, config);
    const auto size = static_cast<int64_t>(values.size());
    const bool cache = tap == Tap::cache_k || tap == Tap::cache_v;
    const bool head = tap == Tap::output_norm || tap == Tap::logits;
    const int64_t rows = cache ? first + tokens : tokens;
    if (size == rows * heads * width || (head && size == heads * width)) continue;
    return fail(Code::invalid_request, cat(side, ": ", model::name(tap, layer)), cat(size, " values"),
                cat(rows, " rows of ", heads * width));
  }
  return {};
}

/// Runs the session on a thread of its own, which waits whenever a group is whole until the next is wanted.
class SessionStream final : public SideStream {
 public:
  SessionStream(const Side& side, const model::Config& config, std::span<const Call> calls)
      : side_(side), config_(config), calls_(calls), thread_([this] { run(); }) {}
  SessionStream(const SessionStream&) = delete;
  SessionStream& operator=(const SessionStream&) = delete;
  ~SessionStream() override {
    {
      const std::lock_guard lock(mutex_);
      abandoned_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Result<Checkpoints> next(size_t call, int64_t group) override {
    std::unique_lock lock(mutex_);
    wanted_ = {call, group};
    changed_.notify_all();
    changed_.wait(lock,
                  [&] { return finished_ || error_ || (ready_ && at_ >= wanted_) || coming_ > wanted_; });
    if (error_) return tl::unexpected<Error>(*error_);
    if (!ready_ || at_ != wanted_) return Checkpoints();
    ready_ = false;
    Checkpoints taken = std::exchange(slot_, {});
    int64_t first = 0;
    for (const Call& before : calls_.first(call)) first += static_cast<int64_t>(before.tokens.size());
    KIGO_TRY(check_sizes(config_, calls_[call], first, taken, side_.name));
    return taken;
  }

 private:
  using At = std::pair<size_t, int64_t>;  // call and group

  void run() {
    if (side_.enter_thread)
      if (const Status entered = side_.enter_thread(); !entered) return stop(entered.error());
    for (size_t call = 0; call < calls_.size() && wait_until_wanted({call, 0}); ++call) {
      At current{call, 0};
      Checkpoints collected;
      const auto hand_over = [&] {
        if (!collected.all().empty()) give(current, std::exchange(collected, {}));
      };
      const Result<model::Rows> logits = side_.session->forward(
          calls_[call].tokens, calls_[call].which, [&](Tap tap, int64_t layer, View<const double, 3> rows) {
            const At at{call, group_of(tap, layer, config_.layers)};
            if (at < current) refuse(call);
            if (at > current) {
              hand_over();
              wait_until_wanted(at);
            }
            current = at;
            collected.add(tap, layer, rows);
          });
      if (!logits) return stop(logits.error());
      hand_over();
    }
    const std::lock_guard lock(mutex_);
    finished_ = true;
    changed_.notify_all();
  }

  void stop(const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_) error_ = error;
    changed_.notify_all();
  }
  void refuse(size_t call) {
    stop({Code::invalid_request,
          side_.name,
          cat("cuts a call of ", calls_[call].tokens.size(), " tokens into pieces"),
          "calls of fewer tokens",
          {}});
  }
  /// False when nobody wants anything any more.
  bool wait_until_wanted(At at) {
    std::unique_lock lock(mutex_);
    coming_ = at;  // so nothing comes before it: who waits for that need not
    changed_.notify_all();
    changed_.wait(lock, [&] { return abandoned_ || error_ || wanted_ >= at; });
    return !abandoned_ && !error_;
  }
  void give(At at, Checkpoints group) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return abandoned_ || error_ || !ready_; });
    at_ = at;
    slot_ = std::move(group);
    ready_ = true;
    changed_.notify_all();
  }

  const Side& side_;
  const model::Config& config_;
  std::span<const Call> calls_;
  std::mutex mutex_;
  std::condition_variable changed_;
  At wanted_{0, -1};
  At coming_{0, -1};
  At at_{0, -1};
  Checkpoints slot_;
  bool ready_ = false;
  bool finished_ = false;
  bool abandoned_ = false;
  std::optional<Error> error_;
  std::thread thread_;
};

class CaptureStream final : public SideStream {
 public:
  CaptureStream(const Side& side, const model::Config& config) : side_(side), config_(config) {}
  Result<Checkpoints> next(size_t call, int64_t group) override {
    return side_.capture->read(
        call, [&](Tap tap, int64_t layer) { return group_of(tap, layer, config_.layers) == group; });
  }

 private:
  const Side& side_;
  const model::Config& config_;
};

}  // namespace

std::unique_ptr<SideStream> SideStream::start(const Side& side, const model::Config& config,
                                              std::span<const Call> calls) {
  if (side.session != nullptr) return std::make_unique<SessionStream>(side, config, calls);
  return std::make_unique<CaptureStream>(side, config);
}

}  // namespace kigo::tools
