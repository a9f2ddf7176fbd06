// The worker without sockets: jobs, limits of time, stopping, self-checks, and the routes over it.
#include "tools/lib/serve/worker.h"

#include "core/base/cat.h"
#include "tests/tools/serve/fixture.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;

constexpr const char* kJson = "application/json";

std::string request(const std::string& id, const std::string& more = {}) {
  return cat(R"({"job_id":")", id, R"(","prompt":"hi","temperature":0)", more.empty() ? "" : ",", more, "}");
}
const std::string& code_of(const Event& event) { return *event.data.find("code")->string(); }
Json body(const Reply& reply) {
  auto json = Json::parse(reply.body, "reply");
  EXPECT_TRUE(json) << reply.body;
  return json ? *json : Json();
}
std::string error_code(const Reply& reply) { return *body(reply).find("error")->find("code")->string(); }

TEST(Execute, StreamsStartedTokensAndEnd) {
  ServedWorker served;
  const Reply reply = served.execute(request("j1", R"("seed":7,"return_token_ids":true,"max_tokens":50)"));
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "text/event-stream; charset=utf-8");
  const auto events = events_of(drain(reply));
  expect_order(events);
  EXPECT_EQ(text_of_events(events), "hello");
  const Json& started = events.front().data;
  EXPECT_EQ(*started.find("job_id")->string(), "j1");
  EXPECT_EQ(started.find("seed")->integer(), 7);
  EXPECT_EQ(started.find("prompt_tokens")->integer(), 2);
  EXPECT_EQ(started.find("max_tokens")->integer(), 50);
  EXPECT_EQ(*started.find("model")->string(), "scripted");
  EXPECT_EQ(events[1].data.dump(), R"({"type":"token","t":"h","i":0,"n":1,"ids":[104]})");
  const Json& end = events.back().data;
  EXPECT_EQ(*end.find("stop_reason")->string(), "EOS");
  EXPECT_EQ(end.find("tokens_out")->integer(), 5);
  EXPECT_EQ(end.find("seed")->integer(), 7);
  EXPECT_EQ(end.find("withheld_ids"), nullptr);
}

TEST(Execute, NamesTheStopStringAndTheIdsThatItWithheld) {
  ServedWorker served({.text = "go STOP"});
  const auto events =
      events_of(drain(served.execute(request("j", R"("stop":["x","STOP"],"return_token_ids":true)"))));
  expect_order(events);
  EXPECT_EQ(text_of_events(events), "go ");
  const Json& end = events.back().data;
  EXPECT_EQ(*end.find("stop_reason")->string(), "STOP_SEQUENCE");
  EXPECT_EQ(*end.find("stop_sequence_matched")->string(), "STOP");
  EXPECT_EQ(end.find("withheld_ids")->dump(), "[83,84,79,80]");
  EXPECT_EQ(end.find("tokens_withheld")->integer(), 4);
}

TEST(Execute, SendsMetricsWhenAsked) {
  ServedWorker served;
  const auto events = events_of(drain(served.execute(request("j", R"("metrics_every_tokens":2)"))));
  expect_order(events);
  EXPECT_EQ(std::ranges::count(events, "metrics", &Event::name), 2);
}

TEST(Execute, MakesUpASeedThatEveryReaderKeeps) {
  ServedWorker served;
  const auto first = events_of(drain(served.execute(request("a"))));
  const auto second = events_of(drain(served.execute(request("b"))));
  const auto seed = [](const std::vector<Event>& events) {
    return *events.front().data.find("seed")->integer();
  };
  EXPECT_LT(seed(first), int64_t{1} << 53);
  EXPECT_NE(seed(first), seed(second));
}

TEST(Execute, EndsWithAnErrorWhenTheForwardPassFails) {
  ServedWorker served({.on_step = [](size_t step) -> Status {
    return step == 2 ? Status(fail(Code::inference_failed, "logits of token 2", "1 value not finite"))
                     : Status();
  }});
  const auto events = events_of(drain(served.execute(request("j"))));
  expect_order(events);
  EXPECT_EQ(code_of(events.back()), "INFERENCE_FAILED");
  EXPECT_EQ(*events.back().data.find("message")->string(), "logits of token 2: 1 value not finite");
  EXPECT_EQ(served.execute(request("j")).status, 200);  // the next job runs
}

