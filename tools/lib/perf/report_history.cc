#include "tools/lib/perf/report_history.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/perf/report_text.h"
#include "tools/lib/perf/svg.h"

namespace kigo::tools::perf {
namespace {

constexpr double kCurveWidth = 240;
constexpr double kCurveHeight = 38;
constexpr double kPlot = 168;  // the rest is for the labels of the scale
constexpr double kEdge = 6;
constexpr double kLeastSpan = 0.05;  // of the value: less would make noise look like mountains

auto key_of(const ShownVerdict& verdict) {
  return std::tie(verdict.subject, verdict.run, verdict.commit, verdict.setting);
}

bool in_tokens(const RunPoint& point) { return point.newest->tokens > 0; }

/// The value drawn, its quartiles and whether there is one.
struct Drawn {
  double value;
  double low;
  double high;
  bool known() const { return std::isfinite(low) && std::isfinite(value) && std::isfinite(high); }
};

Drawn drawn(const RunPoint& point) {
  if (!in_tokens(point)) return {point.us, point.low, point.high};
  const double scale = point.newest->tokens * 1e6;
  return {scale / point.us, scale / point.high, scale / point.low};
}

std::string text_of(double value, bool tokens) {
  return tokens ? cat(number_text(value), std::isfinite(value) ? " tokens/s" : "") : time_text(value);
}

std::string tip_of(const RunPoint& point, const ShownVerdict* verdict) {
  const Record& record = *point.newest;
  std::string tip = cat(record.time, ", commit ", record.commit, ": ", value_text(point));
  if (point.state != State::ok) tip += cat(", ", name_of(point.state), ": ", record.why);
  if (verdict != nullptr)
    tip += cat(", ", name_of(verdict->verdict), ' ', change_text(verdict->change), " against ", verdict->base,
               ": ", verdict->reason);
  return tip;
}

/// What a screen reader says: how many runs, the newest value, the spread of all, and the marks.
std::string title_of(const Curve& curve, std::span<const RunPoint> points, const VerdictIndex& verdicts) {
  std::string title = cat(perf::text_of(*curve.subject), ": ", points.size(),
                          points.size() == 1 ? " run" : " runs", ", newest ", value_text(points.back()));
  for (const Verdict kind : kVerdicts) {
    const auto marked = std::ranges::count_if(points, [&](const RunPoint& point) {
      const ShownVerdict* verdict = verdicts.find(curve, point);
      return kind != Verdict::same && verdict != nullptr && verdict->verdict == kind;
    });
    if (marked > 0) title += cat(", ", marked, ' ', name_of(kind));
  }
  for (const State state : {State::timed_out, State::invalid}) {
    const auto bad = std::ranges::count(points, state, &RunPoint::state);
    if (bad > 0) title += cat(", ", bad, " measured ", name_of(state));
  }
  return title;
}

/// From values to places in the drawing.
class Scale {
 public:
  Scale(std::span<const RunPoint> points) : count_(points.size()) {
    for (const RunPoint& point : points) {
      const Drawn d = drawn(point);
      if (!d.known()) continue;
      low_ = std::min(low_, d.low);
      high_ = std::max(high_, d.high);
    }
    if (empty()) return;
    bottom_ = low_;
    span_ = high_ - low_;
    const double least = kLeastSpan * (low_ / 2 + high_ / 2);
    if (span_ < least) {
      bottom_ -= (least - span_) / 2;
      span_ = least;
    }
  }
  bool empty() const { return !(low_ <= high_); }
  double low() const { return low_; }
  double high() const { return high_; }
  double x(size_t i) const {
    const double part = count_ < 2 ? 0.5 : static_cast<double>(i) / static_cast<double>(count_ - 1);
    return kEdge + part * (kPlot - 2 * kEdge);
  }
  double y(double value) const {
    const double part = span_ > 0 ? std::clamp((value - bottom_) / span_, 0.0, 1.0) : 0.5;
    return kCurveHeight - kEdge - part * (kCurveHeight - 2 * kEdge);
  }

