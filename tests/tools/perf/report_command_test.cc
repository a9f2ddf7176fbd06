// `kigo perf report` as a program: what it compares, what it refuses, and its exit status.
#include <filesystem>
#include <string>
#include <vector>

#include "tests/tools/perf/report_records.h"
#include "tests/tools/program.h"
#include "tools/lib/perf/history.h"

namespace kigo::tools::perf {
namespace {

/// Four blocks of a run of ten samples each.
std::vector<Record> side(const std::string& name, const std::string& commit) {
  std::vector<Record> records;
  for (int64_t block = 0; block < 4; ++block) {
    Record record = test_record(name, 1, 50);
    record.commit = commit;
    record.time = cat("2026-11-22T06:00:0", 2 * block + (commit == "ba5e" ? 0 : 1), ".000Z");
    record.block = block;
    record.us.clear();
    for (int i = 0; i < 10; ++i) record.us.push_back(50 + 0.01 * static_cast<double>((7 * i + block) % 5));
    records.push_back(record);
  }
  return records;
}

std::vector<Record> operator+(std::vector<Record> a, const std::vector<Record>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

class PerfReportCommand : public ProgramTest {
 protected:
  PerfReportCommand() {
    std::filesystem::create_directory(path("empty"));
    write("none.jsonl", "");
    write("base.jsonl", lines_of(side("old", "ba5e")));
    write("head.jsonl", lines_of(side("old", "4ead") + side("added", "4ead")));
  }
  Ran report(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"perf", "report"});
    return kigo(arguments);
  }
  /// The first lines of the summary in Markdown.
  std::string summary(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"--out", "p.html", "--markdown", "s.md"});
    const Ran ran = report(arguments);
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return read_text_file(path("s.md")).value_or("");
  }
};

TEST_F(PerfReportCommand, JudgesANewKernelAsCompareDoes) {
  EXPECT_TRUE(has(summary({"--new", "head.jsonl", "--base", "base.jsonl"}), "1 INVALID, 0 AMBIGUOUS"));
  EXPECT_TRUE(has(summary({"--new", "head.jsonl", "--base", "base.jsonl", "--allow-new"}),
                  "0 SLOW, 0 INVALID, 1 AMBIGUOUS, 0 FAST, 1 SAME"));
}

TEST_F(PerfReportCommand, ANewKernelOfThePastIsAllowedToo) {
  write("h.jsonl", lines_of(side("old", "ba5e") + side("old", "4ead") + side("added", "4ead")));
  EXPECT_EQ(report({"--history", "h.jsonl", "--out", "p.html"}).exit, 0);
  EXPECT_TRUE(has(*read_text_file(path("p.html")), "not measured in BASE"));
  EXPECT_EQ(report({"--history", "h.jsonl", "--allow-new", "--out", "p.html"}).exit, 0);
  EXPECT_FALSE(has(*read_text_file(path("p.html")), "not measured in BASE"));
}

TEST_F(PerfReportCommand, TakesTheAnchorOfCompare) {
  EXPECT_TRUE(has(summary({"--new", "head.jsonl", "--base", "base.jsonl", "--anchor", "c0ffee"}),
                  "commit c0ffee is not in the history"));
}

TEST_F(PerfReportCommand, SaysWhatCompareSaysOfAnEmptySide) {
  const std::string no_base = summary({"--new", "head.jsonl", "--base", "none.jsonl"});
  EXPECT_TRUE(has(no_base, "0 SLOW, 2 INVALID")) << no_base;
  EXPECT_TRUE(has(no_base, "not measured in BASE"));
  EXPECT_TRUE(has(summary({"--new", "none.jsonl", "--base", "base.jsonl"}), "not measured in HEAD"));
}

TEST_F(PerfReportCommand, MakesNoPageOfNothing) {
  EXPECT_EQ(report({"--out", "p.html"}).exit, 2);
  EXPECT_EQ(report({"--history", "empty", "--out", "p.html"}).exit, 1);
  EXPECT_EQ(report({"--new", "none.jsonl", "--base", "none.jsonl", "--out", "p.html"}).exit, 1);
  EXPECT_FALSE(std::filesystem::exists(path("p.html")));
  EXPECT_EQ(report({"--history", "empty", "--new", "head.jsonl", "--out", "p.html"}).exit, 0);
}

TEST_F(PerfReportCommand, APageOfLinesThatCannotBeReadNamesThem) {
  write("bad.jsonl", "{\n");
  EXPECT_EQ(report({"--history", "bad.jsonl", "--out", "p.html"}).exit, 1);
  EXPECT_TRUE(has(*read_text_file(path("p.html")), "1 line could not be read"));
}

TEST_F(PerfReportCommand, OverwritesNothingThatItReads) {
  const std::string head = *read_text_file(path("head.jsonl"));
  EXPECT_EQ(report({"--new", "head.jsonl", "--out", "head.jsonl"}).exit, 2);
  EXPECT_EQ(report({"--new", "head.jsonl", "--out", "p.html", "--markdown", "./head.jsonl"}).exit, 2);
  EXPECT_EQ(report({"--history", "head.jsonl", "--out", "empty/../head.jsonl"}).exit, 2);
  EXPECT_EQ(report({"--history", ".", "--out", "page.jsonl"}).exit, 2);
  EXPECT_EQ(report({"--new", "head.jsonl", "--base", "base.jsonl", "--out", "base.jsonl"}).exit, 2);
  EXPECT_EQ(*read_text_file(path("head.jsonl")), head);
  const Ran same = report({"--new", "head.jsonl", "--out", "p", "--markdown", "./p"});
  EXPECT_EQ(same.exit, 2);
  EXPECT_TRUE(has(same.err, "--markdown: ./p, expected another file than that of --out")) << same.err;
  EXPECT_FALSE(std::filesystem::exists(path("p")));
}

}  // namespace
}  // namespace kigo::tools::perf
