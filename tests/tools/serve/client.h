// A client that can do what no good client does: stop in the middle, read nothing, send rubbish.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <string_view>

#include "core/base/cat.h"

namespace kigo::tools {

class Client {
 public:
  explicit Client(int port) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
    EXPECT_TRUE(connected_) << std::strerror(errno);
  }
  ~Client() { close(); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Without an answer that is not yet read.
  void close() {
    if (socket_ >= 0) ::close(socket_);
    socket_ = -1;
  }
  void close_half() const { ::shutdown(socket_, SHUT_WR); }

  /// Whether all was taken.
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
    return true;
  }

  /// All that came, up to and with `end`, or until the server closed or `limit` is over.
  std::string read_until(std::string_view end, std::chrono::milliseconds limit = std::chrono::seconds(20)) {
    const auto until = std::chrono::steady_clock::now() + limit;
    for (;;) {
      const size_t at = end.empty() ? std::string::npos : received_.find(end);
      if (at != std::string::npos) {
        std::string out = received_.substr(0, at + end.size());
        received_.erase(0, at + end.size());
        return out;
      }
      const auto left =
          std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
      pollfd state{socket_, POLLIN, 0};
      if (left.count() <= 0 || ::poll(&state, 1, static_cast<int>(left.count())) <= 0) break;
      std::array<char, 4096> buffer;
      const ssize_t got = ::recv(socket_, buffer.data(), buffer.size(), 0);
      closed_ = got <= 0;
      if (closed_) break;
      received_.append(buffer.data(), static_cast<size_t>(got));
    }
    return std::exchange(received_, {});
  }
  std::string read_all() { return read_until({}); }
  /// Whether the server has closed, as far as was read.
  bool closed() const { return closed_; }

 private:
  int socket_;
  bool connected_ = false;
  bool closed_ = false;
  std::string received_;
};

inline std::string post(std::string_view path, std::string_view body, std::string_view more_headers = {}) {
  return cat("POST ", path, " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n",
             more_headers, "Content-Length: ", body.size(), "\r\n\r\n", body);
}
inline std::string get(std::string_view path, std::string_view more_headers = {}) {
  return cat("GET ", path, " HTTP/1.1\r\nHost: localhost\r\n", more_headers, "\r\n");
}
inline int status_of(std::string_view answer) {
  return answer.starts_with("HTTP/1.1 ") ? std::atoi(std::string(answer.substr(9, 3)).c_str()) : 0;
}

/// The body of a chunked answer, as far as it came.
inline std::string chunks_of(std::string_view answer) {
  const size_t head = answer.find("\r\n\r\n");
  if (head == std::string_view::npos) return {};
  answer.remove_prefix(head + 4);
  std::string body;
  for (;;) {
    const size_t line = answer.find("\r\n");
    if (line == std::string_view::npos) return body;
    const size_t size = std::strtoull(std::string(answer.substr(0, line)).c_str(), nullptr, 16);
    if (size == 0 || answer.size() < line + 2 + size) return body;
    body += answer.substr(line + 2, size);
    answer.remove_prefix(std::min(answer.size(), line + 2 + size + 2));
  }
}

}  // namespace kigo::tools
