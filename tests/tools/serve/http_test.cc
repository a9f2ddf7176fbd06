// The server over real sockets: streams, crowds, clients that vanish, bodies that are too large.
#include "tools/lib/serve/http_server.h"

#include <malloc.h>

#include "tests/tools/serve/client.h"
#include "tests/tools/serve/fixture.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

std::string job_text(const std::string& id, const std::string& more = {}) {
  return cat(R"({"job_id":")", id, R"(","prompt":"hi","temperature":0)", more.empty() ? "" : ",", more, "}");
}

class Served {
 public:
  explicit Served(ScriptOptions script = {}, HttpOptions http = {}, WorkerOptions worker = {},
                  RouteOptions routes = {})
      : served(std::move(script), std::move(worker), std::move(routes)), server(settled(std::move(http))) {
    const auto bound = server.bind();
    EXPECT_TRUE(bound);
    port = bound ? *bound : 0;
    thread_ = std::thread([this] { server.run(served.routes, served.worker); });
  }
  ~Served() {
    served.worker.begin_stop();
    served.worker.end_running();
    stop();
  }
  void stop() {
    server.stop();
    if (thread_.joinable()) thread_.join();
  }
  std::string ask(const std::string& request) const {
    Client client(port);
    EXPECT_TRUE(client.send(request));
    return client.read_all();
  }
  /// Whether nothing runs or waits within `limit`.
  bool idle_within(milliseconds limit) const {
    const auto end = Clock::now() + limit;
    while (Clock::now() < end) {
      const auto now = served.worker.snapshot();
      if (now.running + now.waiting == 0) return true;
      std::this_thread::sleep_for(milliseconds(1));
    }
    return false;
  }

  ServedWorker served;
  HttpServer server;
  int port = 0;

 private:
  static HttpOptions settled(HttpOptions options) {
    options.port = 0;
    return options;
  }
  std::thread thread_;
};

ScriptOptions slow(milliseconds step, size_t tokens = 3000) {
  return {.text = std::string(tokens, 'a'), .on_step = slowly(step)};
}

TEST(Http, KeepsAConnectionForTheNextRequest) {
  const Served server;
  Client client(server.port);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(client.send(get("/health")));
    EXPECT_EQ(status_of(client.read_until("\"version\":")), 200);
    client.read_until("}");
  }
  EXPECT_FALSE(client.closed());
}

TEST(Http, ClosesAnIdleConnectionAfterTwoSeconds) {
  const Served server;
  Client client(server.port);
  EXPECT_TRUE(client.send(get("/health")));
  const auto start = Clock::now();
  client.read_all();
  EXPECT_TRUE(client.closed());
  EXPECT_LT(Clock::now() - start, seconds(6));
}

TEST(Http, StreamsEventsAsTheyCome) {
  const Served server(slow(milliseconds(50), 10));
  Client client(server.port);
  EXPECT_TRUE(client.send(post("/execute", job_text("j"), "X-Correlation-ID: req-7\r\n")));
  const std::string head = client.read_until("\r\n\r\n");
  EXPECT_EQ(status_of(head), 200);
  for (const char* line :
       {"Content-Type: text/event-stream; charset=utf-8\r\n", "Cache-Control: no-store\r\n",
        "X-Accel-Buffering: no\r\n", "Transfer-Encoding: chunked\r\n", "Connection: close\r\n",
        "X-Correlation-ID: req-7\r\n"})
    EXPECT_NE(head.find(line), std::string::npos) << line << head;
  client.read_until("event: token");
  EXPECT_EQ(server.served.worker.snapshot().running, 1u);  // for some 500 ms more
  const std::string rest = client.read_all();
  EXPECT_TRUE(client.closed());
  EXPECT_NE(rest.find("event: end"), std::string::npos) << rest;
  EXPECT_TRUE(rest.ends_with("0\r\n\r\n")) << rest;
}

/// What a client's library offers by itself: OpenAI's, curl --compressed, every browser.
class Offer : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Headers, Offer,
                         testing::Values("Accept-Encoding: gzip, deflate\r\n",
                                         "Accept-Encoding: gzip, deflate, br, zstd\r\n",
                                         "Range: bytes=0-3\r\n", "Range: bytes=0-3,10-12\r\n",
                                         "Range: bytes=99999-\r\n"));