struct SlowWorker : testing::Test {
  WorkerOptions options{.queue = 2};
  std::unique_ptr<ServedWorker> served;
  void start() {
    served = std::make_unique<ServedWorker>(
        ScriptOptions{.text = std::string(5000, 'a'), .on_step = slowly(milliseconds(2))}, options);
  }
  void wait_until_running(const std::string& id) const {
    for (int i = 0; i < 5000; ++i) {
      const auto running = served->worker.snapshot().running;
      if (running != 0 && served->lines.contains(cat(R"("execute_start","worker_id":"w","job_id":")", id)))
        return;
      std::this_thread::sleep_for(milliseconds(1));
    }
    FAIL() << id << " does not run";
  }
};

TEST_F(SlowWorker, CancelsARunningJobWithin100Milliseconds) {
  start();
  const Reply reply = served->execute(request("j1"));
  wait_until_running("j1");
  const auto asked = Clock::now();
  const Reply cancelled = served->send("POST", "/cancel", R"({"job_id":"j1"})");
  EXPECT_EQ(cancelled.status, 202);
  EXPECT_EQ(cancelled.body, R"({"job_id":"j1","state":"cancelling"})");
  const auto events = events_of(drain(reply));
  EXPECT_LT(Clock::now() - asked, milliseconds(100));
  expect_order(events);
  EXPECT_EQ(code_of(events.back()), "CANCELLED");
  EXPECT_TRUE(events.back().data.find("message")->string()->starts_with("cancelled by request after "));
  EXPECT_EQ(served->send("POST", "/cancel", R"({"job_id":"j1"})").body,
            R"({"job_id":"j1","state":"not_running"})");
}

TEST_F(SlowWorker, RefusesAboveTheQueueAndRunsTheRest) {
  start();
  std::vector<Reply> replies;
  replies.push_back(served->execute(request("j0")));
  wait_until_running("j0");
  for (int i = 1; i < 3; ++i) replies.push_back(served->execute(request(cat("j", i), R"("max_tokens":3)")));
  const Reply full = served->execute(request("j9"));
  EXPECT_EQ(full.status, 429);
  EXPECT_EQ(error_code(full), "QUEUE_FULL");
  EXPECT_TRUE(
      std::ranges::any_of(full.headers, [](const auto& each) { return each.first == "Retry-After"; }));
  EXPECT_TRUE(full.close);
  EXPECT_EQ(served->execute(request("j1")).status, 409);
  served->worker.cancel("j0");
  for (const Reply& reply : replies) {
    const auto events = events_of(drain(reply));
    expect_order(events);
  }
}

TEST_F(SlowWorker, EndsAtTheTimeLimit) {
  options.inference_timeout = milliseconds(100);
  start();
  const auto events = events_of(drain(served->execute(request("j"))));
  expect_order(events);
  EXPECT_EQ(code_of(events.back()), "INFERENCE_TIMEOUT");
}

TEST_F(SlowWorker, SendsAwayWhatWaitsTooLong) {
  options.queue_timeout = milliseconds(50);
  start();
  const Reply first = served->execute(request("a"));
  wait_until_running("a");
  const auto events = events_of(drain(served->execute(request("b"))));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(code_of(events[0]), "QUEUE_TIMEOUT");
  served->worker.cancel("a");
  drain(first);
}

TEST_F(SlowWorker, AClientThatIsGoneEndsItsJobInTheQueueAndWhileItRuns) {
  start();
  const Reply first = served->execute(request("a"));
  wait_until_running("a");
  const Reply second = served->execute(request("b"));
  served->worker.client_gone(*second.job);
  drain(second);
  EXPECT_EQ(served->worker.snapshot().waiting, 0u);
  served->worker.client_gone(*first.job);
  drain(first);
  EXPECT_TRUE(served->lines.contains(R"("outcome":"client_gone")"));
}

TEST_F(SlowWorker, ABufferThatNobodyReadsEndsTheJob) {
  start();
  auto job = std::make_shared<Job>();
  job->id = "j";
  job->buffer = std::make_shared<EventBuffer>(400);
  job->sink = execute_sink(job->buffer, {"j", "m", "c"}, false, {});
  job->prompt = {1, 2};
  ASSERT_FALSE(served->worker.submit(job));
  for (int i = 0; i < 5000 && !served->lines.contains("SLOW_CLIENT"); ++i)
    std::this_thread::sleep_for(milliseconds(1));
  Reply reply;
  reply.job = job;
  const auto events = events_of(drain(reply));
  expect_order(events);
  EXPECT_EQ(code_of(events.back()), "SLOW_CLIENT");
}

TEST_F(SlowWorker, StoppingSendsTheWaitingAwayAndEndsTheRunningWhenTold) {
  start();
  const Reply first = served->execute(request("a"));
  wait_until_running("a");
  const Reply second = served->execute(request("b"));
  const Reply stop = served->send("POST", "/shutdown", "", {});
  EXPECT_EQ(stop.status, 202);
  EXPECT_EQ(stop.body, R"({"state":"stopping","running":1,"waiting":1,"limit_s":30})");
  EXPECT_EQ(served->shutdowns, 1);
  EXPECT_EQ(code_of(events_of(drain(second)).back()), "SHUTTING_DOWN");
  EXPECT_EQ(served->execute(request("c")).status, 503);
  EXPECT_FALSE(served->worker.wait_stopped(milliseconds(20)));
  served->worker.end_running();
  EXPECT_TRUE(served->worker.wait_stopped(std::chrono::seconds(5)));
  EXPECT_EQ(code_of(events_of(drain(first)).back()), "SHUTTING_DOWN");
}

TEST(Loading, AnswersNotReadyThenWorks) {
  std::atomic<bool> go = false;
  ServedWorker served(
      [&](const LoadProgress& progress) -> Result<std::unique_ptr<Loaded>> {
        KIGO_TRY(progress(45, 100));
        while (!go) std::this_thread::sleep_for(milliseconds(1));
        return scripted({});
      },
      {});
  while (!served.lines.contains("\"percent\":45")) std::this_thread::sleep_for(milliseconds(1));
  const Reply health = served.send("GET", "/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(*body(health).find("status")->string(), "loading");
  EXPECT_EQ(body(health).find("load_percent")->integer(), 45);
  const Reply early = served.execute(request("j"));
  EXPECT_EQ(early.status, 503);
  EXPECT_EQ(error_code(early), "NOT_READY");
  EXPECT_EQ(served.send("GET", "/v1/models").status, 503);
  go = true;
  ASSERT_TRUE(served.worker.wait_ready(std::chrono::seconds(5)).has_value());
  EXPECT_EQ(served.send("GET", "/health").status, 200);
}

TEST(Loading, LogsProgressInStepsOfFiveEachOnce) {
  ServedWorker served(
      [&](const LoadProgress& progress) -> Result<std::unique_ptr<Loaded>> {
        for (const uint64_t done : {0, 3, 12, 12, 100, 100}) KIGO_TRY(progress(done, 100));
        return scripted({});
      },
      {});
  ASSERT_TRUE(served.worker.wait_ready(std::chrono::seconds(5)).has_value());
  std::string percents;
  for (size_t at = 0; (at = served.lines.text.find("\"percent\":", at)) != std::string::npos; ++at)
    percents += cat(std::atoi(served.lines.text.c_str() + at + 10), " ");
  EXPECT_EQ(percents, "0 5 10 15 20 25 30 35 40 45 50 55 60 65 70 75 80 85 90 95 100 ");
}

TEST(Loading, EndsWithTheErrorOfTheOpenerOrWhenToldTo) {
  ServedWorker broken(
      [](const LoadProgress&) -> Result<std::unique_ptr<Loaded>> { return fail(Code::io, "f", "gone"); }, {});
  EXPECT_EQ(broken.worker.wait_ready(std::chrono::seconds(5))->error().message(), "f: gone (io)");
  ServedWorker endless(
      [](const LoadProgress& progress) -> Result<std::unique_ptr<Loaded>> {
        for (;;) KIGO_TRY(progress(1, 100));
      },
      {});
  endless.worker.begin_stop();
  endless.worker.end_running();
  EXPECT_EQ(endless.worker.wait_ready(std::chrono::seconds(5))->error().code, Code::cancelled);
}

TEST(SelfCheck, MakesTheWorkerUnhealthyWhenItFails) {
  std::atomic<bool> broken = false;
  ServedWorker served({.on_step = [&](size_t) -> Status {
                        return broken ? Status(fail(Code::cuda, "device", "fell off")) : Status();
                      }},
                      {.residency_check = milliseconds(10)});
  EXPECT_EQ(served.send("GET", "/health").status, 200);
  broken = true;
  for (int i = 0; i < 5000 && served.worker.healthy(); ++i) std::this_thread::sleep_for(milliseconds(1));
  const Reply health = served.send("GET", "/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(*body(health).find("status")->string(), "unhealthy");
  EXPECT_EQ(*body(health).find("reason")->string(), "self-check: device: fell off (cuda)");
  EXPECT_EQ(error_code(served.execute(request("j"))), "WORKER_UNHEALTHY");
}

TEST(OpenAi, AnswersWhole) {
  ServedWorker served;
  const Reply reply =
      served.send("POST", "/v1/chat/completions",
                  R"({"messages":[{"role":"user","content":"hi"}],"seed":3,"temperature":0})");
  ASSERT_TRUE(reply.job);
  EXPECT_FALSE(reply.stream);
  const Json json = *Json::parse(drain(reply), "reply");
  EXPECT_EQ(*reply.job_status, 200);
  EXPECT_EQ(*json.find("object")->string(), "chat.completion");
  EXPECT_TRUE(json.find("id")->string()->starts_with("chatcmpl-"));
  EXPECT_EQ(json.find("choices")->dump(),
            R"([{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}])");
  EXPECT_EQ(json.find("usage")->find("completion_tokens")->integer(), 5);
  EXPECT_EQ(json.find("seed")->integer(), 3);
}

TEST(OpenAi, StreamsChunksUsageAndDone) {
  ServedWorker served;
  const std::string stream = drain(served.send(
      "POST", "/v1/completions",
      R"({"prompt":"hi","temperature":0,"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}})"));
  std::vector<Json> chunks;
  std::string_view rest = stream;
  while (rest.starts_with("data: {")) {
    chunks.push_back(*Json::parse(rest.substr(6, rest.find("\n\n") - 6), "chunk"));
    rest.remove_prefix(rest.find("\n\n") + 2);
  }
  EXPECT_EQ(rest, "data: [DONE]\n\n");
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0].find("choices")->dump(), R"([{"index":0,"text":"h","finish_reason":null}])");
  EXPECT_EQ(chunks[2].find("choices")->dump(), R"([{"index":0,"text":"","finish_reason":"length"}])");
  EXPECT_EQ(chunks[3].find("choices")->dump(), "[]");
  EXPECT_EQ(chunks[3].find("usage")->dump(), R"({"prompt_tokens":2,"completion_tokens":2,"total_tokens":4})");
}

TEST(OpenAi, AnErrorEndsTheStreamWithoutDone) {
  ServedWorker served({.on_step = [](size_t step) -> Status {
    return step == 1 ? Status(fail(Code::inference_failed, "logits", "NaN")) : Status();
  }});
  const std::string members = R"("prompt":"hi","temperature":0)";
  const std::string stream =
      drain(served.send("POST", "/v1/completions", cat("{", members, R"(,"stream":true})")));
  EXPECT_EQ(stream.find("[DONE]"), std::string::npos);
  EXPECT_NE(stream.find(R"(data: {"error":{"code":"INFERENCE_FAILED")"), std::string::npos) << stream;
  const Reply whole = served.send("POST", "/v1/completions", cat("{", members, "}"));
  drain(whole);
  EXPECT_EQ(*whole.job_status, 500);
}

TEST(Prompts, OfTheContextsLengthAreRefused) {
  ServedWorker served({.context = 16});
  const auto sent = [&](size_t tokens) {
    std::string ids;
    for (size_t i = 0; i < tokens; ++i) ids += cat(i == 0 ? "" : ",", "1");
    return served.execute(cat(R"({"job_id":"j","prompt_tokens":[)", ids, "]}"));
  };
  const Reply refused = sent(16);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error_code(refused), "CONTEXT_OVERFLOW");
  EXPECT_EQ(*body(refused).find("error")->find("message")->string(),
            "prompt: 16 tokens, expected at most 15");
  const Reply fits = sent(15);
  EXPECT_EQ(fits.status, 200);
  drain(fits);
}

