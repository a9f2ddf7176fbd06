#include "tools/lib/serve/http_server.h"

#include <httplib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "core/base/cat.h"
#include "tools/lib/serve/socket_stream.h"
#include "tools/lib/serve/sse.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kLook(20);  // at the socket: docs/worker.md, section 2.5
constexpr milliseconds kKeepAlive(2'000);
constexpr milliseconds kLastEvents(3'000);  // for what a stopping worker has to say still

/// The connection that the calling thread serves: cpp-httplib 0.11 hides it from handlers.
struct Connection {
  int socket = -1;
  bool close = false;  // after this request
};
thread_local Connection* current = nullptr;

class Stream final : public httplib::Stream {
 public:
  explicit Stream(SocketIo& io) : io_(&io) {}
  bool is_readable() const override { return io_->readable(); }
  bool is_writable() const override { return io_->writable(); }
  ssize_t read(char* data, size_t size) override { return io_->read(data, size); }
  ssize_t write(const char* data, size_t size) override { return io_->write(data, size); }
  void get_remote_ip_and_port(std::string&, int&) const override {}
  void get_local_ip_and_port(std::string&, int&) const override {}
  socket_t socket() const override { return io_->socket(); }

 private:
  SocketIo* io_;
};

void only_reuse_of_closed_ports(socket_t socket) {
  // The library's own default shares the port with whoever else asks for it.
  const int yes = 1;
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
}

/// Every reply whole and as it is: the library would answer ranges with a part of the JSON, and compress
/// streams, whose events wait in the compressor until the last.
void want_it_plain(httplib::Request& request) {
  request.headers.erase("Accept-Encoding");
  request.ranges.clear();
}

}  // namespace

class HttpServer::Impl final : public httplib::Server {
 public:
  explicit Impl(HttpOptions options) : options_(std::move(options)) {
    set_socket_options(only_reuse_of_closed_ports);
    set_tcp_nodelay(true);
    set_keep_alive_timeout(std::chrono::duration_cast<std::chrono::seconds>(kKeepAlive).count());
    new_task_queue = [this] { return new httplib::ThreadPool(options_.threads); };
  }

  Result<int> bind() {
    int port = options_.port;
    if (port == 0) {
      port = bind_to_any_port(options_.host);
    } else if (!bind_to_port(options_.host, port)) {
      port = -1;
    }
    if (port < 0)
      return fail(Code::io, cat(options_.host, ":", options_.port), "cannot bind",
                  "a free port of this machine");
    constexpr int kBacklog = 512;  // the library's own is so short that a burst of clients waits for seconds
    ::listen(svr_sock_, kBacklog);
    return port;
  }

  void run(Routes& routes, Worker& worker) {
    routes_ = &routes;
    worker_ = &worker;
    const char* const any = ".*";
    const auto without_body = [this](const httplib::Request& request, httplib::Response& response) {
      answer(request, response, nullptr);
    };
    const auto with_body = [this](const httplib::Request& request, httplib::Response& response,
                                  const httplib::ContentReader& reader) {
      answer(request, response, &reader);
    };
    Get(any, without_body);
    Options(any, without_body);
    Post(any, with_body);
    Put(any, with_body);
    Patch(any, with_body);
    Delete(any, with_body);
    set_error_handler([this](const httplib::Request& request, httplib::Response& response) {
      if (response.body.empty() && response.status >= 400) refuse_for_the_library(request, response);
    });
    set_exception_handler(
        [this](const httplib::Request& request, httplib::Response& response, std::exception_ptr) {
          response.status = 500;
          refuse_for_the_library(request, response);
        });
    listen_after_bind();
    ended_ = true;
  }

  /// The library forgets a stop that comes before it listens, and cuts streams that are not at their end:
  /// theirs has come, so those whose clients read get it first.
  void stop_listening() {
    while (!is_running() && !ended_) std::this_thread::sleep_for(milliseconds(1));
    const auto end = Clock::now() + kLastEvents;
    while (streams_ != 0 && Clock::now() < end) std::this_thread::sleep_for(milliseconds(1));
    stop();
  }

 private:
  /// One connection, on a thread of the pool.
  bool process_and_close_socket(socket_t socket) override {
    busy_.fetch_add(1);
    SocketIo io(socket, options_.read_timeout, options_.write_timeout);
    Stream stream(io);
    Connection connection{socket, false};
    current = &connection;
    for (bool first = true; !connection.close && wait_for_request(io, first); first = false) {
      bool closed = false;
      if (!process_request(stream, false, closed, want_it_plain) || closed) break;
    }
    current = nullptr;
    io.finish();
    ::close(socket);
    busy_.fetch_sub(1);
    return true;
  }

  /// Idle connections keep a thread only while others are free.
  bool wait_for_request(const SocketIo& io, bool first) const {
    const auto end = Clock::now() + (first ? options_.read_timeout : kKeepAlive);
    while (Clock::now() < end) {
      if (io.readable(kLook)) return true;
      if (svr_sock_ == INVALID_SOCKET || (!first && busy_ + 1 >= options_.threads)) return false;
    }
    return false;
  }

  static RequestHead head_of(const httplib::Request& request) {
    return Routes::head(request.method, request.path, {request.headers.begin(), request.headers.end()});
  }

  void answer(const httplib::Request& request, httplib::Response& response,
              const httplib::ContentReader* reader) {
    const RequestHead head = head_of(request);
    if (auto refusal = routes_->before_body(head)) return send(std::move(*refusal), response);
    std::string body;
    bool too_large = false;
    // The library takes the first of two lengths, a proxy may take the other: RFC 9112, sections 6.1 and 6.3.
    const bool chunked = request.has_header("Transfer-Encoding");
    const size_t lengths = request.get_header_value_count("Content-Length");
    if (lengths + (chunked ? 1 : 0) > 1) {
      Reply reply = routes_->refuse(
          head, invalid_request({{"body", "one length", "body: two lengths, expected one", std::nullopt}}));
      reply.close = true;
      return send(std::move(reply), response);
    }
    // The library would read until the connection ends: section 6.3 says that there is no body.
    const bool has_body = lengths != 0 || chunked;
    if (reader != nullptr && has_body) {
      const bool whole = (*reader)([&](const char* data, size_t size) {
        too_large = size > routes_->body_limit() - body.size();
        if (!too_large) body.append(data, size);
        return !too_large;
      });
      if (too_large) return send(routes_->too_large(head), response);
      if (!whole)
        return send(
            routes_->refuse(
                head, invalid_request({{"body", "complete",
                                        "body: ended early, expected as much as announced", std::nullopt}})),
            response);
    }
    send(routes_->answer(head, body), response);
  }

  void send(Reply reply, httplib::Response& response) {
    for (const auto& [name, value] : reply.headers) response.set_header(name, value);
    if (reply.close) {
      response.set_header("Connection", "close");
      current->close = true;
    }
    response.status = reply.status;
    if (reply.job == nullptr) return response.set_content(reply.body, reply.content_type);
    if (reply.stream) return stream(std::move(reply.job), response, reply.content_type);
    std::string body = wait_for(*reply.job);
    response.status = *reply.job_status;
    response.set_content(std::move(body), reply.content_type);
  }

  std::string wait_for(Job& job) {
    std::string body;
    for (bool gone = false;;) {
      EventBuffer::Part part = job.buffer->take(kLook);
      body += part.bytes;
      if (part.last) return body;
      if (!gone && peer_gone(current->socket)) {
        gone = true;
        current->close = true;
        worker_->client_gone(job);
      }
    }
  }

  /// Hands the job's events on as they come, until there are no more or nobody listens.
  void stream(std::shared_ptr<Job> job, httplib::Response& response, const std::string& content_type) {
    const auto last_write = std::make_shared<Clock::time_point>(Clock::now());
    streams_.fetch_add(1);
    response.set_chunked_content_provider(
        content_type,
        [this, job, last_write, socket = current->socket](size_t, httplib::DataSink& sink) {
          EventBuffer::Part part = job->buffer->take(kLook);
          const bool silent =
              options_.heartbeat.count() != 0 && Clock::now() - *last_write > options_.heartbeat;
          if (part.bytes.empty() && !part.last && silent) {
            const auto ahead = worker_->ahead_of(*job);
            part.bytes = sse_comment(ahead ? cat("waiting ", *ahead) : "heartbeat");
          }
          if (!part.bytes.empty()) {
            if (!sink.write(part.bytes.data(), part.bytes.size())) return false;
            *last_write = Clock::now();
          }
          if (part.last) sink.done();
          return part.last || !peer_gone(socket);
        },
        [this, job](bool success) {
          if (!success) worker_->client_gone(*job);
          streams_.fetch_sub(1);
        });
  }

  void refuse_for_the_library(const httplib::Request& request, httplib::Response& response) {
    const int status = response.status;
    Problem problem{WorkerError::invalid_request, "request: not understood, expected HTTP/1.1", {}};
    if (status == 404) problem = {WorkerError::not_found, "no such route", {}};
    if (status == 413) problem = {WorkerError::payload_too_large, "body: too large", {}};
    if (status >= 500) problem = {WorkerError::internal, "internal error, see the log", {}};
    Reply reply = routes_->refuse(head_of(request), problem);
    reply.status = status;
    send(std::move(reply), response);
  }

  HttpOptions options_;
  Routes* routes_ = nullptr;
  Worker* worker_ = nullptr;
  std::atomic<size_t> busy_ = 0;
  std::atomic<size_t> streams_ = 0;  // of events, not yet at their end
  std::atomic<bool> ended_ = false;
};

HttpServer::HttpServer(HttpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpServer::~HttpServer() = default;
Result<int> HttpServer::bind() { return impl_->bind(); }
void HttpServer::run(Routes& routes, Worker& worker) { impl_->run(routes, worker); }
void HttpServer::stop() { impl_->stop_listening(); }

}  // namespace kigo::tools
