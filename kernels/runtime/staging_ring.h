// The ring of staging buffers between the threads that read a file and the one that sends: piece p lies in
// buffer p % size, and is filled only after piece p - size has left it.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <mutex>
#include <optional>
#include <vector>

namespace kigo::kernels {

/// Pieces are claimed in order by any number of readers and awaited in order by one sender.
class StagingRing {
 public:
  StagingRing(size_t pieces, size_t buffers) : buffers_(buffers), filled_(pieces, false) {}

  /// Reader: the next piece that nobody has, once its buffer is free; nothing when all are claimed or stop()
  /// came.
  std::optional<size_t> claim() {
    std::unique_lock lock(mutex_);
    if (claimed_ == filled_.size()) return std::nullopt;
    const size_t piece = claimed_++;
    changed_.wait(lock, [&] { return stopped_ || piece < released_ + buffers_; });
    if (stopped_) return std::nullopt;
    return piece;
  }
  /// Reader: the piece lies in its buffer.
  void set_filled(size_t piece) {
    const std::lock_guard lock(mutex_);
    filled_[piece] = true;
    changed_.notify_all();
  }
  /// Sender: until set_filled(piece).
  void await(size_t piece) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return filled_[piece]; });
  }
  /// Sender: the first `pieces` pieces have left their buffers.
  void release(size_t pieces) {
    const std::lock_guard lock(mutex_);
    released_ = pieces;
    changed_.notify_all();
  }
  /// Readers that wait go home.
  void stop() {
    const std::lock_guard lock(mutex_);
    stopped_ = true;
    changed_.notify_all();
  }

 private:
  const size_t buffers_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<bool> filled_;
  size_t claimed_ = 0;
  size_t released_ = 0;
  bool stopped_ = false;
};

}  // namespace kigo::kernels
