// An HTTP server that has nothing of kigo's: for workers that are none.
#pragma once

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <string>
#include <thread>

#include "core/base/cat.h"

namespace kigo::tools {

struct TinyRequest {
  std::string path, head, body;

  /// The value of a header; nothing when there is none. Written as the client writes it.
  std::string header(const std::string& name) const {
    const size_t at = head.find(cat("\r\n", name, ": "));
    if (at == std::string::npos) return {};
    const size_t begin = at + 2 + name.size() + 2;
    return head.substr(begin, head.find("\r\n", begin) - begin);
  }
};

struct TinyReply {
  std::string type, more_headers, body;
};

/// Answers one connection after the other on 127.0.0.1, until it is destroyed.
class TinyHttp {
 public:
  using Handler = std::function<TinyReply(const TinyRequest&)>;
  explicit TinyHttp(Handler handler)
      : handler_(std::move(handler)), socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(socket_, 16), 0);
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    url_ = cat("http://127.0.0.1:", static_cast<int>(ntohs(address.sin_port)));
    thread_ = std::thread([this] { serve(); });
  }
  TinyHttp(const TinyHttp&) = delete;
  TinyHttp& operator=(const TinyHttp&) = delete;
  ~TinyHttp() {
    stop_ = true;
    thread_.join();
    ::close(socket_);
  }
  const std::string& url() const { return url_; }

 private:
  void serve() {
    while (!stop_) {
      pollfd state{socket_, POLLIN, 0};
      if (::poll(&state, 1, 20) <= 0) continue;
      const int connection = ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) continue;
      const TinyReply reply = handler_(read(connection));
      send(connection,
           cat("HTTP/1.1 200 OK\r\nContent-Type: ", reply.type, "\r\nContent-Length: ", reply.body.size(),
               "\r\nConnection: close\r\n", reply.more_headers, "\r\n", reply.body));
      ::close(connection);
    }
  }

  static TinyRequest read(int connection) {
    std::string all;
    size_t head = std::string::npos, wanted = 0;
    std::array<char, 4096> buffer;
    while (head == std::string::npos || all.size() < wanted) {
      const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (got <= 0) break;
      all.append(buffer.data(), static_cast<size_t>(got));
      if (head != std::string::npos || (head = all.find("\r\n\r\n")) == std::string::npos) continue;
      const size_t length = all.find("Content-Length: ");
      wanted = head + 4 + (length < head ? std::strtoull(all.c_str() + length + 16, nullptr, 10) : 0);
    }
    if (head == std::string::npos) return {};
    const size_t path = all.find(' ') + 1;
    return {all.substr(path, all.find(' ', path) - path), all.substr(0, head + 2), all.substr(head + 4)};
  }

  static void send(int connection, std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(connection, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  Handler handler_;
  int socket_;
  std::string url_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

}  // namespace kigo::tools
