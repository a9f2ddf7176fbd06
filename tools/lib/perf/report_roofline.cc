#include "tools/lib/perf/report_roofline.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "core/base/cat.h"
#include "tools/lib/perf/report_text.h"
#include "tools/lib/perf/svg.h"

namespace kigo::tools::perf {
namespace {

constexpr double kChartWidth = 880;
constexpr double kChartHeight = 470;
constexpr double kLeft = 90;
constexpr double kRight = 34;
constexpr double kTop = 16;
constexpr double kBottom = 48;

// The families with most kernels have a mark of their own, what is left shares the last one.
constexpr std::array<Mark, 6> kMarks{Mark::circle, Mark::triangle_up,   Mark::diamond,
                                     Mark::square, Mark::triangle_down, Mark::cross};
constexpr size_t kFamilies = kMarks.size() - 1;

std::string css_class(size_t family) { return cat("family", family); }

/// "linear" of "linear_add_q4_k".
std::string family_of(const std::string& name) { return name.substr(0, name.find('_')); }

/// The rank of each family: the largest first; all beyond kFamilies share the last place.
std::map<std::string, size_t> ranks_of(std::span<const RooflinePoint> points) {
  std::map<std::string, size_t> counts;
  for (const RooflinePoint& point : points) ++counts[family_of(point.curve->subject->name)];
  std::vector<std::pair<std::string, size_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::ranges::greater{}, &std::pair<std::string, size_t>::second);
  std::map<std::string, size_t> ranks;
  for (size_t i = 0; i < sorted.size(); ++i) ranks[sorted[i].first] = std::min(i, kFamilies);
  return ranks;
}

/// A logarithmic axis over whole decades.
class Axis {
 public:
  /// From the decade of the smallest to that of the largest; `begin` and `end` in the drawing.
  Axis(std::span<const double> values, double begin, double end) : begin_(begin), end_(end) {
    const auto [low, high] = std::ranges::minmax(values);
    first_ = static_cast<int>(std::floor(std::log10(low)));
    last_ = std::max(first_ + 1, static_cast<int>(std::ceil(std::log10(high))));
  }
  double at(double value) const {
    const double place = (std::log10(value) - first_) / (last_ - first_);
    return begin_ + std::clamp(place, 0.0, 1.0) * (end_ - begin_);
  }
  int first() const { return first_; }
  int last() const { return last_; }
  /// Decades between labels, so that at most 12 are written.
  int step() const { return 1 + (last_ - first_) / 12; }

 private:
  double begin_;
  double end_;
  int first_ = 0;
  int last_ = 1;
};

/// "0.01", "1", "1,000".
std::string decade_text(int decade) {
  const double value = std::pow(10.0, decade);
  return decade >= 0 && decade <= 9 ? grouped(static_cast<uint64_t>(std::llround(value))) : cat(value);
}

/// "10 TFLOP/s", where flops_text() has "10.0 TFLOP/s".
std::string decade_rate_text(int decade) {
  std::string text = flops_text(std::pow(10.0, decade));
  const size_t point = text.find(".0");
  if (point != std::string::npos) text.erase(point, text.find(' ') - point);
  return text;
}

void draw_grid(Svg& svg, const Axis& x, const Axis& y) {
  for (int decade = x.first(); decade <= x.last(); decade += x.step()) {
    const double at = x.at(std::pow(10.0, decade));
    svg.line({at, kTop}, {at, kChartHeight - kBottom}, "grid");
    svg.text({at, kChartHeight - kBottom + 18}, Anchor::middle, "label", decade_text(decade));
  }
  for (int decade = y.first(); decade <= y.last(); decade += y.step()) {
    const double at = y.at(std::pow(10.0, decade));
    svg.line({kLeft, at}, {kChartWidth - kRight, at}, "grid");
    svg.text({kLeft - 6, at + 4}, Anchor::end, "label", decade_rate_text(decade));
  }
  svg.text({(kLeft + kChartWidth) / 2, kChartHeight - 8}, Anchor::middle, "label",
           "operations a byte (FLOP/B)");
}

struct Line {
  const Record* ceiling;
  bool of_flops;
  double rate;
};

std::vector<Line> lines_of(const Ceilings* ceilings) {
  std::vector<Line> lines;
  if (ceilings == nullptr) return lines;
  for (const Record* record : ceilings->records) {
    const double us = median_us(*record);
    const bool of_flops = record->flops > 0;
    const double rate = (of_flops ? record->flops : record->bytes) / us * 1e6;
    if (rate > 0 && std::isfinite(rate)) lines.push_back({record, of_flops, rate});
  }
  return lines;
}

/// Bandwidths rise with the operations a byte until the fastest product ends them; products are level from
/// where the fastest bandwidth reaches them.
void draw_line(Svg& svg, const Line& line, const Ceilings& ceilings, const Axis& x, const Axis& y,
               size_t dash) {
  const double left = std::pow(10.0, x.first());
  const double right = std::pow(10.0, x.last());
  const double bottom = std::pow(10.0, y.first());
  const std::string look = cat("roof dash", dash % 4);
  if (line.of_flops) {
    const double from =
        ceilings.bytes_per_s > 0 ? std::clamp(line.rate / ceilings.bytes_per_s, left, right) : left;
    svg.line({x.at(from), y.at(line.rate)}, {x.at(right), y.at(line.rate)}, look);
    svg.text({kChartWidth - kRight - 4, y.at(line.rate) - 5}, Anchor::end, "rooflabel",
             cat(line.ceiling->subject.name, ' ', flops_text(line.rate)));
    return;
  }
  const double from = std::max(left, bottom / line.rate);
  const double top = ceilings.flops_per_s > 0 ? ceilings.flops_per_s : std::pow(10.0, y.last());
  const double to = std::clamp(top / line.rate, from, right);
  svg.line({x.at(from), y.at(from * line.rate)}, {x.at(to), y.at(to * line.rate)}, look);
}

std::string tip_of(const RooflinePoint& point) {
  const RunPoint& newest = point.curve->newest();
  const Share share = share_of_limit(newest);
  return cat(text_of(*point.curve->subject), ": ", time_text(newest.us), ", ",
             bandwidth_text(newest.bytes_per_s()), ", ", flops_text(point.flops_per_s), ", ",
             percent_text(share.value), " of the limit");
}

std::string legend(std::span<const Line> lines, const std::map<std::string, size_t>& ranks) {
  std::string out = "<ul class=\"legend\">";
  std::array<std::string, kMarks.size()> names;
  for (const auto& [family, rank] : ranks) names[rank] += cat(names[rank].empty() ? "" : ", ", html(family));
  for (size_t rank = 0; rank < names.size(); ++rank)
    if (!names[rank].empty())
      out += cat("<li>", mark_alone(kMarks[rank], css_class(rank)), ' ', names[rank], "</li>");
  for (size_t i = 0; i < lines.size(); ++i) {
    Svg key(26, 10, "key", lines[i].of_flops ? "level line" : "rising line");
    key.line({1, 5}, {25, 5}, cat("roof dash", i % 4));
    out += cat("<li>", std::move(key).str(), ' ', html(lines[i].ceiling->subject.name), ' ',
               lines[i].of_flops ? flops_text(lines[i].rate) : bandwidth_text(lines[i].rate), "</li>");
  }
  return out + "</ul>";
}

}  // namespace

