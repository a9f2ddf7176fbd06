#include "tools/lib/serve/socket_stream.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// The events that came within `wait`; 0 when none did.
short poll_for(int socket, short events, milliseconds wait) {
  const auto end = Clock::now() + wait;
  for (;;) {
    pollfd state{socket, events, 0};
    const auto left = std::chrono::duration_cast<milliseconds>(end - Clock::now());
    const int ready = ::poll(&state, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready > 0) return state.revents;
    if (ready == 0 || errno != EINTR) return 0;
  }
}

}  // namespace

bool peer_gone(int socket) {
  return (poll_for(socket, POLLRDHUP, milliseconds(0)) & (POLLRDHUP | POLLHUP | POLLERR | POLLNVAL)) != 0;
}

bool SocketIo::readable(milliseconds wait) const {
  return begin_ < end_ || poll_for(socket_, POLLIN, wait) != 0;
}

bool SocketIo::writable() const {
  return (poll_for(socket_, POLLOUT, write_timeout_) & POLLOUT) != 0 && !peer_gone(socket_);
}

ssize_t SocketIo::read(char* data, size_t size) {
  if (begin_ == end_) {
    if (!readable()) return -1;
    ssize_t got = -1;
    do {
      got = ::recv(socket_, buffer_.data(), buffer_.size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) return got;
    begin_ = 0;
    end_ = static_cast<size_t>(got);
  }
  const size_t count = std::min(size, end_ - begin_);
  std::memcpy(data, buffer_.data() + begin_, count);
  begin_ += count;
  return static_cast<ssize_t>(count);
}

ssize_t SocketIo::write(const char* data, size_t size) const {
  for (size_t done = 0; done < size;) {
    if ((poll_for(socket_, POLLOUT, write_timeout_) & POLLOUT) == 0) return -1;
    const ssize_t sent = ::send(socket_, data + done, size - done, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno != EINTR && errno != EAGAIN) return -1;
    done += static_cast<size_t>(std::max<ssize_t>(sent, 0));
  }
  return static_cast<ssize_t>(size);
}

void SocketIo::finish() const {
  constexpr milliseconds kPatience(500);
  constexpr size_t kMostBytes = size_t{8} << 20;
  ::shutdown(socket_, SHUT_WR);
  const auto end = Clock::now() + kPatience;
  std::array<char, 4096> ignored;
  for (size_t bytes = 0; bytes < kMostBytes && Clock::now() < end;) {
    if (poll_for(socket_, POLLIN, std::chrono::duration_cast<milliseconds>(end - Clock::now())) == 0) return;
    const ssize_t got = ::recv(socket_, ignored.data(), ignored.size(), MSG_DONTWAIT);
    if (got <= 0) return;
    bytes += static_cast<size_t>(got);
  }
}

}  // namespace kigo::tools