TEST_P(Offer, LeavesAStreamAsItIs) {
  const Served server;
  const std::string answer = server.ask(post("/execute", job_text("j"), GetParam()));
  EXPECT_EQ(answer.find("Content-Encoding"), std::string::npos);  // a compressor holds events back
  EXPECT_EQ(text_of_events(events_of(chunks_of(answer))), "hello");
}

TEST_P(Offer, LeavesAWholeAnswerWhole) {
  const Served server;
  const std::string answer = server.ask(post("/v1/completions", R"({"prompt":"hi","temperature":0})",
                                             cat("Connection: close\r\n", GetParam())));
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find(R"("text":"hello")"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("}")) << answer;
}

TEST(Http, AStreamIsWellFormedFromBeginningToEnd) {
  const Served server({.text = "a\u00e9\U0001F600 and on"});
  const auto events = events_of(chunks_of(server.ask(post("/execute", job_text("j")))));
  expect_order(events);
  EXPECT_EQ(text_of_events(events), "a\u00e9\U0001F600 and on");
}

TEST(Http, AnswersWholeWithTheSameText) {
  const Served server({.text = "a\u00e9\U0001F600"});
  const std::string answer =
      server.ask(post("/v1/completions", R"({"prompt":"hi","temperature":0})", "Connection: close\r\n"));
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_NE(answer.find("\"text\":\"a\u00e9\U0001F600\""), std::string::npos) << answer;
}

TEST(Http, RefusesABodyThatIsAnnouncedTooLarge) {
  const Served server;
  Client client(server.port);
  EXPECT_TRUE(
      client.send("POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                  "Content-Length: 1048577\r\n\r\n"));
  const std::string answer = client.read_all();
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_NE(answer.find("Connection: close"), std::string::npos);
  EXPECT_NE(answer.find(R"("message":"body: more than 1048576 bytes")"), std::string::npos) << answer;
}

TEST(Http, CountsTheBytesOfAChunkedBody) {
  const Served server;
  Client client(server.port);
  client.send(
      "POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
      "Transfer-Encoding: chunked\r\n\r\n");
  const std::string chunk = cat("10000\r\n", std::string(0x10000, ' '), "\r\n");
  for (int i = 0; i < 40 && client.send(chunk); ++i) {
  }
  const std::string answer = client.read_all();
  EXPECT_EQ(status_of(answer), 413) << answer;
}

TEST(Http, TakesAChunkedBodyThatFits) {
  const Served server;
  const std::string body = job_text("j");
  const std::string answer =
      server.ask(cat("POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n",
                     hex(body.size(), 4).substr(2), "\r\n", body, "\r\n0\r\n\r\n"));
  EXPECT_EQ(text_of_events(events_of(chunks_of(answer))), "hello");
}

class Rubbish : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Requests, Rubbish,
                         testing::Values("\r\n\r\n", "hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
                                         "BREW / HTTP/1.1\r\n\r\n", std::string("\0\xFF\r\n\r\n", 6)));

TEST_P(Rubbish, IsAnsweredAndHarmsNobody) {
  const Served server;
  const std::string answer = server.ask(GetParam());
  EXPECT_EQ(status_of(answer), 400) << answer;
  EXPECT_NE(answer.find(R"("code":"INVALID_REQUEST")"), std::string::npos) << answer;
  EXPECT_EQ(status_of(server.ask(get("/health", "Connection: close\r\n"))), 200);
}

/// Two ways of saying where a body ends: what follows could be taken for another request behind a proxy.
TEST(Http, ABodyWithTwoLengthsIsRefusedAndTheConnectionClosed) {
  for (const char* second : {"Content-Length: 3\r\n", "Transfer-Encoding: chunked\r\n"}) {
    const Served server;
    const std::string answer = server.ask(post("/execute", job_text("j"), second));
    EXPECT_EQ(status_of(answer), 400) << answer;
    EXPECT_NE(answer.find("body: two lengths, expected one"), std::string::npos) << answer;
    EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
    EXPECT_EQ(answer.find("HTTP/1.1", 1), std::string::npos) << answer;
  }
}

TEST(Http, ARequestThatNeverEndsIsClosedAtTheReadTimeout) {
  const Served server({}, {.read_timeout = milliseconds(200)});
  Client client(server.port);
  EXPECT_TRUE(client.send("POST /execute HTTP/1.1\r\nContent-Le"));
  const auto start = Clock::now();
  client.read_all();
  EXPECT_TRUE(client.closed());
  EXPECT_LT(Clock::now() - start, seconds(3));
}

TEST(Http, ABodyThatEndsEarlyIsRefused) {
  const Served server({}, {.read_timeout = milliseconds(200)});
  Client client(server.port);
  EXPECT_TRUE(
      client.send("POST /execute HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
                  "Content-Length: 100\r\n\r\n{"));
  EXPECT_EQ(status_of(client.read_all()), 400);
}

TEST(Http, TakesAPortThatNobodyElseHas) {
  const Served server;
  HttpServer second({.port = server.port});
  const auto bound = second.bind();
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().subject, cat("127.0.0.1:", server.port));
}

