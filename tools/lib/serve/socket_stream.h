// One TCP connection with time limits, and the question whether its peer is still there.
#pragma once

#include <sys/types.h>

#include <array>
#include <chrono>
#include <cstddef>

namespace kigo::tools {

/// Whether the peer has closed its side, also by half.
bool peer_gone(int socket);

/// Blocking reads and writes, each of which waits no longer than its limit for the next byte. Owns nothing.
class SocketIo {
 public:
  SocketIo(int socket, std::chrono::milliseconds read_timeout, std::chrono::milliseconds write_timeout)
      : socket_(socket), read_timeout_(read_timeout), write_timeout_(write_timeout) {}

  int socket() const { return socket_; }
  /// Whether a byte is there within `wait`.
  bool readable(std::chrono::milliseconds wait) const;
  bool readable() const { return readable(read_timeout_); }
  bool writable() const;
  /// At least one byte; 0 at the end of the stream, -1 after an error or the limit.
  ssize_t read(char* data, size_t size);
  /// All of it, or -1.
  ssize_t write(const char* data, size_t size) const;
  /// Ends the connection such that the peer can read all that was written: what it still sends is read and
  /// thrown away for a moment, else the system would reset the connection. Does not close the socket.
  void finish() const;

 private:
  int socket_;
  std::chrono::milliseconds read_timeout_;
  std::chrono::milliseconds write_timeout_;
  std::array<char, 4096> buffer_{};
  size_t begin_ = 0;  // of what was read and not yet asked for
  size_t end_ = 0;
};

}  // namespace kigo::tools