/// method, path, headers, status and code.
struct Row {
  std::string name, method, path;
  std::vector<std::pair<std::string, std::string>> headers;
  int status;
  std::string code;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class RefusedBeforeTheBody : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(
    Rows, RefusedBeforeTheBody,
    testing::Values(
        Row{"NoKey", "POST", "/execute", {{"Content-Type", kJson}}, 401, "UNAUTHORIZED"},
        Row{"WrongKey", "GET", "/metrics", {{"Authorization", "Bearer wrong"}}, 401, "UNAUTHORIZED"},
        Row{"KeyTooLong", "GET", "/metrics", {{"Authorization", "Bearer keykey"}}, 401, "UNAUTHORIZED"},
        Row{"KeyBeforeRoute", "GET", "/nowhere", {}, 401, "UNAUTHORIZED"},
        Row{"OtherOrigin",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Host", "127.0.0.1:8080"}, {"Origin", "http://example.org"}},
            403,
            "FORBIDDEN_ORIGIN"},
        Row{"OriginOfAnotherPort",
            "GET",
            "/health",
            {{"Host", "a:1"}, {"Origin", "http://a:2"}},
            403,
            "FORBIDDEN_ORIGIN"},
        Row{"NoRoute", "GET", "/nowhere", {{"Authorization", "Bearer key"}}, 404, "NOT_FOUND"},
        Row{"WrongMethod", "GET", "/execute", {{"Authorization", "Bearer key"}}, 405, "METHOD_NOT_ALLOWED"},
        Row{"PostHealth", "POST", "/health", {}, 405, "METHOD_NOT_ALLOWED"},
        Row{"WrongType",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Content-Type", "text/plain"}},
            415,
            "UNSUPPORTED_MEDIA_TYPE"},
        Row{"NoType", "POST", "/cancel", {{"Authorization", "Bearer key"}}, 415, "UNSUPPORTED_MEDIA_TYPE"},
        Row{"TooLarge",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Content-Type", kJson}, {"Content-Length", "1048577"}},
            413,
            "PAYLOAD_TOO_LARGE"},
        Row{"LengthIsNoNumber",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Content-Type", kJson}, {"Content-Length", "-1"}},
            413,
            "PAYLOAD_TOO_LARGE"}),
    [](const auto& param) { return param.param.name; });

TEST_P(RefusedBeforeTheBody, WithStatusAndCode) {
  RouteOptions routing;
  routing.api_key = "key";
  ServedWorker served(ScriptOptions{}, {}, routing);
  const Row& row = GetParam();
  const auto reply = served.routes.before_body(Routes::head(row.method, row.path, row.headers));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, row.status);
  EXPECT_EQ(error_code(*reply), row.code);
  EXPECT_TRUE(reply->close);
}

