// Who may generate, and when: the queue without sockets or a model.
#include "tools/lib/serve/admission.h"

#include <gtest/gtest.h>

#include <thread>

#include "core/base/cat.h"
#include "tools/lib/serve/sse.h"

namespace kigo::tools {
namespace {

using std::chrono::milliseconds;

std::shared_ptr<Job> job(const std::string& id) {
  auto made = std::make_shared<Job>();
  made->id = id;
  made->sink = execute_sink(made->buffer, {id, "m", "c"}, false, {});
  return made;
}

std::string written(const Job& job) { return job.buffer->take(milliseconds(0)).bytes; }

struct Queue : testing::Test {
  std::vector<std::string> left;
  Admission admission{
      2, [this](const Job& each, WorkerError code) { left.push_back(cat(each.id, " ", name(code))); }};
  void SetUp() override { admission.set_state(WorkerState::healthy); }

  WorkerError refused(const std::shared_ptr<Job>& each) {
    const auto refusal = admission.admit(each);
    return refusal ? refusal->problem.code : WorkerError::internal;
  }
};

TEST_F(Queue, IsFirstComeFirstServed) {
  const auto a = job("a"), b = job("b");
  EXPECT_FALSE(admission.admit(a));
  EXPECT_FALSE(admission.admit(b));
  EXPECT_EQ(admission.next(milliseconds(0)), a);
  EXPECT_EQ(admission.running(), a);
  EXPECT_EQ(admission.ahead_of(*b), 1u);
  EXPECT_EQ(admission.ahead_of(*a), std::nullopt);
  admission.finish(*a, milliseconds(1));
  EXPECT_EQ(admission.next(milliseconds(0)), b);
  EXPECT_EQ(admission.next(milliseconds(0)), nullptr);
}

TEST_F(Queue, TakesOneRunningJobAndTheLimit) {
  EXPECT_FALSE(admission.admit(job("a")));
  ASSERT_TRUE(admission.next(milliseconds(0)));
  EXPECT_FALSE(admission.admit(job("b")));
  EXPECT_FALSE(admission.admit(job("c")));
  const auto refusal = admission.admit(job("d"));
  ASSERT_TRUE(refusal);
  EXPECT_EQ(refusal->problem.code, WorkerError::queue_full);
  EXPECT_EQ(refusal->problem.message, "2 jobs wait, limit 2; retry in 1 s");
  EXPECT_EQ(refusal->retry_after_s, 1);
}

TEST(QueueOfNone, RunsOrRefuses) {
  Admission admission(0);
  admission.set_state(WorkerState::healthy);
  const auto a = job("a");
  EXPECT_FALSE(admission.admit(a));
  EXPECT_TRUE(admission.admit(job("b")));
  EXPECT_EQ(admission.next(milliseconds(0)), a);
  EXPECT_TRUE(admission.admit(job("c")));
  admission.finish(*a, milliseconds(1));
  EXPECT_FALSE(admission.admit(job("d")));
}

TEST_F(Queue, RefusesAnIdThatRunsOrWaitsBeforeItLooksForRoom) {
  const auto a = job("a");
  EXPECT_FALSE(admission.admit(a));
  EXPECT_EQ(admission.admit(job("a"))->problem.message, "job_id a is waiting");
  ASSERT_TRUE(admission.next(milliseconds(0)));
  EXPECT_EQ(admission.admit(job("a"))->problem.message, "job_id a is running");
  EXPECT_FALSE(admission.admit(job("b")));
  EXPECT_FALSE(admission.admit(job("c")));
  EXPECT_EQ(refused(job("a")), WorkerError::duplicate_job);
  admission.finish(*a, milliseconds(1));
  EXPECT_FALSE(admission.admit(job("a")));  // over: the id is free again
}

TEST_F(Queue, CancelsARunningJobByItsFlag) {
  const auto a = job("a");
  EXPECT_FALSE(admission.admit(a));
  ASSERT_TRUE(admission.next(milliseconds(0)));
  EXPECT_EQ(admission.cancel("a"), CancelState::cancelling);
  EXPECT_EQ(admission.cancel("a"), CancelState::cancelling);
  EXPECT_TRUE(a->cancelled());
  EXPECT_EQ(a->cause(), EndCause::request);
  EXPECT_EQ(written(*a), "");  // its end is the generation thread's to tell
  EXPECT_TRUE(left.empty());
}

TEST_F(Queue, RemovesAWaitingJobWithOneEvent) {
  const auto a = job("a"), b = job("b");
  EXPECT_FALSE(admission.admit(a));
  EXPECT_FALSE(admission.admit(b));
  EXPECT_EQ(admission.cancel("b"), CancelState::removed);
  EXPECT_EQ(admission.cancel("b"), CancelState::not_running);
  EXPECT_EQ(admission.cancel("x"), CancelState::not_running);
  EXPECT_NE(written(*b).find("\"code\":\"CANCELLED\""), std::string::npos);
  EXPECT_EQ(left, std::vector<std::string>{"b CANCELLED"});
  EXPECT_EQ(admission.next(milliseconds(0)), a);
  EXPECT_EQ(admission.next(milliseconds(0)), nullptr);
}

TEST_F(Queue, SendsAwayWhatWaitsTooLong) {
  const auto a = job("a"), b = job("b");
  a->received -= std::chrono::seconds(61);
  EXPECT_FALSE(admission.admit(b));
  EXPECT_FALSE(admission.admit(a));
  admission.expire(std::chrono::seconds(60));
  EXPECT_NE(written(*a).find(R"("code":"QUEUE_TIMEOUT","message":"waited 60 s")"), std::string::npos);
  EXPECT_EQ(left, std::vector<std::string>{"a QUEUE_TIMEOUT"});
  EXPECT_EQ(admission.next(milliseconds(0)), b);
}

TEST_F(Queue, StopSendsAwayAllThatWaitAndLetsTheRunningGoOn) {
  const auto a = job("a"), b = job("b");
  EXPECT_FALSE(admission.admit(a));
  ASSERT_TRUE(admission.next(milliseconds(0)));
  EXPECT_FALSE(admission.admit(b));
  admission.stop();
  EXPECT_FALSE(a->cancelled());
  EXPECT_NE(written(*b).find("SHUTTING_DOWN"), std::string::npos);
  EXPECT_EQ(refused(job("c")), WorkerError::shutting_down);
  EXPECT_FALSE(admission.drained());
  admission.finish(*a, milliseconds(1));
  EXPECT_TRUE(admission.drained());
  admission.set_state(WorkerState::healthy);  // too late
  EXPECT_EQ(refused(job("d")), WorkerError::shutting_down);
}

TEST_F(Queue, NamesItsState) {
  admission.set_state(WorkerState::loading);
  admission.set_load_percent(45);
  EXPECT_EQ(admission.admit(job("a"))->problem.message, "loading, 45 %");
  EXPECT_EQ(refused(job("a")), WorkerError::not_ready);
  admission.set_state(WorkerState::unhealthy, "self-check: logits hash differs from start-up");
  EXPECT_EQ(refused(job("a")), WorkerError::worker_unhealthy);
  EXPECT_EQ(admission.admit(job("a"))->problem.message, "self-check: logits hash differs from start-up");
}

TEST_F(Queue, AsksToRetryAfterTheMeanOfTheLastEightTimesTheJobsAhead) {
  for (int i = 0; i < 9; ++i) {
    const auto each = job(cat(i));
    EXPECT_FALSE(admission.admit(each));
    ASSERT_TRUE(admission.next(milliseconds(0)));
    admission.finish(*each, std::chrono::seconds(i == 0 ? 1000 : 2));  // the first is forgotten
  }
  EXPECT_EQ(admission.retry_after_s(), 1);  // nobody ahead
  EXPECT_FALSE(admission.admit(job("a")));
  EXPECT_FALSE(admission.admit(job("b")));
  EXPECT_EQ(admission.retry_after_s(), 4);
  const auto a = admission.next(milliseconds(0));
  admission.finish(*a, std::chrono::seconds(1000));
  EXPECT_EQ(admission.retry_after_s(), 60);
}

TEST_F(Queue, WakesWhoWaitsForAJob) {
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(20));
    EXPECT_FALSE(admission.admit(job("a")));
  });
  EXPECT_NE(admission.next(std::chrono::seconds(10)), nullptr);
  later.join();
}

TEST(EventBuffer, KeepsTheOrderAndEndsOnce) {
  EventBuffer buffer;
  EXPECT_TRUE(buffer.append("a"));
  EXPECT_TRUE(buffer.append("b"));
  EXPECT_EQ(buffer.take(milliseconds(0)).bytes, "ab");
  buffer.close("c");
  buffer.close("d");
  EXPECT_FALSE(buffer.append("e"));
  const auto last = buffer.take(milliseconds(0));
  EXPECT_EQ(last.bytes, "c");
  EXPECT_TRUE(last.last);
}

TEST(EventBuffer, HoldsNoMoreThanItsLimitButForTheEnd) {
  EventBuffer buffer(4);
  EXPECT_TRUE(buffer.append("abc"));
  EXPECT_FALSE(buffer.append("de"));
  EXPECT_TRUE(buffer.append("d"));
  EXPECT_FALSE(buffer.append("e"));
  buffer.close("end");
  EXPECT_EQ(buffer.take(milliseconds(0)).bytes, "abcdend");
}

}  // namespace
}  // namespace kigo::tools