TEST(Http, EveryOfManyClientsIsAnswered) {
  const Served server({.text = std::string(40, 'a'), .on_step = slowly(milliseconds(1))});
  constexpr int kClients = 200;
  std::atomic<int> done = 0, full = 0;
  std::vector<std::thread> clients;
  for (int i = 0; i < kClients; ++i) {
    clients.emplace_back([&, i] {
      const std::string answer = server.ask(post("/execute", job_text(cat("j", i)), "Connection: close\r\n"));
      if (status_of(answer) == 200) {
        const auto events = events_of(chunks_of(answer));
        if (!events.empty() && events.back().name == "end" && text_of_events(events).size() == 40) ++done;
      } else if (status_of(answer) == 429) {
        EXPECT_NE(answer.find("Retry-After: "), std::string::npos);
        ++full;
      }
    });
  }
  const auto start = Clock::now();
  EXPECT_EQ(status_of(server.ask(get("/health", "Connection: close\r\n"))), 200);
  EXPECT_LT(Clock::now() - start, seconds(5));  // behind refused keep-alive clients it would be 16
  for (std::thread& client : clients) client.join();
  EXPECT_EQ(done + full, kClients);
  EXPECT_GE(done, 17);
  EXPECT_TRUE(server.idle_within(seconds(1)));
}

TEST(Http, HoldsNoMoreMemoryAfterAThousandRequests) {
  const Served server;
  const auto in_use = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string answer = server.ask(post("/execute", job_text(cat("j", i))));
      EXPECT_NE(answer.find("event: end"), std::string::npos);
    }
    EXPECT_TRUE(server.idle_within(seconds(1)));
    return ::mallinfo2().uordblks;
  };
  const size_t lines = server.served.lines.text.capacity();
  const size_t before = in_use(0, 100);
  const size_t after = in_use(100, 1100);
  const size_t logged = server.served.lines.text.capacity() - lines;  // the test's own
  EXPECT_LE(after, before + logged + (size_t{1} << 20));
}

/// When the client vanishes: before the answer's head, behind it, behind a token.
class Vanishing : public testing::TestWithParam<std::tuple<std::string, bool>> {};
INSTANTIATE_TEST_SUITE_P(Where, Vanishing,
                         testing::Combine(testing::Values("", "\r\n\r\n", "event: started", "event: token"),
                                          testing::Bool()));

TEST_P(Vanishing, EndsTheJobSoon) {
  const auto& [where, half] = GetParam();
  const Served server(slow(milliseconds(5)));
  Client client(server.port);
  EXPECT_TRUE(client.send(post("/execute", job_text("j"))));
  if (where.empty()) {
    while (server.served.worker.snapshot().running == 0) std::this_thread::sleep_for(milliseconds(1));
  } else {
    client.read_until(where);
  }
  half ? client.close_half() : client.close();
  EXPECT_TRUE(server.idle_within(seconds(2)));  // of 15; the figure of the contract is worker_test.cc's
}

TEST(Http, AClientThatWaitsAndVanishesLeavesTheQueue) {
  Served server(slow(milliseconds(5)));
  Client first(server.port);
  EXPECT_TRUE(first.send(post("/execute", job_text("a"))));
  first.read_until("event: token");
  Client second(server.port);
  EXPECT_TRUE(second.send(post("/execute", job_text("b"))));
  second.read_until("\r\n\r\n");
  EXPECT_EQ(server.served.worker.snapshot().waiting, 1u);
  second.close();
  for (int i = 0; i < 2000 && server.served.worker.snapshot().waiting != 0; ++i)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_EQ(server.served.worker.snapshot().waiting, 0u);
  EXPECT_EQ(server.served.worker.snapshot().running, 1u);
}