 private:
  size_t count_;
  double low_ = std::numeric_limits<double>::infinity();
  double high_ = -std::numeric_limits<double>::infinity();
  double bottom_ = 0;
  double span_ = 0;
};

/// Band and line over the runs first..last-1, all of which have a value.
void draw_stretch(Svg& svg, std::span<const RunPoint> points, size_t first, size_t last, const Scale& scale) {
  std::vector<SvgPoint> median;
  std::vector<SvgPoint> band;
  for (size_t i = first; i < last; ++i) {
    const Drawn d = drawn(points[i]);
    median.push_back({scale.x(i), scale.y(d.value)});
    band.push_back({scale.x(i), scale.y(d.high)});
  }
  for (size_t i = last; i-- > first;) band.push_back({scale.x(i), scale.y(drawn(points[i]).low)});
  if (last - first == 1) {  // a band of one run has no width of its own
    const double x = scale.x(first);
    band = {{x - 2, band[0].y}, {x + 2, band[0].y}, {x + 2, band[1].y}, {x - 2, band[1].y}};
  }
  svg.polygon(band, "band");
  svg.polyline(median, "median");
}

void draw_marks(Svg& svg, const Curve& curve, std::span<const RunPoint> points, const VerdictIndex& verdicts,
                const Scale& scale) {
  for (size_t i = 0; i < points.size(); ++i) {
    const RunPoint& point = points[i];
    const ShownVerdict* verdict = verdicts.find(curve, point);
    const Drawn d = drawn(point);
    const SvgPoint at{scale.x(i), d.known() ? scale.y(d.value) : kCurveHeight - kEdge};
    if (point.state != State::ok) {
      const Mark shape = point.state == State::invalid ? Mark::cross : Mark::square;
      svg.mark(shape, at, 4, name_of(point.state), tip_of(point, verdict));
    } else if (verdict != nullptr && verdict->verdict != Verdict::same) {
      svg.mark(mark_of(verdict->verdict), at, 4.5, css_class_of(verdict->verdict), tip_of(point, verdict));
    } else if (i + 1 == points.size()) {
      svg.mark(Mark::circle, at, 2.6, "last", tip_of(point, verdict));
    }
  }
}

}  // namespace

bool VerdictIndex::Less::operator()(const ShownVerdict* a, const ShownVerdict* b) const {
  return key_of(*a) < key_of(*b);
}

VerdictIndex::VerdictIndex(std::span<const ShownVerdict> verdicts) {
  for (const ShownVerdict& verdict : verdicts) {
    const auto [place, added] = gravest_.try_emplace(&verdict, &verdict);
    if (!added && listed_before(&verdict, place->second)) place->second = &verdict;
  }
}

const ShownVerdict* VerdictIndex::find(const Curve& curve, const RunPoint& point) const {
  if (gravest_.empty()) return nullptr;
  ShownVerdict wanted;
  wanted.setting = *curve.setting;
  wanted.subject = *curve.subject;
  wanted.run = point.newest->run;
  wanted.commit = point.newest->commit;
  const auto found = gravest_.find(&wanted);
  return found == gravest_.end() ? nullptr : found->second;
}

std::string value_text(const RunPoint& point) { return text_of(drawn(point).value, in_tokens(point)); }

std::string interval_text(const RunPoint& point) {
  const Drawn d = drawn(point);
  if (!d.known() || point.samples < 2) return std::string(kUnknown);
  return cat(text_of(d.low, in_tokens(point)), " to ", text_of(d.high, in_tokens(point)));
}

std::string history_drawing(const Curve& curve, const VerdictIndex& verdicts) {
  std::span<const RunPoint> points = curve.points;
  if (points.size() > kDrawnRuns) points = points.last(kDrawnRuns);
  const Scale scale(points);
  Svg svg(kCurveWidth, kCurveHeight, "curve", title_of(curve, points, verdicts));
  for (size_t first = 0; first < points.size();) {
    size_t last = first;
    while (last < points.size() && drawn(points[last]).known()) ++last;
    if (last > first) draw_stretch(svg, points, first, last, scale);
    first = last + 1;
  }
  draw_marks(svg, curve, points, verdicts, scale);
  if (!scale.empty()) {
    const bool tokens = in_tokens(points.back());
    const auto label = [&](double value) { return tokens ? number_text(value) : time_text(value); };
    svg.text({kPlot + 2, 12}, Anchor::start, "label", label(scale.high()));
    if (label(scale.low()) != label(scale.high()))
      svg.text({kPlot + 2, kCurveHeight - 4}, Anchor::start, "label", label(scale.low()));
  }
  return std::move(svg).str();
}

}  // namespace kigo::tools::perf
