// The self-test measures: a program against itself, and with a delay that is a share of its own time.
#include "tools/lib/perf/selftest_measure.h"

#include <cmath>
#include <cstdlib>
#include <set>

#include "tests/tools/perf/fake_programs.h"
#include "tools/lib/perf/selftest.h"

namespace kigo::tools::perf {
namespace {

using Lines = std::vector<std::string>;

TEST(Slowdowns, TakeTurnsOverRunsAndNames) {
  std::set<std::pair<size_t, size_t>> over_names, over_runs;
  for (size_t name = 0; name < 9; ++name) {
    over_names.insert({slowdown_for(1, name, 3).size, slowdown_for(1, name, 3).subject});
    over_runs.insert({slowdown_for(static_cast<int64_t>(name), 4, 3).size,
                      slowdown_for(static_cast<int64_t>(name), 4, 3).subject});
  }
  EXPECT_EQ(over_names.size(), 9u);
  EXPECT_EQ(over_runs.size(), 9u);
}

class SelftestMeasure : public FakePrograms {
 protected:
  SelftestMeasureOptions options() const {
    SelftestMeasureOptions options;
    options.program = path("bench");
    options.folder = path("out");
    options.runs = 1;
    options.blocks = 4;
    options.slow_blocks = 2;
    return options;
  }
  /// The exit status of `kigo perf selftest`; what it prints goes to the file `out`.
  int run(const std::string& arguments, const std::string& out) const {
    const std::string command =
        cat(KIGO_PROGRAM, " perf selftest ", arguments, " > ", path(out), " 2> ", path("errors"));
    return WEXITSTATUS(std::system(command.c_str()));
  }
  std::vector<SelftestRun> runs() const {
    const auto base = records_of(path("out/base.jsonl")), head = records_of(path("out/head.jsonl"));
    auto runs = runs_of(base, head);
    EXPECT_TRUE(runs) << runs.error().message();
    return runs ? *runs : std::vector<SelftestRun>{};
  }
};

TEST_F(SelftestMeasure, TakesTheTurnsOfAComparisonWithADelayOfZeroThenWithOne) {
  program("bench", R"({"name": "op/a/x", "us": 100, "spread": 0})");
  const auto names = measure_selftest(options());
  ASSERT_TRUE(names) << names.error().message();
  EXPECT_EQ(*names, 1);
  EXPECT_EQ(requests(),
            (Lines{"bench 0 ceilings", "bench 0 ceilings",  //
                   "bench 0 op/a/x delay 0", "bench 0 op/a/x delay 0", "bench 1 op/a/x delay 0 unverified",
                   "bench 1 op/a/x delay 0 unverified",  //
                   "bench 0 op/a/x delay 0 unverified", "bench 0 op/a/x delay 3 unverified",
                   "bench 1 op/a/x delay 3 unverified", "bench 1 op/a/x delay 0 unverified",  //
                   "bench 2 op/a/x delay 0 unverified", "bench 2 op/a/x delay 0 unverified",
                   "bench 3 op/a/x delay 0 unverified", "bench 3 op/a/x delay 0 unverified"}));
  EXPECT_EQ(starts("bench"), 8) << "a process for each block of each side";
  const auto measured = runs();
  ASSERT_EQ(measured.size(), 1u);
  EXPECT_EQ(measured[0].same.base.size(), 1u + 4);
  EXPECT_EQ(measured[0].slow[1].head.size(), 2u);
  EXPECT_EQ(measured[0].slow[1].head[0].delay_us, 3);
  EXPECT_TRUE(measured[0].slow[0].head.empty());
}

TEST_F(SelftestMeasure, GoesOnBehindANameThatFails) {
  program("bench", R"({"name": "op/a/x", "do": "die"}, {"name": "op/b/y", "us": 50})");
  SelftestMeasureOptions two = options();
  two.runs = 2;
  ASSERT_TRUE(measure_selftest(two));
  const auto judge = [](std::span<const Record>, std::span<const Record>) {
    return std::map<Subject, Verdict>{};
  };
  const auto selftest = evaluate(runs(), judge, {.resamples = 1, .blocks = 2, .seed = 1, .progress = {}});
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->subjects, 1);
  EXPECT_EQ(selftest->runs, 2);
  ASSERT_EQ(selftest->left_out.size(), 1u);
  EXPECT_NE(selftest->left_out[0].find("a x: the program ended"), std::string::npos) << selftest->left_out[0];
}

TEST_F(SelftestMeasure, BeginsNoRunThatWouldEndTooLate) {
  program("bench", R"({"name": "op/a/x", "sleep_ms": 40})");  // 12 times a run
  SelftestMeasureOptions many = options();
  many.runs = 50;
  many.seconds = 2;
  ASSERT_TRUE(measure_selftest(many));
  EXPECT_GE(runs().size(), 1u);
  EXPECT_LE(runs().size(), 4u);
}

TEST_F(SelftestMeasure, RefusesOddNumbersOfBlocksAndAFolderInUse) {
  program("bench", R"({"name": "op/a/x"})");
  SelftestMeasureOptions odd = options();
  odd.blocks = 3;
  EXPECT_EQ(measure_selftest(odd).error().code, Code::invalid_request);
  SelftestMeasureOptions few = options();
  few.slow_blocks = 6;
  EXPECT_EQ(measure_selftest(few).error().code, Code::invalid_request);
  ASSERT_TRUE(measure_selftest(options()));
  EXPECT_EQ(measure_selftest(options()).error().code, Code::invalid_request);
}

TEST_F(SelftestMeasure, IsAProgramThatRepeatsItsEstimate) {
  std::string names;
  for (int i = 0; i < 20; ++i)
    names += cat(i == 0 ? "" : ", ", R"({"name": "op/a)", i, R"(/x", "us": 50, "spread": 0.001})");
  program("bench", names);
  const std::string estimate = " --resamples 50 --blocks 4";
  EXPECT_EQ(run(cat("--program ", path("bench"), " --out ", path("out"), " --runs 2", estimate), "first"), 0);
  EXPECT_EQ(run(cat("--records ", path("out"), estimate), "second"), 0);
  EXPECT_EQ(*read_text_file(path("first")), *read_text_file(path("second"))) << "the same records and draws";
  EXPECT_EQ(run(cat("--records ", path("out"), estimate, " --json"), "json"), 0);
  const auto json = Json::parse(*read_text_file(path("json")), "json");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->find("real")->find("false_alarms")->find("trials")->integer(), 2);
  EXPECT_EQ(json->find("estimated")->find("false_alarms")->find("count")->integer(), 0);
  EXPECT_EQ(run("", "none"), 2);
  EXPECT_EQ(run(cat("--records ", path("out"), " --blocks 20"), "none"), 1);
  program("bench", names, R"("start": "not_run")");
  EXPECT_EQ(run(cat("--program ", path("bench"), " --out ", path("other")), "none"), 3);
}

