#include "core/compare/junit.h"

#include <gtest/gtest.h>

#include <vector>

namespace kigo::compare {
namespace {

using Outcome = JUnitCase::Outcome;

TEST(JUnit, WorkedExample) {
  const std::vector<JUnitCase> cases{
      {"rope", "agrees", 0.25},
      {"rope", "mutants", 0.5, Outcome::failed, "\"drops <a> & b\" passes\n  second line"},
      {"rope on cuda", "agrees", 0, Outcome::skipped, "no CUDA device"}};
  EXPECT_EQ(junit_xml("kigo", cases), R"(<?xml version="1.0" encoding="UTF-8"?>
<testsuite name="kigo" tests="3" failures="1" skipped="1" time="0.750000">
  <testcase classname="rope" name="agrees" time="0.250000"/>
  <testcase classname="rope" name="mutants" time="0.500000">
    <failure message="&quot;drops &lt;a&gt; &amp; b&quot; passes">&quot;drops &lt;a&gt; &amp; b&quot; passes
  second line</failure>
  </testcase>
  <testcase classname="rope on cuda" name="agrees" time="0.000000">
    <skipped message="no CUDA device">no CUDA device</skipped>
  </testcase>
</testsuite>
)");
}

TEST(JUnit, HoldsNoByteThatXmlForbids) {
  const std::vector<JUnitCase> cases{{"a\x01", "b\xFF", 0, Outcome::failed, "\x1b[31mred\tone\xC3"}};
  const std::string xml = junit_xml("\x7F", cases);
  EXPECT_NE(xml.find("classname=\"a\uFFFD\" name=\"b\uFFFD\""), std::string::npos) << xml;
  EXPECT_NE(xml.find(">\uFFFD[31mred\tone\uFFFD</failure>"), std::string::npos) << xml;
}

// XML 1.0, production 2: tab, line feed, carriage return, and from the space on all but U+FFFE and U+FFFF.
TEST(JUnit, HoldsTheCharactersOfXmlAndNoOthers) {
  const auto text = [](const std::string& characters) {
    const std::vector<JUnitCase> cases{{"g", "n", 0, Outcome::failed, "|" + characters + "|"}};
    const std::string xml = junit_xml("s", cases);
    const size_t first = xml.find("\">|") + 3;
    return xml.substr(first, xml.find("|<", first) - first);
  };
  EXPECT_EQ(text("\t\n\r \uD7FF\uE000\uFFFD\U00010000\U0010FFFF"),
            "\t\n\r \uD7FF\uE000\uFFFD\U00010000\U0010FFFF");
  for (const char* none : {"\x01", "\x08", "\x0B", "\x0C", "\x0E", "\x1F", "\xEF\xBF\xBE", "\xEF\xBF\xBF"})
    EXPECT_EQ(text(none), "\uFFFD") << testing::PrintToString(none);
}

TEST(JUnit, TakesNoTimeForACaseThatSaysNone) {
  const std::vector<JUnitCase> cases{{.group = "g", .name = "n"}};
  EXPECT_NE(junit_xml("s", cases).find("name=\"n\" time=\"0.000000\"/>"), std::string::npos);
}

TEST(JUnit, KeepsTextBeyondAscii) {
  const std::vector<JUnitCase> cases{{"古池", "蛙", 0}};
  EXPECT_NE(junit_xml("s", cases).find("classname=\"古池\" name=\"蛙\""), std::string::npos);
}

/// A line feed in an attribute would be read back as a space.
TEST(JUnit, WritesALineFeedInAnAttributeAsAReference) {
  const std::vector<JUnitCase> cases{{"a\nb", "c", 0}};
  EXPECT_NE(junit_xml("s", cases).find("classname=\"a&#10;b\""), std::string::npos);
}

TEST(JUnit, CountsNothingWhenThereIsNothing) {
  EXPECT_NE(junit_xml("s", {}).find("tests=\"0\" failures=\"0\" skipped=\"0\""), std::string::npos);
}

}  // namespace
}  // namespace kigo::compare
