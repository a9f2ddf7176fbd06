// The summary for a pull request.
#include "tools/lib/perf/summary.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

#include "tests/tools/perf/report_records.h"

namespace kigo::tools::perf {
namespace {

ShownVerdict shown(Verdict verdict, const std::string& name, double change = 0.031) {
  return {test_setting(), {Kind::op, name, "tokens=1", Cache::cold},
          "run-1001",     "c0ffee",
          "ba5e",         verdict,
          change,         change - 0.01,
          change + 0.01,  "because"};
}

TEST(PerfSummary, CountsEveryVerdict) {
  const std::vector<ShownVerdict> verdicts{shown(Verdict::same, "a"), shown(Verdict::slow, "b"),
                                           shown(Verdict::same, "c"), shown(Verdict::invalid, "d")};
  EXPECT_NE(markdown_summary({verdicts, {}, {}}).find("\n1 SLOW, 1 INVALID, 0 AMBIGUOUS, 0 FAST, 2 SAME.\n"),
            std::string::npos);
}

TEST(PerfSummary, ListsWhatIsNotTheSameWithItsIntervalAndReason) {
  const std::vector<ShownVerdict> verdicts{shown(Verdict::slow, "linear")};
  EXPECT_NE(
      markdown_summary({verdicts, {}, {}})
          .find("| **SLOW** | linear tokens=1 cold | +3.10 % | +2.10 % to +4.10 % | ba5e | because |\n"),
      std::string::npos);
}

TEST(PerfSummary, FoldsTheRest) {
  const std::vector<ShownVerdict> verdicts{shown(Verdict::same, "norm"), shown(Verdict::fast, "linear")};
  const std::string text = markdown_summary({verdicts, {}, {}});
  const size_t fast = text.find("**FAST** | linear");
  const size_t folded = text.find("<details><summary>1 SAME</summary>\n\n|");
  const size_t same = text.find("| SAME | norm");
  ASSERT_NE(same, std::string::npos);
  EXPECT_LT(fast, folded);
  EXPECT_LT(folded, same);
}

TEST(PerfSummary, FoldsManyThatAreAmbiguous) {
  std::vector<ShownVerdict> verdicts(20, shown(Verdict::ambiguous, "a"));
  verdicts.push_back(shown(Verdict::slow, "b"));
  EXPECT_EQ(markdown_summary({verdicts, {}, {}}).find("AMBIGUOUS</summary>"), std::string::npos);
  verdicts.push_back(shown(Verdict::ambiguous, "a"));
  const std::string text = markdown_summary({verdicts, {}, {}});
  const size_t slow = text.find("**SLOW**");
  const size_t folded = text.find("<details><summary>21 AMBIGUOUS</summary>");
  ASSERT_NE(folded, std::string::npos);
  EXPECT_LT(slow, folded);
  EXPECT_EQ(text.find("**AMBIGUOUS**"), text.find("**AMBIGUOUS**", folded));
}

TEST(PerfSummary, DoesNotDependOnTheOrder) {
  const std::vector<ShownVerdict> one{shown(Verdict::same, "a"), shown(Verdict::slow, "b"),
                                      shown(Verdict::slow, "c")};
  const std::vector<ShownVerdict> other{one[2], one[0], one[1]};
  EXPECT_EQ(markdown_summary({one, {}, {}}), markdown_summary({other, {}, {}}));
}

TEST(PerfSummary, NamesTheDeviceWhereThereAreSeveral) {
  std::vector<ShownVerdict> verdicts{shown(Verdict::slow, "a"), shown(Verdict::slow, "a")};
  EXPECT_EQ(markdown_summary({verdicts, {}, {}}).find("| device |"), std::string::npos);
  verdicts[1].setting.device = "Other GPU";
  const std::string text = markdown_summary({verdicts, {}, {}});
  EXPECT_NE(text.find("| device |"), std::string::npos);
  EXPECT_NE(text.find("| Other GPU |"), std::string::npos);
}

TEST(PerfSummary, EscapesWhatFilesSay) {
  std::vector<ShownVerdict> verdicts{shown(Verdict::slow, "a|b<img>")};
  verdicts[0].reason = "see\n@everyone";
  const std::string text = markdown_summary({verdicts, {}, {}});
  EXPECT_NE(text.find("a\\|b&lt;img&gt;"), std::string::npos);
  EXPECT_NE(text.find("see &#64;everyone"), std::string::npos);
}

TEST(PerfSummary, AChangeThatIsNotKnownIsNoNumber) {
  const std::vector<ShownVerdict> verdicts{
      shown(Verdict::invalid, "a", std::numeric_limits<double>::quiet_NaN())};
  EXPECT_NE(markdown_summary({verdicts, {}, {}}).find("| – | – to – |"), std::string::npos);
}

TEST(PerfSummary, SaysWhatItLeavesOut) {
  const std::vector<ShownVerdict> verdicts(203, shown(Verdict::slow, "a"));
  EXPECT_NE(markdown_summary({verdicts, {}, {}}).find("\n3 more rows are not shown here.\n"),
            std::string::npos);
}

TEST(PerfSummary, NothingIsSaidToBeNothing) {
  const std::string text = markdown_summary({{}, {}, {}});
  EXPECT_NE(text.find("0 SAME: nothing was compared."), std::string::npos);
  EXPECT_NE(text.find("No measurement."), std::string::npos);
}

TEST(PerfSummary, QuotesTheNotes) {
  const std::vector<std::string> notes{"all kernels moved by 2 %: the machine"};
  EXPECT_NE(markdown_summary({{}, notes, {}}).find("\n> all kernels moved by 2 %: the machine\n"),
            std::string::npos);
}

TEST(PerfSummary, TellsTheEnvironment) {
  std::vector<Record> records{test_record("a", 1, 2), test_record("b", 2, 2), test_record("c", 1, 2)};
  records[0].temperature_c = 41;
  records[1].temperature_c = 52;
  records[1].mhz = {1965, 1980};
  records[1].throttle = "sw_power_cap";
  records[1].discarded = 4;
  records[2].state = State::invalid;
  const std::string text = markdown_summary({{}, {}, records});
  for (const char* row :
       {"| device | Test GPU |", "| driver | 580.1 |", "| temperature | 41.0 to 52.0 °C |",
        "| SM clock | 1,965 to 1,980 MHz |", "| throttling | sw\\_power\\_cap |",
        "| samples | 9 kept, 4 discarded |", "| power | not known |",
        "| records | 3, of these 1 invalid and 0 timed out |", "| machine | test-machine |"})
    EXPECT_NE(text.find(row), std::string::npos) << row << "\n" << text;
}

}  // namespace
}  // namespace kigo::tools::perf
