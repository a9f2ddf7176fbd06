// From a benchmark of the host's code to a verdict, with nothing made up.
#include "tests/tools/perf/fake_programs.h"
#include "tools/lib/perf/measure.h"
#include "tools/lib/perf/two_steps.h"

namespace kigo::tools::perf {
namespace {

class KigoBench : public FakePrograms {};

TEST_F(KigoBench, IsMeasuredInTurnsWithItself) {
#ifdef KIGO_BENCH_PROGRAM
  MeasureOptions options;
  options.head = options.base = KIGO_BENCH_PROGRAM;
  options.folder = path("out");
  options.filter = "DecodeRow/F32$";
  options.quick = true;
  options.blocks = 2;
  options.machine = "test";
  const auto summary = measure(options);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_TRUE(summary->ok()) << summary->problems.front();
  EXPECT_EQ(summary->names, 1);
  EXPECT_EQ(summary->restarts, 0);
  const auto base = records_of(path("out/base.jsonl")), head = records_of(path("out/head.jsonl"));
  ASSERT_FALSE(head.empty());
  EXPECT_EQ(base.size(), head.size());
  EXPECT_EQ(head.back().subject, (Subject{Kind::cpu, "DecodeRow/F32", "", Cache::none}));
  EXPECT_EQ(head.back().block, 1);
  EXPECT_EQ(head.back().machine, "test");
  EXPECT_EQ(judge_of_comparisons()(base, head).count(head.back().subject), 1u);
#else
  GTEST_SKIP() << "this build has no benchmarks";
#endif
}

}  // namespace
}  // namespace kigo::tools::perf
