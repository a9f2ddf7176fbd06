// The page as a whole.
#include "tools/lib/perf/report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <regex>
#include <vector>

#include "tests/tools/perf/report_records.h"

namespace kigo::tools::perf {
namespace {

/// Two devices, kernels, a model, the host and ceilings, over some runs.
std::vector<Record> history() {
  std::vector<Record> records;
  for (int64_t run = 0; run < 4; ++run) {
    for (Record& ceiling : test_ceilings(run)) records.push_back(ceiling);
    records.push_back(test_record("linear_q4_k", run, 2));
    records.push_back(test_record("linear_q4_k", run, 1.8, Kind::op, Cache::row));
    records.back().kernels = {{"_Z6kernelILi4EEvv", 168, 0, 49'152, 0.25, 1}};
    records.push_back(test_record("rmsnorm_f32", run, 5));
    records.push_back(test_record("qwen2.5-0.5b", run, 125'000, Kind::model, Cache::none));
    records.back().tokens = 128;
    records.push_back(test_record("Encode", run, 900, Kind::cpu, Cache::none));
    records.back().setting = {"Some CPU", "", "", "", "g++ 12 release", 1};
  }
  return records;
}

std::string page_of(const std::vector<Record>& records, const std::vector<ShownVerdict>& verdicts = {},
                    const std::vector<Error>& broken = {}) {
  const std::vector<std::string> notes{"all kernels <together>"};
  return report_page({records, verdicts, {}, notes, broken});
}

TEST(PerfReport, DrawsEveryCurveOnce) {
  const std::string page = page_of(history());
  EXPECT_EQ(occurrences(page, "<svg class=\"curve\""), 5);
  EXPECT_EQ(occurrences(page, "<svg class=\"roofline\""), 1);
  EXPECT_TRUE(has(page, "28 measurements of 4 commits, 5 curves, 2 settings."));
}

TEST(PerfReport, NeedsNothingFromElsewhere) {
  const std::string page = page_of(history());
  for (const char* part : {"<script", "http:", "https:", "src=", "@import", "url(", "<link"})
    EXPECT_FALSE(has(page, part)) << part;
}

TEST(PerfReport, DoesNotDependOnTheOrderOfRecordsAndVerdicts) {
  std::vector<Record> records = history();
  records[4].state = State::invalid;
  std::vector<ShownVerdict> verdicts{{records[2].setting, records[2].subject, records[2].run,
                                      records[2].commit, "b", Verdict::slow, 0, 0, 0, "x"},
                                     {records[3].setting, records[3].subject, records[3].run,
                                      records[3].commit, "a", Verdict::fast, 0, 0, 0, "y"},
                                     {records[2].setting, records[2].subject, records[2].run,
                                      records[2].commit, "a", Verdict::same, 0, 0, 0, "z"}};
  const std::string page = page_of(records, verdicts);
  std::ranges::reverse(records);
  std::ranges::reverse(verdicts);
  EXPECT_EQ(page_of(records, verdicts), page);
}

TEST(PerfReport, ShowsShareRegistersAndOccupancy) {
  const std::string page = page_of(history());
  EXPECT_TRUE(has(page, ">50.0 % of memory</td>")) << "4 MB in 2 us, of 4 TB/s";
  EXPECT_TRUE(has(page,
                  "<td class=\"number\">168</td><td class=\"number\">0</td><td class=\"number\">49.2 kB</td>"
                  "<td class=\"number\">25.0 %</td>"));
  EXPECT_TRUE(has(page, "1 compiled kernel<") && has(page, "_Z6kernelILi4EEvv"));
}

TEST(PerfReport, ShowsTokensASecond) { EXPECT_TRUE(has(page_of(history()), ">1,024 tokens/s</td>")); }

TEST(PerfReport, TheNewestSettingWithKernelsComesFirstAndIsOpen) {
  std::vector<Record> records = history();
  records.push_back(test_record("linear_q4_k", 1, 2));
  records.back().setting.device = "";
  records.back().time = "2026-12-01T00:00:00.000Z";
  for (Record& record : records)
    if (record.setting.device == "Some CPU") record.time = "2027-01-01T00:00:00.000Z";
  const std::string page = page_of(records);
  EXPECT_TRUE(has(page, "<details id=\"setting0\" open><summary><h2>Device not known"));
  EXPECT_TRUE(has(page, "<details id=\"setting1\"><summary><h2>Test GPU"));
  EXPECT_TRUE(has(page, "<details id=\"setting2\"><summary><h2>Some CPU"));
}

TEST(PerfReport, CountsAndListsVerdicts) {
  const std::vector<Record> records = history();
  const Record& newest = *std::ranges::find(records.rbegin(), records.rend(), "rmsnorm_f32",
                                            [](const Record& record) { return record.subject.name; });
  const std::vector<ShownVerdict> verdicts{{newest.setting, newest.subject, newest.run, newest.commit, "ba5e",
                                            Verdict::slow, 0.031, 0.02, 0.04, "3 % more <time>"}};
  const std::string page = page_of(records, verdicts);
  EXPECT_TRUE(has(page, "SLOW <strong>1</strong>"));
  EXPECT_TRUE(has(page, "<p>all kernels &lt;together&gt;</p>"));
  EXPECT_TRUE(has(page, "<td>3 % more &lt;time&gt;</td>"));
  // The kernel's own part is open and says so.
  EXPECT_TRUE(std::regex_search(
      page, std::regex("<details id=\"[^\"]*\" open><summary><h3>rmsnorm_f32</h3>.*SLOW 1")));
  EXPECT_TRUE(std::regex_search(page, std::regex("<details id=\"[^\"]*\"><summary><h3>linear_q4_k</h3>")));
}

TEST(PerfReport, WhatIsTheSameStaysFolded) {
  const std::vector<Record> records = history();
  std::vector<ShownVerdict> verdicts;
  for (const Record& record : records)
    if (record.subject.name == "rmsnorm_f32")
      verdicts.push_back(
          {record.setting, record.subject, record.run, record.commit, "ba5e", Verdict::same, 0, 0, 0, "x"});
  const std::string page = page_of(records, verdicts);
  EXPECT_TRUE(has(page, "Everything that was compared is the same."));
  EXPECT_TRUE(std::regex_search(page, std::regex("<details id=\"[^\"]*\"><summary><h3>rmsnorm_f32</h3>")));
}

TEST(PerfReport, AnOlderRunsVerdictIsOnItsCurveOnly) {
  const std::vector<Record> records = history();
  const Record& old = records[4];
  const std::vector<ShownVerdict> past{{old.setting, old.subject, old.run, old.commit, "ba5e", Verdict::fast,
                                        -0.1, -0.2, -0.05, "an older one"}};
  const std::string page = report_page({records, {}, past, {}, {}});
  EXPECT_EQ(occurrences(page, "an older one"), 1);
  EXPECT_TRUE(has(page, "Nothing was compared."));
}

TEST(PerfReport, NeverLeavesOutWhatIsInvalidOrTimedOut) {
  std::vector<Record> records = history();
  records[2].state = State::invalid;
  records[2].why = "104 % of the copy";
  records[4].state = State::timed_out;
  records[4].why = "30 s are over";
  records[0].state = State::invalid;  // a ceiling
  records[0].why = "the clock never settled";
  const std::string page = page_of(records);
  EXPECT_TRUE(has(page, "3 measurements without a value that counts"));
  for (const char* why : {"104 % of the copy", "30 s are over", "the clock never settled"})
    EXPECT_TRUE(has(page, why));
}

TEST(PerfReport, AnInvalidCeilingIsInItsTable) {
  std::vector<Record> records = history();
  for (Record& record : records) {
    if (record.subject.name != "half") continue;
    record.state = State::invalid;
    record.why = "57 of 60 samples discarded";
  }
  EXPECT_TRUE(std::regex_search(page_of(records),
                                std::regex("class=\"case\">half</th><td>[^<]*</td><td colspan=\"2\">.*"
                                           "INVALID: 57 of 60 samples discarded</td></tr>")));
}

TEST(PerfReport, NamesLinesThatCouldNotBeRead) {
  const std::vector<Error> broken{{Code::bad_value, "h200.jsonl:7, us", "<b>", "numbers", {}}};
  const std::string page = page_of(history(), {}, broken);
  EXPECT_TRUE(has(page, "1 line could not be read"));
  EXPECT_TRUE(has(page, "h200.jsonl:7, us: &lt;b&gt;"));
}

TEST(PerfReport, SaysThatDelaysAreNotDrawn) {
  std::vector<Record> records = history();
  records[2].delay_us = 1;
  EXPECT_TRUE(has(page_of(records), "1 measurement with a delay put in on purpose"));
}

TEST(PerfReport, AnEmptyHistoryIsAPage) {
  const std::string page = page_of({});
  EXPECT_TRUE(has(page, "0 measurements of 0 commits, 0 curves, 0 settings."));
  EXPECT_TRUE(page.ends_with("</main></body></html>\n"));
}

TEST(PerfReport, NoStringOfAFileBecomesATag) {
  const std::string evil = "\"'><img src=x onerror=alert(1)></svg></title></style>\xFF\x01";
  Record record = test_record(evil, 1, 2);
  record.subject.text = record.machine = record.run = record.commit = record.why = record.throttle = evil;
  record.setting = {evil, evil, evil, evil, evil, 1};
  record.state = State::timed_out;
  record.time = evil;
  record.kernels = {{evil, 1, 2, 3, 0.5, 1}};
  Record ceiling = record;
  ceiling.subject.kind = Kind::ceiling;
  ceiling.state = State::ok;
  Record good = record;
  good.subject.text = "other";
  good.state = State::ok;
  const std::vector<ShownVerdict> verdicts{
      {good.setting, good.subject, evil, evil, evil, Verdict::slow, 0.1, 0.1, 0.1, evil}};
  const std::string page =
      page_of({record, ceiling, good}, verdicts, {Error{Code::io, evil, evil, evil, {}}});
  EXPECT_FALSE(has(page, "<img"));
  EXPECT_FALSE(has(page, "\xFF"));
  EXPECT_EQ(occurrences(page, "</style>"), 1);
  EXPECT_EQ(occurrences(page, "<svg"), occurrences(page, "</svg>"));
}

TEST(PerfReport, HoldsNoNumberThatIsNone) {
  std::vector<Record> records = history();
  records[2].us.clear();
  records[3].us = {1e-320};
  records[4].bytes = 1e308;
  records[5].tokens = 1e308;
  const std::string page = page_of(records);
  EXPECT_FALSE(std::regex_search(page, std::regex("[^a-z](nan|inf)[^a-z]", std::regex::icase)));
}

}  // namespace
}  // namespace kigo::tools::perf
