#include "tools/lib/serve/event_buffer.h"

#include <algorithm>
#include <utility>

namespace kigo::tools {

bool EventBuffer::append(std::string_view bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_ || bytes.size() > limit_bytes_ - std::min(limit_bytes_, bytes_.size())) return false;
    bytes_ += bytes;
  }
  changed_.notify_all();
  return true;
}

void EventBuffer::close(std::string_view last) {
  {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    bytes_ += last;
    closed_ = true;
  }
  changed_.notify_all();
}

EventBuffer::Part EventBuffer::take(std::chrono::milliseconds wait) {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, wait, [this] { return closed_ || !bytes_.empty(); });
  return {std::exchange(bytes_, {}), closed_};
}

}  // namespace kigo::tools
