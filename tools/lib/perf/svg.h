// Drawings of the page: an element <svg> with a title, lines, marks and text. Looks are classes of the page's
// style (report_style.h), so that light and dark need one drawing.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace kigo::tools::perf {

struct SvgPoint {
  double x = 0;
  double y = 0;
};

/// Marks differ in shape, not in colour alone.
enum class Mark { circle, triangle_up, triangle_down, diamond, square, cross };

enum class Anchor { start, middle, end };

/// Builds one drawing. Every text given is escaped here; coordinates are finite.
class Svg {
 public:
  /// `title` is what a screen reader says instead of the drawing.
  Svg(double width, double height, std::string_view css_class, std::string_view title);

  void line(SvgPoint from, SvgPoint to, std::string_view css_class);
  /// Nothing for fewer than two points.
  void polyline(std::span<const SvgPoint> points, std::string_view css_class);
  /// Nothing for fewer than three points.
  void polygon(std::span<const SvgPoint> points, std::string_view css_class);
  /// `size`: half of its height. `tip`: shown when pointed at, none where empty.
  void mark(Mark shape, SvgPoint at, double size, std::string_view css_class, std::string_view tip = {});
  void text(SvgPoint at, Anchor anchor, std::string_view css_class, std::string_view text);

  /// The element, closed.
  std::string str() &&;

 private:
  std::string out_;
};

/// The shape alone, for running text that names what it stands for: a screen reader passes over it.
std::string mark_alone(Mark shape, std::string_view css_class);

}  // namespace kigo::tools::perf
