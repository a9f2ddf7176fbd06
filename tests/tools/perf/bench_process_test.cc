// A program that measures, as a child: what it answers, how it can fail, and that none is left behind.
#include "tools/lib/perf/bench_process.h"

#include "tests/tools/perf/fake_programs.h"

namespace kigo::tools::perf {
namespace {

using std::chrono::milliseconds;
using testing::Values;

class Bench : public FakePrograms {
 protected:
  BenchCommand command(const std::string& program) const {
    return {program, {}, path("log_of_errors"), milliseconds(10'000)};
  }
  std::unique_ptr<BenchProcess> started(const std::string& names, const std::string& more = {}) const {
    auto bench = BenchProcess::start(command(program("head", names, more)));
    EXPECT_TRUE(bench) << bench.error().message();
    return bench ? std::move(*bench) : nullptr;
  }
  std::string refusal(const std::string& more) const {
    BenchCommand asked = command(program("head", "", more));
    if (more.find("hang") != std::string::npos) asked.ready_limit = milliseconds(1000);
    const auto bench = BenchProcess::start(asked);
    return bench ? "started" : bench.error().message();
  }
};

TEST_F(Bench, SaysWhatItIs) {
  const auto bench = started("");
  EXPECT_EQ(bench->ready().program, path("head"));
  EXPECT_EQ(bench->ready().commit, "head0");
}

TEST_F(Bench, GivesTheRecordsOfAName) {
  const auto bench = started(R"({"name": "op/a/x", "us": 50, "samples": 5})");
  const BenchAnswer answer = bench->ask({"op/a/x", 3, "r", 2.5, true}, milliseconds(5000));
  EXPECT_EQ(answer.state, State::ok) << answer.why;
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].subject, (Subject{Kind::op, "a", "x", Cache::none}));
  EXPECT_EQ(answer.records[0].block, 3);
  EXPECT_EQ(answer.records[0].run, "r");
  EXPECT_EQ(answer.records[0].delay_us, 2.5);
  EXPECT_NEAR(median_us(answer.records[0]), 52.5, 5);
  EXPECT_EQ(requests(), (std::vector<std::string>{"head 3 op/a/x delay 2.5"}));
}

TEST_F(Bench, AsksForNoDelayAndNoTwinWhereNoneIsWanted) {
  const auto bench = started(R"({"name": "op/a/x"})");
  bench->ask({"op/a/x", 0, "r", {}, true}, milliseconds(5000));
  bench->ask({"op/a/x", 1, "r", 0.0, true}, milliseconds(5000));
  bench->ask({"op/a/x", 2, "r", {}, false}, milliseconds(5000));
  EXPECT_EQ(requests(),
            (std::vector<std::string>{"head 0 op/a/x", "head 1 op/a/x delay 0", "head 2 op/a/x unverified"}));
}

TEST_F(Bench, SaysThatTheTimingIsOver) {
  const auto bench = started(R"({"name": "op/a/x", "compare_ms": 1}, {"name": "op/b/y"})");
  const BenchRequest request{"op/a/x", 0, "r", {}, true, true};
  const BenchAnswer timed = bench->ask(request, milliseconds(5000));
  EXPECT_TRUE(timed.timed);
  EXPECT_TRUE(timed.records.empty());
  const BenchAnswer rest = bench->rest(milliseconds(5000));
  EXPECT_FALSE(rest.timed);
  EXPECT_EQ(rest.records.size(), 1u);
  // One that says nothing of it is as good.
  EXPECT_EQ(bench->ask({"op/b/y", 0, "r", {}, true, true}, milliseconds(5000)).records.size(), 1u);
  EXPECT_EQ(requests().back(), "head 0 op/b/y announced");
}

TEST_F(Bench, PassesOnWhatTheProgramCallsInvalid) {
  const auto bench = started("");
  const BenchAnswer answer = bench->ask({"op/b/x", 0, "r", {}, true}, milliseconds(5000));
  EXPECT_EQ(answer.state, State::ok);
  ASSERT_EQ(answer.records.size(), 1u);
  EXPECT_EQ(answer.records[0].state, State::invalid);
}

TEST_F(Bench, IsGoneWithItsObject) {
  pid_t process = 0;
  {
    const auto bench = started("");
    process = bench->process();
    EXPECT_TRUE(alive(process));
  }
  EXPECT_FALSE(alive(process));
}

struct Failing {
  const char* what;
  State state;
  const char* why;  // a part of it
  size_t records;   // that came before
};
std::ostream& operator<<(std::ostream& out, const Failing& failing) { return out << failing.what; }

class FailingBench : public Bench, public testing::WithParamInterface<Failing> {};

TEST_P(FailingBench, IsAStateWithAReasonAndStopped) {
  const Failing& want = GetParam();
  const auto bench = started(cat(R"({"name": "op/a/x", "do": ")", want.what, "\"}"));
  const pid_t process = bench->process();
  const BenchAnswer answer = bench->ask({"op/a/x", 0, "r", {}, true}, milliseconds(1000));
  EXPECT_EQ(answer.state, want.state);
  EXPECT_NE(answer.why.find(want.why), std::string::npos) << answer.why;
  EXPECT_EQ(answer.records.size(), want.records);
  EXPECT_FALSE(alive(process));
  EXPECT_EQ(bench->ask({"op/a/x", 1, "r", {}, true}, milliseconds(1000)).state, State::invalid);
}

INSTANTIATE_TEST_SUITE_P(InAllWays, FailingBench,
                         Values(Failing{"die", State::invalid, "exit status 7, the device is warm", 0},
                                Failing{"crash", State::invalid, "signal 6", 0},
                                Failing{"half", State::invalid, "exit status 7", 1},
                                Failing{"hang", State::timed_out, "no answer in 1 s", 0},
                                Failing{"garbage", State::invalid, "answer of ", 0},
                                Failing{"endless", State::invalid, "a line without an end", 0},
                                Failing{"many", State::invalid, "more than 100 records", 100},
                                Failing{"other_block", State::invalid, "block 1, expected run r block 0", 0}),
                         [](const auto& failing) { return failing.param.what; });

TEST_F(Bench, ThatIsNotReadyIsAnErrorWithItsLastWords) {
  EXPECT_NE(refusal(R"("start": "die")").find("exit status 3, no memory left"), std::string::npos);
  EXPECT_NE(refusal(R"("start": "hang")").find("not ready in 1 s"), std::string::npos);
  EXPECT_NE(refusal(R"("start": "garbage")").find("the line that says ready"), std::string::npos);
  EXPECT_NE(refusal(R"("start": "not_run")").find("NOT RUN: no NVIDIA GPU (unsupported)"), std::string::npos)
      << refusal(R"("start": "not_run")");
  EXPECT_NE(refusal(R"("start": "fault_build")").find("a build with seeded faults"), std::string::npos);
  const auto none = BenchProcess::start(command(path("nothing")));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message().find("exit status 127, cannot be started"), std::string::npos)
      << none.error().message();
}