TEST_F(SelftestMeasure, IsAProgramThatFailsWhereANameFailed) {
  program("bench", R"({"name": "op/a/x", "spread": 0.001}, {"name": "op/b/y", "do": "invalid"})");
  const std::string estimate = " --blocks 2 --resamples 5";
  EXPECT_EQ(run(cat("--program ", path("bench"), " --out ", path("out"), " --runs 1", estimate), "first"), 1);
  EXPECT_EQ(run(cat("--records ", path("out"), estimate), "second"), 1);
  EXPECT_NE(read_text_file(path("second"))->find("1 subject left out: failed"), std::string::npos);
}

class SelftestCommandLine : public SelftestMeasure, public testing::WithParamInterface<const char*> {};

TEST_P(SelftestCommandLine, IsRefusedBeforeAnythingIsDone) {
  program("bench", R"({"name": "op/a/x"})");
  std::filesystem::create_directory(path("records"));
  for (const std::string& from : {cat("--program ", path("bench")), cat("--records ", path("records"))})
    EXPECT_EQ(run(cat(from, " ", GetParam()), "out"), 2) << from << *read_text_file(path("errors"));
  EXPECT_EQ(starts("bench"), 0);
}

INSTANTIATE_TEST_SUITE_P(All, SelftestCommandLine,
                         testing::Values("--blocks 3", "--more 5", "--recorded 9", "--seed -1", "--seed 1.5",
                                         "--seconds nan", "--timeout nan"));

TEST_F(SelftestMeasure, SaysWhyAnOddNumberIsRefused) {
  program("bench", R"({"name": "op/a/x"})");
  EXPECT_EQ(run(cat("--program ", path("bench"), " --blocks 3"), "out"), 2);
  EXPECT_NE(
      read_text_file(path("errors"))->find("--blocks: 3, expected an even number: base, head, head, base"),
      std::string::npos)
      << *read_text_file(path("errors"));
}

TEST_F(SelftestMeasure, FindsTheDelaysThatItPutIn) {
  std::string names;
  for (int i = 0; i < 9; ++i)
    names += cat(i == 0 ? "" : ", ", R"({"name": "op/a)", i, R"(/x", "us": )", i < 6 ? 200 : 10,
                 R"(, "spread": 0.0005})");
  program("bench", names);
  SelftestMeasureOptions three = options();
  three.runs = 3;
  ASSERT_TRUE(measure_selftest(three));
  const auto judge = [](std::span<const Record> base, std::span<const Record> head) {
    std::map<Subject, Verdict> said;
    for (const Record& record : head)
      for (const Record& other : base)
        if (other.subject == record.subject && other.block == record.block)
          said[record.subject] = median_us(record) > 1.006 * median_us(other) ? Verdict::slow : Verdict::same;
    return said;
  };
  const auto selftest = evaluate(runs(), judge, {.resamples = 20, .blocks = 2, .seed = 1, .progress = {}});
  ASSERT_TRUE(selftest) << selftest.error().message();
  EXPECT_EQ(selftest->real.alarms, (Rate{0, 3}));
  EXPECT_EQ(selftest->estimated.alarms, (Rate{0, 20}));
  for (size_t size = 0; size < kSlowdowns.size(); ++size) {
    EXPECT_EQ(selftest->real.power[size].long_found, (Rate{6, 6})) << size;
    EXPECT_EQ(selftest->real.power[size].short_found, (Rate{3, 3})) << size;
    EXPECT_NEAR(selftest->real.power[size].realised, kSlowdowns[size], 0.002);
    EXPECT_EQ(selftest->estimated.power[size].long_found, (Rate{20, 20})) << size;
  }
}

}  // namespace
}  // namespace kigo::tools::perf