TEST(Http, AClientThatWantsAWholeAnswerAndVanishesEndsItsJob) {
  const Served server(slow(milliseconds(5)));
  Client client(server.port);
  EXPECT_TRUE(client.send(post("/v1/completions", R"({"prompt":"hi","temperature":0})")));
  while (server.served.worker.snapshot().running == 0) std::this_thread::sleep_for(milliseconds(1));
  client.close();
  EXPECT_TRUE(server.idle_within(seconds(2)));
}

TEST(Http, AReaderThatNeverReadsDoesNotHoldTheNextJob) {
  const Served server({.text = std::string(2000, 'a')}, {.write_timeout = milliseconds(300)});
  Client lazy(server.port);
  EXPECT_TRUE(lazy.send(post("/execute", job_text("a"))));
  const auto events = events_of(chunks_of(server.ask(post("/execute", job_text("b", R"("max_tokens":5)")))));
  expect_order(events);
  EXPECT_EQ(text_of_events(events), "aaaaa");
}

TEST(Http, AReaderWhoseBuffersAreFullIsGoneAtTheWriteTimeout) {
  constexpr int64_t kTokens = 1'000'000;  // some 70 MB of events, more than sockets hold
  Served server({.text = std::string(kTokens, 'a'), .context = 2 * kTokens},
                {.write_timeout = milliseconds(300)}, {}, {.tokens_out = kTokens});
  Client lazy(server.port);
  EXPECT_TRUE(lazy.send(post("/execute", request("a", R"("max_tokens":1000000,"ignore_eos":true)"))));
  for (int i = 0; i < 5000 && server.served.worker.snapshot().running == 0; ++i)
    std::this_thread::sleep_for(milliseconds(1));
  EXPECT_TRUE(server.idle_within(seconds(60)));
  const auto told = [&] {
    return server.served.lines.contains(R"("code":"CLIENT_GONE")") ||
           server.served.lines.contains(R"("code":"SLOW_CLIENT")");
  };
  for (int i = 0; i < 5000 && !told(); ++i) std::this_thread::sleep_for(milliseconds(1));
  EXPECT_TRUE(told());
  expect_order(events_of(chunks_of(server.ask(post("/execute", request("b", R"("max_tokens":5)"))))));
}

TEST(Http, SilenceIsFilledWithComments) {
  const Served server(slow(milliseconds(150), 4), {.heartbeat = milliseconds(40)});
  Client first(server.port);
  EXPECT_TRUE(first.send(post("/execute", job_text("a"))));
  first.read_until("event: started");
  const std::string second = chunks_of(server.ask(post("/execute", job_text("b"))));
  EXPECT_NE(second.find(": waiting 1\n\n"), std::string::npos) << second;
  EXPECT_NE(second.find(": heartbeat\n\n"), std::string::npos) << second;
  expect_order(events_of(second));
}

TEST(Http, CancelledByAnotherConnection) {
  const Served server(slow(milliseconds(5)));
  Client client(server.port);
  EXPECT_TRUE(client.send(post("/execute", job_text("j"))));
  client.read_until("event: token");
  EXPECT_EQ(status_of(server.ask(post("/cancel", R"({"job_id":"j"})", "Connection: close\r\n"))), 202);
  EXPECT_NE(client.read_all().find("\"code\":\"CANCELLED\""), std::string::npos);
}

TEST(Http, StopsWithAnEndForEveryStream) {
  Served server(slow(milliseconds(5)));
  Client running(server.port);
  EXPECT_TRUE(running.send(post("/execute", job_text("a"))));
  running.read_until("event: token");
  Client waiting(server.port);
  EXPECT_TRUE(waiting.send(post("/execute", job_text("b"))));
  waiting.read_until("\r\n\r\n");
  server.served.worker.begin_stop();
  server.served.worker.end_running();
  EXPECT_TRUE(server.served.worker.wait_stopped(seconds(2)));
  server.stop();
  EXPECT_NE(running.read_all().find("SHUTTING_DOWN"), std::string::npos);
  EXPECT_NE(waiting.read_all().find("SHUTTING_DOWN"), std::string::npos);
}

TEST(Http, TakesARequestWithoutALengthForOneWithoutABody) {
  const Served server;
  const auto start = Clock::now();
  EXPECT_EQ(status_of(server.ask("POST /shutdown HTTP/1.1\r\nHost: a\r\n\r\n")), 202);
  EXPECT_LT(Clock::now() - start, seconds(1));
}

TEST(Http, AnswersHead) {
  const Served server;
  const std::string answer = server.ask("HEAD /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_TRUE(answer.ends_with("\r\n\r\n")) << answer;
}

}  // namespace
}  // namespace kigo::tools