TEST_F(Bench, EndsWithItsInput) {
  EXPECT_TRUE(started("")->finish(milliseconds(10'000)));
  const auto badly = started("", R"("start": "ends_badly")")->finish(milliseconds(10'000));
  ASSERT_FALSE(badly);
  EXPECT_NE(badly.error().message().find("exit status 5"), std::string::npos) << badly.error().message();
  const auto never = started("", R"("start": "never_ends")");
  const pid_t process = never->process();
  EXPECT_FALSE(never->finish(milliseconds(300)));
  EXPECT_FALSE(alive(process));
}

TEST_F(Bench, ListsItsNames) {
  const std::string names = R"({"name": "op/b/x"}, {"name": "op/a/tokens=1 rows=4"})";
  EXPECT_EQ(*list_names(command(program("head", names))),
            (std::vector<std::string>{"op/b/x", "op/a/tokens=1 rows=4"}));
  BenchCommand filtered = command(program("head", names));
  filtered.arguments = {"--filter", "rows"};
  EXPECT_EQ(*list_names(filtered), (std::vector<std::string>{"op/a/tokens=1 rows=4"}));
  EXPECT_FALSE(list_names(command(program("head", ""))));
  EXPECT_FALSE(list_names(command(program("head", R"({"name": "a"}, {"name": "a"})"))));
  EXPECT_FALSE(list_names(command(path("nothing"))));
}

}  // namespace
}  // namespace kigo::tools::perf
