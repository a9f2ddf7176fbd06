// Two programs in turns: the order, what is written, what fails and is named, and nothing left behind.
#include "tools/lib/perf/measure.h"

#include <sys/wait.h>

#include <csignal>
#include <fstream>

#include "tests/tools/perf/fake_programs.h"
#include "tools/lib/perf/contender.h"

namespace kigo::tools::perf {
namespace {

using std::chrono::milliseconds;
using Lines = std::vector<std::string>;

TEST(Turns, AreBaseHeadHeadBaseForEveryName) {
  const Lines names = {"a", "b"};
  using enum Which;
  EXPECT_EQ(turns(names, names, 4), (std::vector<Turn>{{base, "a", 0},
                                                       {head, "a", 0},
                                                       {head, "a", 1},
                                                       {base, "a", 1},
                                                       {base, "b", 0},
                                                       {head, "b", 0},
                                                       {head, "b", 1},
                                                       {base, "b", 1},
                                                       {base, "a", 2},
                                                       {head, "a", 2},
                                                       {head, "a", 3},
                                                       {base, "a", 3},
                                                       {base, "b", 2},
                                                       {head, "b", 2},
                                                       {head, "b", 3},
                                                       {base, "b", 3}}));
}

TEST(Turns, OfAnOddNumberEndWithBaseAndHead) {
  using enum Which;
  EXPECT_EQ(
      turns({"a"}, {"a"}, 3),
      (std::vector<Turn>{
          {base, "a", 0}, {head, "a", 0}, {head, "a", 1}, {base, "a", 1}, {base, "a", 2}, {head, "a", 2}}));
}

TEST(Turns, OfANameThatOneSideHasAreItsBlocks) {
  using enum Which;
  EXPECT_EQ(turns({"old", "a"}, {"a", "new"}, 2), (std::vector<Turn>{{base, "a", 0},
                                                                     {head, "a", 0},
                                                                     {head, "a", 1},
                                                                     {base, "a", 1},
                                                                     {head, "new", 0},
                                                                     {head, "new", 1},
                                                                     {base, "old", 0},
                                                                     {base, "old", 1}}));
  EXPECT_EQ(turns({}, {"a"}, 3), (std::vector<Turn>{{head, "a", 0}, {head, "a", 1}, {head, "a", 2}}));
}

TEST(Subjects, AreReadFromNames) {
  EXPECT_EQ(subject_of("op/linear_q4_k/tokens=1 rows=64"),
            (Subject{Kind::op, "linear_q4_k", "tokens=1 rows=64", Cache::none}));
  EXPECT_EQ(subject_of("model/qwen/half/prefill 64"),
            (Subject{Kind::model, "qwen", "half/prefill 64", Cache::none}));
  EXPECT_EQ(subject_of("cpu/Decode/8"), (Subject{Kind::cpu, "Decode/8", "", Cache::none}));
  EXPECT_EQ(subject_of("ceilings"), (Subject{Kind::ceiling, "ceilings", "", Cache::none}));
}

class Measure : public FakePrograms {
 protected:
  MeasureOptions options() const {
    MeasureOptions options;
    options.head = path("head");
    options.base = path("base");
    options.folder = path("out");
    options.blocks = 2;
    options.machine = "m";
    options.timeout = milliseconds(1000);
    options.ready_limit = milliseconds(10'000);
    return options;
  }
  std::vector<Record> head_records() const { return records_of(path("out/head.jsonl")); }
  std::vector<Record> base_records() const { return records_of(path("out/base.jsonl")); }
  static std::vector<Record> of(const std::vector<Record>& all, const std::string& name) {
    std::vector<Record> some;
    std::ranges::copy_if(all, std::back_inserter(some),
                         [&](const Record& record) { return record.subject.name == name; });
    return some;
  }
};

constexpr const char* kTwo = R"({"name": "op/a/x", "us": 20}, {"name": "op/b/y", "us": 90})";

TEST_F(Measure, TakesTheTurnsAfterTheCeilingsOfBoth) {
  program("head", kTwo);
  program("base", kTwo);
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(requests(),
            (Lines{"base 0 ceilings", "head 0 ceilings", "base 0 op/a/x announced", "head 0 op/a/x announced",
                   "head 1 op/a/x unverified", "base 1 op/a/x unverified", "base 0 op/b/y announced",
                   "head 0 op/b/y announced", "head 1 op/b/y unverified", "base 1 op/b/y unverified"}));
  EXPECT_TRUE(summary->ok());
  EXPECT_EQ(summary->names, 2);
  EXPECT_EQ(summary->blocks, 2);
  EXPECT_EQ(summary->records, 10);
  EXPECT_EQ(summary->restarts, 0);
  for (const auto& [records, commit] : {std::pair{base_records(), "base0"}, {head_records(), "head0"}}) {
    ASSERT_EQ(records.size(), 5u);
    for (const Record& record : records) {
      EXPECT_EQ(record.commit, commit);
      EXPECT_EQ(record.run, summary->run);
      EXPECT_EQ(record.machine, "m");
    }
    EXPECT_EQ(records[0].subject.kind, Kind::ceiling);
    EXPECT_EQ(records[4].block, 1);
  }
}

std::vector<int64_t> blocks_of(const std::vector<Record>& records) {
  std::vector<int64_t> blocks;
  for (const Record& record : records) blocks.push_back(record.block);
  return blocks;
}

TEST_F(Measure, TakesTurnsWhileValuesAreCompared) {
  for (const char* side : {"base", "head"})
    program(side, R"({"name": "op/a/x", "compare_ms": 20}, {"name": "op/b/y"})");
  MeasureOptions four = options();
  four.blocks = 4;
  const auto summary = measure(four);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_TRUE(summary->ok());
  EXPECT_EQ(summary->records, 18);
  for (const auto& records : {base_records(), head_records()}) {
    EXPECT_EQ(blocks_of(of(records, "a")), (std::vector<int64_t>{1, 0, 2, 3}));
    EXPECT_EQ(blocks_of(of(records, "b")), (std::vector<int64_t>{0, 1, 2, 3}));
  }
}

TEST_F(Measure, AProgramThatDiesWhileItComparesIsStartedAgain) {
  program("base", kTwo);
  program("head",
          R"({"name": "op/a/x", "compare_ms": 1, "then": "die"}, {"name": "op/b/y", "compare_ms": 1})");
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->invalid, 1);
  EXPECT_EQ(summary->restarts, 1);
  const std::vector<Record> a = of(head_records(), "a"), b = of(head_records(), "b");
  ASSERT_EQ(blocks_of(a), (std::vector<int64_t>{1, 0}));
  EXPECT_EQ(a[0].state, State::ok);
  EXPECT_EQ(a[1].state, State::invalid);
  EXPECT_NE(a[1].why.find("exit status 7"), std::string::npos) << a[1].why;
  ASSERT_EQ(blocks_of(b), (std::vector<int64_t>{1, 0}));
  for (const Record& record : b) EXPECT_EQ(record.state, State::ok) << record.why;
}

TEST_F(Measure, TakesEveryBlockInAProcessOfItsOwn) {
  program("head", kTwo);
  program("base", kTwo);
  MeasureOptions four = options();
  four.blocks = 4;
  ASSERT_TRUE(measure(four));
  EXPECT_EQ(starts("head"), 4);
  EXPECT_EQ(starts("base"), 4);
  std::filesystem::remove_all(path("out"));
  four.long_lived = true;
  ASSERT_TRUE(measure(four));
  EXPECT_EQ(starts("head"), 5);
}

TEST_F(Measure, OfOneProgramIsItsBlocks) {
  program("head", kTwo);
  MeasureOptions alone = options();
  alone.base = "";
  const auto summary = measure(alone);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(head_records().size(), 5u);
  EXPECT_FALSE(std::filesystem::exists(path("out/base.jsonl")));
  EXPECT_TRUE(summary->only_head.empty());
}

TEST_F(Measure, NamesWhatOnlyOneSideHas) {
  program("head", R"({"name": "op/a/x"}, {"name": "op/new/x"})");
  program("base", R"({"name": "op/old/x"}, {"name": "op/a/x"})");
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->names, 3);
  EXPECT_EQ(summary->only_head, Lines{"op/new/x"});
  EXPECT_EQ(summary->only_base, Lines{"op/old/x"});
  EXPECT_EQ(of(head_records(), "new").size(), 2u);
  EXPECT_EQ(of(base_records(), "old").size(), 2u);
}

TEST_F(Measure, BeginsNoBlocksThatWouldEndTooLate) {
  program("head", R"({"name": "op/a/x", "sleep_ms": 100})");
  program("base", R"({"name": "op/a/x", "sleep_ms": 100})");
  MeasureOptions short_time = options();
  short_time.blocks = 100;
  short_time.seconds = 1.5;
  const auto summary = measure(short_time);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_LT(summary->seconds, 5);
  EXPECT_GE(summary->blocks, 2);
  EXPECT_LE(summary->blocks, 6);
  EXPECT_EQ(of(head_records(), "a").size(), static_cast<size_t>(summary->blocks));
  EXPECT_EQ(of(base_records(), "a").size(), static_cast<size_t>(summary->blocks));
}

struct Fault {
  const char* what;
  State state;
  bool restarts;
};
std::ostream& operator<<(std::ostream& out, const Fault& fault) { return out << fault.what; }

class MeasureWith : public Measure, public testing::WithParamInterface<Fault> {};

TEST_P(MeasureWith, AFaultShowsItAndMeasuresTheRest) {
  const Fault& fault = GetParam();
  program("base", kTwo);
  program("head", cat(R"({"name": "op/a/x", "do": ")", fault.what, R"(", "at": 1}, {"name": "op/b/y"})"));
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_FALSE(summary->ok());
  EXPECT_EQ(summary->invalid + summary->timed_out, 1);
  EXPECT_EQ(summary->restarts, fault.restarts ? 1 : 0);
  ASSERT_EQ(summary->problems.size(), 1u);
  EXPECT_TRUE(summary->problems[0].starts_with("head: a x")) << summary->problems[0];
  EXPECT_EQ(of(base_records(), "a").size(), 2u);
  EXPECT_EQ(of(head_records(), "b").size(), 2u);
  const auto failed = of(head_records(), "a");
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[0].state, State::ok);
  EXPECT_EQ(failed[1].state, fault.state);
  EXPECT_FALSE(failed[1].why.empty());
  EXPECT_EQ(failed[1].block, 1);
  EXPECT_EQ(failed[1].setting, failed[0].setting);
  EXPECT_FALSE(failed[1].time.empty());
}