std::vector<RooflinePoint> roofline_points(std::span<const Curve> curves) {
  std::map<std::pair<std::string, std::string>, RooflinePoint> best;  // by name and case
  for (const Curve& curve : curves) {
    const RunPoint& newest = curve.newest();
    const bool counts = curve.subject->kind == Kind::op && curve.subject->cache != Cache::hot &&
                        newest.state == State::ok && newest.flops_per_s() > 0 && newest.bytes_per_s() > 0;
    if (!counts) continue;
    const double intensity = newest.newest->flops / newest.newest->bytes;
    if (!(intensity > 0) || !std::isfinite(intensity)) continue;
    RooflinePoint& point = best[{curve.subject->name, curve.subject->text}];
    // In a row hides the start of a launch, which cold has in it.
    if (point.curve == nullptr || curve.subject->cache == Cache::row)
      point = {&curve, intensity, newest.flops_per_s()};
  }
  std::vector<RooflinePoint> points;
  for (const auto& [key, point] : best) points.push_back(point);
  return points;
}

std::string roofline(std::span<const RooflinePoint> points, const Ceilings* ceilings) {
  if (points.empty()) return "<p>No roofline: no kernel's newest measurement has bytes and operations.</p>";
  const auto lines = lines_of(ceilings);
  std::vector<double> intensities;
  std::vector<double> rates;
  for (const RooflinePoint& point : points) {
    intensities.push_back(point.flops_per_byte);
    rates.push_back(point.flops_per_s);
  }
  for (const Line& line : lines) {
    if (!line.of_flops) continue;
    rates.push_back(line.rate);
    // The corner of the roof is on the chart, with some of its level part.
    if (ceilings->bytes_per_s > 0) intensities.push_back(3 * line.rate / ceilings->bytes_per_s);
  }
  const Axis x(intensities, kLeft, kChartWidth - kRight);
  const Axis y(rates, kChartHeight - kBottom, kTop);
  Svg svg(kChartWidth, kChartHeight, "roofline",
          cat("Roofline of ", points.size(),
              " kernels and cases: operations a byte against operations a second"));
  draw_grid(svg, x, y);
  for (size_t i = 0; i < lines.size(); ++i) draw_line(svg, lines[i], *ceilings, x, y, i);
  const auto ranks = ranks_of(points);
  for (const RooflinePoint& point : points) {
    const size_t rank = ranks.at(family_of(point.curve->subject->name));
    svg.mark(kMarks[rank], {x.at(point.flops_per_byte), y.at(point.flops_per_s)}, 4, css_class(rank),
             tip_of(point));
  }
  return cat("<figure>", std::move(svg).str(), "<figcaption>", legend(lines, ranks),
             "</figcaption></figure>");
}

}  // namespace kigo::tools::perf
