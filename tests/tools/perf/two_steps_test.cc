// More blocks of what the first leave open, in a measurement and in its judgement.
#include "tools/lib/perf/two_steps.h"

#include <algorithm>

#include "tests/tools/perf/fake_programs.h"
#include "tools/lib/perf/measure.h"

namespace kigo::tools::perf {
namespace {

using Lines = std::vector<std::string>;

Record block_of(const std::string& name, Cache cache, int64_t block) {
  Record record;
  record.subject = {Kind::op, name, "", cache};
  record.block = block;
  record.us = {1};
  return record;
}

TEST(TwoSteps, GiveAllBlocksToWhatTheFirstLeaveOpen) {
  std::vector<Record> records = {{}};
  records[0].subject = {Kind::ceiling, "copy", "", Cache::none};
  for (int64_t block = 0; block < 6; ++block)
    for (const char* name : {"same", "slow", "lost"})
      for (const Cache cache : {Cache::cold, Cache::hot}) records.push_back(block_of(name, cache, block));
  std::vector<std::map<Subject, int64_t>> calls;
  const Judge judge = [&](std::span<const Record> base, std::span<const Record> head) {
    EXPECT_EQ(base.size(), head.size());
    calls.emplace_back();
    for (const Record& record : head) ++calls.back()[record.subject];
    Verdicts verdicts;
    for (const auto& [subject, blocks] : calls.back())
      verdicts[subject] = subject.name == "lost"                                  ? Verdict::invalid
                          : subject.name == "slow" && subject.cache == Cache::hot ? Verdict::ambiguous
                                                                                  : Verdict::same;
    return verdicts;
  };
  in_two_steps(judge, 2)(records, records);
  ASSERT_EQ(calls.size(), 2u);
  for (const auto& [subject, blocks] : calls[0]) EXPECT_EQ(blocks, subject.kind == Kind::ceiling ? 1 : 2);
  for (const auto& [subject, blocks] : calls[1])
    EXPECT_EQ(blocks, subject.kind == Kind::ceiling ? 1 : subject.name == "slow" ? 6 : 2) << text_of(subject);
  EXPECT_EQ(calls[1].size(), 7u);
}

class MeasureTwice : public FakePrograms {
 protected:
  static std::string names(double second_us, const std::string& more = {}) {
    std::string all;
    for (int i = 0; i < 12; ++i)
      all += cat(i == 0 ? "" : ", ", R"({"name": "op/k)", i, R"(/x", "spread": 0.001, "us": )",
                 i == 1 ? second_us : 100, more, "}");
    return all;
  }
  Result<MeasureSummary> measured(int64_t blocks, int64_t more, double seconds = 0) const {
    MeasureOptions options;
    options.head = path("head");
    options.base = path("base");
    options.folder = path("out");
    options.blocks = blocks;
    options.more = more;
    options.seconds = seconds;
    return measure(options);
  }
  Lines asked(const std::string& begin) const {
    Lines lines = requests();
    std::erase_if(lines, [&](const std::string& line) { return !line.starts_with(begin); });
    return lines;
  }
  int64_t blocks_of(const std::string& name) const {
    return std::ranges::count(records_of(path("out/head.jsonl")), name,
                              [](const Record& record) { return record.subject.name; });
  }
};

TEST_F(MeasureTwice, LooksAgainAtWhatIsSlower) {
  program("base", names(100));
  program("head", names(120));
  const auto summary = measured(2, 6);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->blocks, 2);
  EXPECT_GE(summary->open, 1);
  EXPECT_LT(summary->open, 12);
  EXPECT_EQ(blocks_of("k1"), 6);
  EXPECT_EQ(blocks_of("k2"), 2);
  EXPECT_EQ(asked("base 5 op/k1/x unverified").size(), 1u);
  EXPECT_EQ(asked("head 4 op/k1/x unverified").size(), 1u);
  ASSERT_FALSE(asked("base 2 ").empty());
  EXPECT_TRUE(asked("base 2 ")[0].starts_with("base 2 op/k1/x unverified")) << "the clearest change first";
}

TEST_F(MeasureTwice, SaysWhatIsAskedNext) {
  program("base", names(100));
  program("head", names(120, R"(, "block_spread": 0.02)"));  // leaves all open
  const auto summary = measured(2, 4);
  ASSERT_TRUE(summary) << summary.error().message();
  ASSERT_GE(summary->open, 2);
  const Lines again = asked("base 2 ");
  ASSERT_EQ(std::ssize(again), summary->open);
  for (size_t i = 0; i + 1 < again.size(); ++i) {
    const std::string next = again[i].substr(again[i].find(" then ") + 6);
    EXPECT_TRUE(again[i + 1].starts_with(cat("base 2 ", next, " unverified"))) << again[i] << again[i + 1];
  }
  EXPECT_EQ(again.back().find(" then "), std::string::npos);
}

TEST_F(MeasureTwice, LooksOnceWhereNothingIsOpen) {
  program("base", names(100));
  program("head", names(100));
  const auto summary = measured(4, 6);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_EQ(summary->open, 0);
  EXPECT_EQ(summary->records, 2 * (1 + 12 * 4));
}

TEST_F(MeasureTwice, HasNoTimeForMore) {
  program("base", names(100, R"(, "sleep_ms": 10)"));
  program("head", names(120, R"(, "sleep_ms": 10)"));
  const auto summary = measured(2, 1000, 1);
  ASSERT_TRUE(summary) << summary.error().message();
  EXPECT_LT(summary->seconds, 5);
  EXPECT_LT(blocks_of("k1"), 100);
}

TEST_F(MeasureTwice, TakesEvenNumbers) {
  program("base", names(100));
  program("head", names(100));
  EXPECT_EQ(measured(3, 6).error().code, Code::invalid_request);
  EXPECT_EQ(measured(2, 5).error().code, Code::invalid_request);
}

}  // namespace
}  // namespace kigo::tools::perf