INSTANTIATE_TEST_SUITE_P(
    OfEveryKind, MeasureWith,
    testing::Values(Fault{"die", State::invalid, true}, Fault{"crash", State::invalid, true},
                    Fault{"hang", State::timed_out, true}, Fault{"garbage", State::invalid, true},
                    Fault{"endless", State::invalid, true}, Fault{"half", State::invalid, true},
                    Fault{"other_block", State::invalid, true}, Fault{"other_name", State::invalid, false},
                    Fault{"no_times", State::invalid, false}, Fault{"twice", State::invalid, false},
                    Fault{"silent", State::invalid, false}, Fault{"invalid", State::invalid, false}),
    [](const auto& fault) { return fault.param.what; });

TEST_F(Measure, DoesNotAskAgainWhatFailed) {
  program("base", kTwo);
  program("head", R"({"name": "op/a/x", "do": "hang"}, {"name": "op/b/y"})");
  MeasureOptions six = options();
  six.blocks = 6;
  const auto summary = measure(six);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(std::ranges::count_if(requests(),
                                  [](const std::string& line) { return line.find("op/a/x") != line.npos; }),
            6 + 1);
  const auto failed = of(head_records(), "a");
  ASSERT_EQ(failed.size(), 6u);
  EXPECT_EQ(failed[0].state, State::timed_out);
  EXPECT_EQ(failed[5].state, State::invalid);
  EXPECT_EQ(failed[5].why, "not asked again: no answer in 1 s");
  EXPECT_EQ(summary->problems.size(), 1u);
}

