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
