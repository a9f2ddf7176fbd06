// Numbers and names as the page shows them.
#include "tools/lib/perf/report_text.h"

#include <gtest/gtest.h>

#include <limits>

namespace kigo::tools::perf {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

TEST(ReportHtml, KeepsPlainTextAndUtf8) {
  EXPECT_EQ(html("rows=64 µs 字 \U0001F600"), "rows=64 µs 字 \U0001F600");
}

TEST(ReportHtml, EndsNoTagAndNoAttribute) {
  EXPECT_EQ(html("</svg><script src='x'>\"&"), "&lt;/svg&gt;&lt;script src=&#39;x&#39;&gt;&quot;&amp;");
}

TEST(ReportHtml, ReplacesWhatXmlForbids) {
  EXPECT_EQ(html(std::string_view("a\0b\x1b[1m\x7f", 8)), "a\uFFFDb\uFFFD[1m\uFFFD");
  EXPECT_EQ(html("\xC2\x85"), "\uFFFD");
  EXPECT_EQ(html("two\nlines\tand"), "two lines and");
}

TEST(ReportHtml, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(html("\xFF<"), "\uFFFD&lt;");
  EXPECT_EQ(html("\xC0\xBC"), "\uFFFD\uFFFD");            // '<', too long by one byte
  EXPECT_EQ(html("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");  // half a surrogate pair
  EXPECT_EQ(html("\xE5\xAD"), "\uFFFD\uFFFD");            // cut
}

TEST(ReportMarkdown, StaysInItsCell) {
  EXPECT_EQ(markdown("a|b\nc"), "a\\|b c");
  EXPECT_EQ(markdown("<img> @all `x` [y](z)"), "&lt;img&gt; &#64;all \\`x\\` \\[y\\](z)");
}

TEST(ReportNumbers, TimesHaveThreeDigitsAndAUnit) {
  EXPECT_EQ(time_text(0.8704), "870 ns");
  EXPECT_EQ(time_text(4.2149), "4.21 us");
  EXPECT_EQ(time_text(999.9), "1.00 ms");
  EXPECT_EQ(time_text(12'500), "12.5 ms");
  EXPECT_EQ(time_text(7.2e9), "7,200 s");
}

TEST(ReportNumbers, RatesAndSizesHaveTheirUnits) {
  EXPECT_EQ(bandwidth_text(4.217235e12), "4.22 TB/s");
  EXPECT_EQ(bandwidth_text(950e6), "950 MB/s");
  EXPECT_EQ(flops_text(714.2e12), "714 TFLOP/s");
  EXPECT_EQ(bytes_text(4'653'568), "4.65 MB");
  EXPECT_EQ(bytes_text(96), "96.0 B");
}

TEST(ReportNumbers, SharesAndChanges) {
  EXPECT_EQ(percent_text(0.9341), "93.4 %");
  EXPECT_EQ(percent_text(12.5), "1,250 %");
  EXPECT_EQ(change_text(0.0309), "+3.09 %");
  EXPECT_EQ(change_text(-0.0041), "-0.41 %");
}

TEST(ReportNumbers, ThousandsAreSeparated) {
  EXPECT_EQ(number_text(48'700.4), "48,700");
  EXPECT_EQ(number_text(1020), "1,020");
  EXPECT_EQ(number_text(285.12), "285");
  EXPECT_EQ(number_text(-9.5), "-9.50");
}

TEST(ReportNumbers, WhatIsNotKnownIsNoNumber) {
  for (const double value : {kNan, kInfinity, -kInfinity}) {
    EXPECT_EQ(time_text(value), kUnknown);
    EXPECT_EQ(bandwidth_text(value), kUnknown);
    EXPECT_EQ(percent_text(value), kUnknown);
    EXPECT_EQ(change_text(value), kUnknown);
    EXPECT_EQ(number_text(value), kUnknown);
  }
  EXPECT_EQ(time_text(0), kUnknown);
  EXPECT_EQ(flops_text(-1), kUnknown);
}

TEST(ReportNumbers, TheLargestNumberIsPrinted) {
  EXPECT_EQ(number_text(std::numeric_limits<double>::max()), "1,000,000,000,000,000,000");
  EXPECT_EQ(time_text(std::numeric_limits<double>::max()), "1,000,000,000,000,000,000 s");
}

TEST(ReportCoordinates, HaveOneDigitBehindThePoint) {
  EXPECT_EQ(coordinate(12.34), "12.3");
  EXPECT_EQ(coordinate(12.04), "12");
  EXPECT_EQ(coordinate(-0.01), "0");
}

}  // namespace
}  // namespace kigo::tools::perf