TEST_F(Measure, BlamesNoOtherNameForADeviceThatIsOfNoMoreUse) {
  program("base", kTwo);
  program("head", R"({"name": "op/a/x", "do": "last"}, {"name": "op/b/y"})");
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->restarts, 2);
  ASSERT_EQ(summary->problems.size(), 1u);
  EXPECT_EQ(summary->problems[0], "head: a x: invalid, an illegal address");
  for (const Record& record : of(head_records(), "b")) EXPECT_EQ(record.state, State::ok) << record.why;
}

TEST_F(Measure, GivesUpAProgramThatStartsNoMore) {
  program("base", kTwo);
  program("head", R"({"name": "op/a/x", "do": "die"}, {"name": "op/b/y"})", R"("broken_from": 1)");
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(of(base_records(), "b").size(), 2u);
  const auto failed = of(head_records(), "b");
  ASSERT_EQ(failed.size(), 2u);
  EXPECT_EQ(failed[1].state, State::invalid);
  EXPECT_NE(failed[1].why.find("could not be started"), std::string::npos) << failed[1].why;
  EXPECT_NE(failed[1].why.find("no memory left"), std::string::npos) << failed[1].why;
}

TEST_F(Measure, SaysWhenAProgramDoesNotEnd) {
  program("base", kTwo);
  program("head", kTwo, R"("start": "ends_badly")");
  const auto summary = measure(options());
  ASSERT_TRUE(summary) << summary.error().message();
  ASSERT_EQ(summary->problems.size(), 1u);
  EXPECT_NE(summary->problems[0].find("exit status 5"), std::string::npos) << summary->problems[0];
}

TEST_F(Measure, WritesOverNoMeasurement) {
  program("head", kTwo);
  program("base", kTwo);
  ASSERT_TRUE(measure(options()));
  const auto again = measure(options());
  ASSERT_FALSE(again);
  EXPECT_NE(again.error().message().find("is there already"), std::string::npos) << again.error().message();
  EXPECT_EQ(head_records().size(), 5u);
  std::filesystem::remove(path("out/head.jsonl"));
  MeasureOptions alone = options();
  alone.base.clear();
  EXPECT_FALSE(measure(alone)) << "the base of another run would stay beside it";
}