TEST(Routes, LetGoodRequestsPass) {
  RouteOptions routing;
  routing.api_key = "key";
  ServedWorker served(ScriptOptions{}, {}, routing);
  const auto passes = [&](const std::string& method, const std::string& path,
                          std::vector<std::pair<std::string, std::string>> headers) {
    return !served.routes.before_body(Routes::head(method, path, std::move(headers)));
  };
  EXPECT_TRUE(passes("GET", "/health", {}));
  EXPECT_TRUE(passes("GET", "/", {}));
  EXPECT_TRUE(passes("POST", "/shutdown", {{"AUTHORIZATION", "Bearer key"}}));
  EXPECT_TRUE(passes("POST", "/execute",
                     {{"authorization", "Bearer key"},
                      {"Content-Type", "Application/JSON; charset=utf-8"},
                      {"Content-Length", "1048576"},
                      {"Host", "h:1"},
                      {"Origin", "http://h:1"}}));
}

TEST(Routes, TellEveryoneTheStateAndCount) {
  ServedWorker served;
  drain(served.execute(request("j")));
  served.execute("[]");
  const std::string metrics = served.send("GET", "/metrics").body;
  for (const char* line :
       {R"(worker_requests_total{outcome="ok",route="/execute"} 1)",
        R"(worker_requests_total{outcome="refused",route="/execute"} 1)", "worker_tokens_generated_total 5",
        "worker_prompt_tokens_total 2", R"(worker_errors_total{code="INVALID_REQUEST"} 1)",
        "worker_healthy 1", "worker_queue_depth 0", "worker_first_token_ms_count 1",
        "worker_inter_token_ms_count 4"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line << "\n" << metrics;
  EXPECT_NE(served.send("GET", "/").body.find("<title>kigo</title>"), std::string::npos);
  EXPECT_NE(served.send("GET", "/v1/models").body.find(R"("id":"scripted")"), std::string::npos);
}

TEST(Log, NeverHoldsAPromptUnlessAsked) {
  ServedWorker served;
  drain(served.execute(R"({"job_id":"j","prompt":"secret words","temperature":0})"));
  EXPECT_FALSE(served.lines.contains("secret"));
  EXPECT_TRUE(served.lines.contains(R"("prompt_bytes":12)"));
}

}  // namespace
}  // namespace kigo::tools
