#include "tools/lib/perf/svg.h"

#include <array>
#include <utility>

#include "core/base/cat.h"
#include "tools/lib/perf/report_text.h"

namespace kigo::tools::perf {
namespace {

/// Around (0, 0), one unit high in each direction.
std::span<const SvgPoint> corners(Mark shape) {
  static constexpr std::array<SvgPoint, 3> kUp{{{0, -1}, {1, 0.9}, {-1, 0.9}}};
  static constexpr std::array<SvgPoint, 3> kDown{{{0, 1}, {1, -0.9}, {-1, -0.9}}};
  static constexpr std::array<SvgPoint, 4> kDiamond{{{0, -1.2}, {1.2, 0}, {0, 1.2}, {-1.2, 0}}};
  static constexpr std::array<SvgPoint, 4> kSquare{{{-0.9, -0.9}, {0.9, -0.9}, {0.9, 0.9}, {-0.9, 0.9}}};
  static constexpr std::array<SvgPoint, 12> kCross{{{-1, -0.6},
                                                    {-0.6, -1},
                                                    {0, -0.4},
                                                    {0.6, -1},
                                                    {1, -0.6},
                                                    {0.4, 0},
                                                    {1, 0.6},
                                                    {0.6, 1},
                                                    {0, 0.4},
                                                    {-0.6, 1},
                                                    {-1, 0.6},
                                                    {-0.4, 0}}};
  switch (shape) {
    case Mark::triangle_up:
      return kUp;
    case Mark::triangle_down:
      return kDown;
    case Mark::diamond:
      return kDiamond;
    case Mark::square:
      return kSquare;
    case Mark::cross:
      return kCross;
    case Mark::circle:
      break;
  }
  return {};
}

std::string_view name_of(Anchor anchor) {
  return anchor == Anchor::start ? "start" : anchor == Anchor::middle ? "middle" : "end";
}

void append_points(std::string& out, std::span<const SvgPoint> points) {
  for (size_t i = 0; i < points.size(); ++i)
    out += cat(i == 0 ? "" : " ", coordinate(points[i].x), ',', coordinate(points[i].y));
}

void append_mark(std::string& out, Mark shape, SvgPoint at, double size, std::string_view css_class,
                 std::string_view tip) {
  const bool circle = shape == Mark::circle;
  if (circle) {
    out += cat("<circle class=\"", css_class, "\" cx=\"", coordinate(at.x), "\" cy=\"", coordinate(at.y),
               "\" r=\"", coordinate(size), '"');
  } else {
    std::array<SvgPoint, 12> moved;
    const auto around = corners(shape);
    for (size_t i = 0; i < around.size(); ++i)
      moved[i] = {at.x + size * around[i].x, at.y + size * around[i].y};
    out += cat("<polygon class=\"", css_class, "\" points=\"");
    append_points(out, std::span(moved).first(around.size()));
    out += '"';
  }
  out += tip.empty() ? "/>" : cat("><title>", html(tip), "</title></", circle ? "circle" : "polygon", ">");
}

}  // namespace

Svg::Svg(double width, double height, std::string_view css_class, std::string_view title)
    : out_(cat("<svg class=\"", css_class, "\" role=\"img\" viewBox=\"0 0 ", coordinate(width), ' ',
               coordinate(height), "\" width=\"", coordinate(width), "\" height=\"", coordinate(height),
               "\"><title>", html(title), "</title>")) {}

void Svg::line(SvgPoint from, SvgPoint to, std::string_view css_class) {
  out_ += cat("<line class=\"", css_class, "\" x1=\"", coordinate(from.x), "\" y1=\"", coordinate(from.y),
              "\" x2=\"", coordinate(to.x), "\" y2=\"", coordinate(to.y), "\"/>");
}

void Svg::polyline(std::span<const SvgPoint> points, std::string_view css_class) {
  if (points.size() < 2) return;
  out_ += cat("<polyline class=\"", css_class, "\" points=\"");
  append_points(out_, points);
  out_ += "\"/>";
}

void Svg::polygon(std::span<const SvgPoint> points, std::string_view css_class) {
  if (points.size() < 3) return;
  out_ += cat("<polygon class=\"", css_class, "\" points=\"");
  append_points(out_, points);
  out_ += "\"/>";
}

void Svg::mark(Mark shape, SvgPoint at, double size, std::string_view css_class, std::string_view tip) {
  append_mark(out_, shape, at, size, css_class, tip);
}

void Svg::text(SvgPoint at, Anchor anchor, std::string_view css_class, std::string_view text) {
  out_ += cat("<text class=\"", css_class, "\" x=\"", coordinate(at.x), "\" y=\"", coordinate(at.y),
              "\" text-anchor=\"", name_of(anchor), "\">", html(text), "</text>");
}

std::string Svg::str() && { return std::move(out_) + "</svg>"; }

std::string mark_alone(Mark shape, std::string_view css_class) {
  std::string out =
      "<svg class=\"key\" aria-hidden=\"true\" viewBox=\"0 0 12 12\" width=\"12\" height=\"12\">";
  append_mark(out, shape, {6, 6}, 4.5, css_class, {});
  return out + "</svg>";
}

}  // namespace kigo::tools::perf