TEST_F(Measure, WritesThroughNoLink) {
  program("head", kTwo);
  program("base", kTwo);
  std::filesystem::create_directory(path("out"));
  std::filesystem::create_symlink(path("elsewhere"), path("out/head.jsonl"));
  EXPECT_FALSE(measure(options()));
  EXPECT_FALSE(std::filesystem::exists(path("elsewhere")));
  std::filesystem::remove(path("out/head.jsonl"));
  std::filesystem::create_symlink("head.jsonl", path("out/head.jsonl"));  // to itself
  EXPECT_FALSE(measure(options()));
}

/// Of two runs that begin in one folder at once, one measures.
TEST_F(Measure, MakesAFileThatAnotherRunDidNot) {
  program("head", kTwo);
  program("base", kTwo);
  ASSERT_TRUE(check_new(options(), "head"));
  EXPECT_TRUE(make_new(options(), "head"));
  const Status again = make_new(options(), "head");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().expected, "a file that is not there yet");
}

TEST_F(Measure, RefusesWhatDoesNotMeasure) {
  program("base", kTwo);
  program("head", kTwo, R"("start": "fault_build")");
  EXPECT_EQ(measure(options()).error().code, Code::invalid_request);
  program("head", kTwo, R"("start": "not_run")");
  EXPECT_EQ(measure(options()).error().code, Code::unsupported);
  program("head", "");
  EXPECT_EQ(measure(options()).error().code, Code::bad_value);
  program("head", kTwo);
  EXPECT_TRUE(measure(options())) << "nothing was measured before";
}

// ---- the program ----

class MeasureProgram : public Measure {
 protected:
  /// `kigo perf measure` in a process of its own.
  pid_t begin() const {
    const pid_t process = ::fork();
    if (process == 0) {
      ::execl(KIGO_PROGRAM, KIGO_PROGRAM, "perf", "measure", "--head", path("head").c_str(), "--base",
              path("base").c_str(), "--out", path("out").c_str(), "--blocks", "2", nullptr);
      ::_exit(127);
    }
    return process;
  }
  static int status_of(pid_t process) {
    int status = 0;
    ::waitpid(process, &status, 0);
    return status;
  }
  /// The processes whose command line begins with one of the links.
  std::vector<pid_t> left() const {
    std::vector<pid_t> found;
    for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
      const std::string name = entry.path().filename();
      if (name.find_first_not_of("0123456789") != std::string::npos) continue;
      std::ifstream file(entry.path() / "cmdline");
      std::string command;
      std::getline(file, command, '\0');
      if (command == path("head") || command == path("base")) found.push_back(std::stoi(name));
    }
    return found;
  }
};

TEST_F(MeasureProgram, EndsWithTheStatusOfWhatItSaw) {
  program("base", kTwo);
  program("head", kTwo);
  EXPECT_EQ(WEXITSTATUS(status_of(begin())), 0);
  EXPECT_EQ(WEXITSTATUS(status_of(begin())), 1) << "the folder has a measurement";
  std::filesystem::remove_all(path("out"));
  program("head", R"({"name": "op/a/x", "do": "die"})");
  EXPECT_EQ(WEXITSTATUS(status_of(begin())), 1);
  std::filesystem::remove_all(path("out"));
  program("head", kTwo, R"("start": "not_run")");
  EXPECT_EQ(WEXITSTATUS(status_of(begin())), 3);
}

class MeasureSignal : public MeasureProgram, public testing::WithParamInterface<int> {};

TEST_P(MeasureSignal, LeavesNothingBehindAndKeepsWhatWasMeasured) {
  program("base", kTwo);
  program("head", R"({"name": "op/a/x"}, {"name": "op/b/y", "do": "hang"})");
  const pid_t process = begin();
  const auto reached = [&] {
    const Lines all = requests();
    return std::ranges::find(all, "head 0 op/b/y announced") != all.end();
  };
  for (int i = 0; i < 1000 && !reached(); ++i) ::usleep(10'000);
  ASSERT_TRUE(reached());
  EXPECT_EQ(left().size(), 4u) << "a process for each of two blocks of each side";
  ::kill(process, GetParam());
  const int status = status_of(process);
  EXPECT_TRUE(WIFSIGNALED(status));
  for (int i = 0; i < 500 && !left().empty(); ++i) ::usleep(10'000);
  EXPECT_TRUE(left().empty());
  EXPECT_EQ(head_records().size(), 3u) << "the ceiling, and a twice";
  EXPECT_EQ(base_records().size(), 4u);
}

INSTANTIATE_TEST_SUITE_P(OfThoseThatEnd, MeasureSignal, testing::Values(SIGINT, SIGTERM, SIGKILL));

}  // namespace
}  // namespace kigo::tools::perf
