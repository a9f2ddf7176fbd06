// The comparator: every element of an output against its truth, with a bound for each, and a report that
// names where and how it is wrong. Tests, tools and benchmarks all judge by it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/compare/damage.h"
#include "core/compare/values.h"

namespace kigo::compare {

/// How far an element may be from its truth: a number for each, or absolute + relative * |want|.
class Bound {
 public:
  /// One bound for each element; the values must outlive the comparison.
  static Bound each(Values bounds) { return Bound(bounds); }
  static Bound within(double absolute, double relative = 0) { return Bound(absolute, relative); }
  /// Equal values (-0 equals 0): integer decode, gather, copy, argmax.
  static Bound exact() { return within(0); }

  double at(size_t i, double want) const;
  /// The number of bounds when there is one for each element.
  std::optional<size_t> size() const { return each_ ? std::optional(each_->size()) : std::nullopt; }

 private:
  explicit Bound(Values each) : each_(each) {}
  Bound(double absolute, double relative) : absolute_(absolute), relative_(relative) {}
  std::optional<Values> each_;
  double absolute_{};
  double relative_{};
};

enum class NonFinite : uint8_t {
  refuse,     // neither output nor truth may hold NaN or infinity
  as_wanted,  // NaN where the truth is NaN, the same infinity where it is infinite, and nowhere else
};

/// What a report needs to know besides the numbers.
struct Subject {
  std::string name = {};               // "blk.0.attn_q"
  std::vector<int64_t> shape = {};     // slowest axis first; empty: one axis of the truth's length
  std::vector<std::string> axes = {};  // singular names; empty: row and column, or token, head and element
  std::string replay = {};             // the line that runs this case again
  NonFinite non_finite = NonFinite::refuse;
  Values before = {};  // what the output buffer held before the run, to name what was never written
};

struct Element {
  int64_t flat;
  std::vector<int64_t> at;  // coordinates
  double got;
  double want;
  double bound;
  double share;  // |got - want| / bound; infinite where NaN or a bound of zero was missed
};

struct Report {
  bool pass = false;
  std::string name;
  std::string refusal;   // why nothing was compared ("31 values, expected 32"), or why all right ones fail
  int64_t compared = 0;  // elements
  int64_t wrong = 0;
  int64_t non_finite = 0;  // NaN or infinity in the output where the truth has none
  int64_t unwritten = 0;   // wrong elements whose bits are those of `before`
  double worst_share = 0;  // over all elements, right or wrong: the figure that is tracked
  std::optional<Element>
      worst;  // the element with the worst share, wrong ones first; none when nothing was compared
  std::vector<Element> neighbours;  // the three right elements nearest to the worst, when something is wrong
  Damage damage;
  std::string replay;

  explicit operator bool() const { return pass; }
  /// One line when all is well, else a block of lines for people.
  std::string text() const;
  Json json() const;
};

/// Compares every element: it is right when |got - want| <= bound holds, so NaN is never right.
///
/// Fails as a whole, with `refusal`, when the lengths of output, truth, shape or bounds disagree; when a
/// bound is negative, infinite or NaN; when the truth itself is not finite under NonFinite::refuse; and when
/// the output is zero everywhere although eight or more truths are not (a single one may cancel to zero by
/// right, eight do not), however wide the bound. An empty tensor passes with compared = 0.
Report close(Values got, Values want, const Bound& bound, const Subject& subject);

}  // namespace kigo::compare
