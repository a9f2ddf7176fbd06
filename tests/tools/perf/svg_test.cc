// Drawings of the page.
#include "tools/lib/perf/svg.h"

#include <gtest/gtest.h>

#include <vector>

namespace kigo::tools::perf {
namespace {

TEST(Svg, SaysWhatItShows) {
  EXPECT_EQ(Svg(100, 24.5, "curve", "linear, 3 runs").str(),
            "<svg class=\"curve\" role=\"img\" viewBox=\"0 0 100 24.5\" width=\"100\" height=\"24.5\">"
            "<title>linear, 3 runs</title></svg>");
}

TEST(Svg, EscapesWhatIsWritten) {
  Svg svg(10, 10, "curve", "</title><script>");
  svg.text({1, 2}, Anchor::end, "label", "a<b");
  svg.mark(Mark::circle, {3, 4}, 2, "fast", "\"x\"");
  EXPECT_EQ(std::move(svg).str(),
            "<svg class=\"curve\" role=\"img\" viewBox=\"0 0 10 10\" width=\"10\" height=\"10\">"
            "<title>&lt;/title&gt;&lt;script&gt;</title>"
            "<text class=\"label\" x=\"1\" y=\"2\" text-anchor=\"end\">a&lt;b</text>"
            "<circle class=\"fast\" cx=\"3\" cy=\"4\" r=\"2\"><title>&quot;x&quot;</title></circle></svg>");
}

TEST(Svg, DrawsNoLineThroughOnePoint) {
  Svg svg(10, 10, "curve", "one");
  const std::string empty = Svg(svg).str();
  const std::vector<SvgPoint> points{{1, 1}, {2, 2}};
  svg.polyline(std::span(points).first(1), "line");
  svg.polygon(points, "band");
  EXPECT_EQ(std::move(svg).str(), empty);
}

TEST(Svg, EveryMarkHasItsOwnShape) {
  std::vector<std::string> seen;
  for (const Mark shape :
       {Mark::circle, Mark::triangle_up, Mark::triangle_down, Mark::diamond, Mark::square, Mark::cross}) {
    const std::string drawn = mark_alone(shape, "x");
    for (const std::string& other : seen) EXPECT_NE(drawn, other);
    seen.push_back(drawn);
  }
}

TEST(Svg, AMarkBesideItsNameIsNotSpoken) {
  const std::string drawn = mark_alone(Mark::diamond, "x");
  EXPECT_NE(drawn.find("aria-hidden=\"true\""), std::string::npos);
  EXPECT_EQ(drawn.find("title"), std::string::npos);
}

}  // namespace
}  // namespace kigo::tools::perf
