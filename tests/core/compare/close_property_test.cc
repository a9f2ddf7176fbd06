// The comparator over arbitrary tensors: what is beyond its bound is named, the rest passes.
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <cmath>

#include "core/base/random.h"
#include "core/compare/close.h"

namespace kigo::compare {
namespace {

struct Case {
  std::vector<int64_t> shape;
  std::vector<double> want;
  std::vector<double> bounds;
  std::vector<double> got;  // double, so that the distance to the bound is as meant
  Random random;
};

/// A tensor of one to three axes whose elements are within their bounds, by any share of them.
Case draw_case() {
  Case c{{}, {}, {}, {}, Random(*rc::gen::arbitrary<uint64_t>())};
  int64_t size = 1;
  for (uint64_t rank = 1 + c.random.below(3); rank > 0; --rank) {
    c.shape.push_back(1 + static_cast<int64_t>(c.random.below(20)));
    size *= c.shape.back();
  }
  const double scale = std::pow(10.0, c.random.uniform(-8, 8));
  for (int64_t i = 0; i < size; ++i) {
    c.want.push_back(scale * c.random.normal());
    c.bounds.push_back(scale * 1e-6 * c.random.uniform(0.1, 1));
    c.got.push_back(c.want.back() + c.bounds.back() * c.random.uniform(-0.999, 0.999));
  }
  return c;
}

Report judge(const Case& c) {
  return close(c.got, c.want, Bound::each(c.bounds), {.name = "op", .shape = c.shape});
}

RC_GTEST_PROP(Close, PassesWhateverIsWithinItsBounds, ()) {
  const Case c = draw_case();
  const Report report = judge(c);
  RC_ASSERT(report.pass);
  RC_ASSERT(report.worst_share < 1);
  double worst = 0;
  for (size_t i = 0; i < c.want.size(); ++i)
    worst = std::max(worst, std::abs(c.got[i] - c.want[i]) / c.bounds[i]);
  RC_ASSERT(report.worst_share == worst);
}

RC_GTEST_PROP(Close, FindsAndNamesAnySingleElementBeyondItsBound, ()) {
  Case c = draw_case();
  const size_t at = c.random.below(c.want.size());
  const double shares[] = {1.01, 2, 1e3, 1e30, std::numeric_limits<double>::infinity(), std::nan("")};
  const double off = c.bounds[at] * shares[c.random.below(6)];
  c.got[at] = c.want[at] + (c.random.below(2) == 0 ? off : -off);
  const Report report = judge(c);
  RC_ASSERT(!report.pass);
  RC_ASSERT(report.wrong == 1);
  RC_ASSERT(report.worst->flat == static_cast<int64_t>(at));
  RC_ASSERT(report.damage.kind == Damage::Kind::one_element);
  RC_ASSERT(report.neighbours.size() == std::min<size_t>(3, c.want.size() - 1));
  int64_t flat = 0;
  for (size_t axis = 0; axis < c.shape.size(); ++axis) flat = flat * c.shape[axis] + report.worst->at[axis];
  RC_ASSERT(flat == report.worst->flat);
}

RC_GTEST_PROP(Close, CountsEveryWrongElementAndNoOther, ()) {
  Case c = draw_case();
  int64_t wrong = 0;
  for (size_t i = 0; i < c.want.size(); ++i) {
    if (c.random.below(4) != 0) continue;
    c.got[i] = c.want[i] + 1.5 * c.bounds[i];
    ++wrong;
  }
  const Report report = judge(c);
  RC_ASSERT(report.wrong == wrong);
  RC_ASSERT(report.pass == (wrong == 0));
  for (const Element& right : report.neighbours) RC_ASSERT(right.share <= 1);
}

RC_GTEST_PROP(Close, RejectsZerosForATruthThatHasNone,
              ()) {  // F84: however small the truth, however wide the bound
  Case c = draw_case();
  RC_PRE(c.want.size() >= 8);
  for (size_t i = 0; i < c.want.size(); ++i) {
    c.bounds[i] = 2 * std::abs(c.want[i]);
    c.got[i] = 0;
  }
  RC_ASSERT(!judge(c).pass);
}

RC_GTEST_PROP(Close, RejectsAnOutputPermutedAlongAnAxis, ()) {  // right values in wrong places
  Case c = draw_case();
  RC_PRE(c.want.size() >= 2);
  const size_t a = c.random.below(c.want.size()), b = c.random.below(c.want.size());
  RC_PRE(std::abs(c.want[a] - c.want[b]) > 2 * (c.bounds[a] + c.bounds[b]));
  std::swap(c.got[a], c.got[b]);
  RC_ASSERT(judge(c).wrong == 2);
}

}  // namespace
}  // namespace kigo::compare
