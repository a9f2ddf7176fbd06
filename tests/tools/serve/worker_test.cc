// The worker without sockets: jobs, limits of time, stopping, self-checks, and the routes over it.
#include "tools/lib/serve/worker.h"

#include "core/base/cat.h"
#include "tests/tools/serve/fixture.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;

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

/// The best of some tries: a busy machine may take the processor away for longer than that.
TEST_F(SlowWorker, CancelsARunningJobWithin100Milliseconds) {
  start();
  Clock::duration best = std::chrono::hours(1);
  for (int i = 0; i < 5 && best >= milliseconds(100); ++i) {
    const std::string id = cat("j", i);
    const Reply reply = served->execute(request(id));
    wait_until_running(id);
    const auto asked = Clock::now();
    const std::string body = cat(R"({"job_id":")", id, "\"}");
    const Reply cancelled = served->send("POST", "/cancel", body);
    EXPECT_EQ(cancelled.status, 202);
    EXPECT_EQ(cancelled.body, cat(R"({"job_id":")", id, R"(","state":"cancelling"})"));
    const auto events = events_of(drain(reply));
    best = std::min(best, Clock::now() - asked);
    expect_order(events);
    EXPECT_EQ(code_of(events.back()), "CANCELLED");
    EXPECT_TRUE(events.back().data.find("message")->string()->starts_with("cancelled by request after "));
    EXPECT_EQ(served->send("POST", "/cancel", body).body,
              cat(R"({"job_id":")", id, R"(","state":"not_running"})"));
  }
  EXPECT_LT(best, milliseconds(100));
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

TEST(Worker, IsUnhealthyWhenAJobDoesNotEndAfterItWasToldTo) {
  std::atomic<bool> stuck = true;
  const auto deaf = [&](size_t step) -> Status {
    while (step == 1 && stuck) std::this_thread::sleep_for(milliseconds(1));
    return {};
  };
  ServedWorker served(ScriptOptions{.on_step = deaf}, {.longest_end = milliseconds(100)});
  const Reply reply = served.execute(request("j"));
  for (int i = 0; i < 5000 && served.worker.snapshot().running == 0; ++i)
    std::this_thread::sleep_for(milliseconds(1));
  std::this_thread::sleep_for(milliseconds(150));
  EXPECT_TRUE(served.worker.healthy());  // nobody told it to end
  EXPECT_EQ(served.send("POST", "/cancel", R"({"job_id":"j"})").status, 202);
  for (int i = 0; i < 5000 && served.worker.healthy(); ++i) std::this_thread::sleep_for(milliseconds(1));
  const Reply health = served.send("GET", "/health");
  EXPECT_EQ(health.status, 503);
  EXPECT_EQ(*body(health).find("reason")->string(), "job j: still running 100 ms after it was told to end");
  EXPECT_EQ(error_code(served.execute(request("k"))), "WORKER_UNHEALTHY");
  stuck = false;
  const auto events = events_of(drain(reply));
  EXPECT_EQ(code_of(events.back()), "CANCELLED");
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

}  // namespace
}  // namespace kigo::tools
