// Cases are what they say: small enough to draw by the dozen, in the shapes they declare, accepted by the
// twin.
#include <cmath>
#include <numeric>
#include <set>

#include "tests/laws/pairs.h"
#include "tests/pairs/data.h"
#include "tests/support/choices.h"

namespace kigo::laws {
namespace {

using namespace pairs;

struct Cases : OverPairs {};

constexpr int64_t kArbitraryBytes = int64_t{64}
                                    << 20;  // dozens are drawn, and most of the time goes into the twin
constexpr int64_t kEdgeBytes = int64_t{1} << 30;
constexpr int kArbitrary = 20;

int64_t bytes_of(std::span<const Tensor> tensors) {
  return std::accumulate(tensors.begin(), tensors.end(), int64_t{0}, [](int64_t sum, const Tensor& tensor) {
    return sum + tensor.elements() * element_bytes(tensor.type);
  });
}

void expect_tensors(std::span<const Tensor> tensors) {
  std::set<std::string> names;
  for (const Tensor& tensor : tensors) {
    EXPECT_TRUE(names.insert(tensor.name).second) << tensor.name << " twice";
    const bool given = tensor.part != Part::out && tensor.part != Part::scratch;
    const int64_t bytes = tensor.elements() * element_bytes(tensor.type);
    EXPECT_EQ(static_cast<int64_t>(tensor.data.size()), given ? bytes : 0) << tensor.name;
  }
}

/// The twin takes the case, and truth and bounds have the outputs' sizes; truths are finite where they must
/// be.
void expect_solvable(const AnyPair& pair, const AnyCase& one, std::span<const Tensor> tensors) {
  const auto truth = one.reference(tensors);
  ASSERT_TRUE(truth) << truth.error().message();
  const std::vector<const Tensor*> outputs = outputs_of(tensors);
  const Outputs bounds = one.bound(tensors, *truth);
  ASSERT_EQ(truth->size(), outputs.size());
  ASSERT_EQ(bounds.size(), outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    EXPECT_EQ(static_cast<int64_t>((*truth)[i].size()), outputs[i]->elements()) << outputs[i]->name;
    EXPECT_TRUE(bounds[i].empty() || bounds[i].size() == (*truth)[i].size()) << outputs[i]->name;
    if (pair.non_finite() == compare::NonFinite::as_wanted) continue;
    const auto odd = std::ranges::find_if_not((*truth)[i], [](double v) { return std::isfinite(v); });
    EXPECT_EQ(odd, (*truth)[i].end()) << outputs[i]->name << " element " << odd - (*truth)[i].begin();
  }
}

void expect_within_bounds(const AnyPair& pair, const AnyCase& one, int64_t limit) {
  SCOPED_TRACE(one.text());
  const std::vector<Tensor> tensors = one.arguments();
  EXPECT_FALSE(outputs_of(tensors).empty());
  EXPECT_LE(bytes_of(tensors), limit);
  expect_tensors(tensors);
  expect_solvable(pair, one, tensors);
  const Cost cost = one.cost();
  EXPECT_GE(cost.bytes, 0);
  EXPECT_GE(cost.flops, 0);
}

TEST_P(Cases, StayWithinBounds) {
  ASSERT_FALSE(pair().edges().empty());
  for (const CasePtr& one : pair().edges()) expect_within_bounds(pair(), *one, kEdgeBytes);
  for (uint64_t seed = 1; seed <= kArbitrary; ++seed) {
    test::Choices choices(seed);
    SCOPED_TRACE(testing::Message() << "arbitrary case of seed " << seed);
    expect_within_bounds(pair(), *pair().arbitrary(std::ref(choices)), kArbitraryBytes);
  }
}

TEST_P(Cases, AreTheSameForTheSameText) {
  for (const CasePtr& one : pair().edges()) {
    const std::vector<Tensor> first = one->arguments(), second = one->arguments();
    ASSERT_EQ(first.size(), second.size());
    for (size_t i = 0; i < first.size(); ++i) EXPECT_EQ(first[i].data, second[i].data) << one->text();
  }
}

TEST_P(Cases, TimeSomething) {
  ASSERT_FALSE(pair().bench().empty());
  for (const CasePtr& one : pair().bench()) EXPECT_GT(one->cost().bytes, 0) << one->text();
}

TEST_P(Cases, NameTensorsThatTheyRepeatBeyondTwoGigabytes) {
  for (const AnyHuge& huge : pair().huge()) {
    expect_within_bounds(pair(), *huge.tile, kArbitraryBytes);
    const std::vector<Tensor> tensors = huge.tile->arguments();
    const auto repeated = [&](const Tensor* tensor) {
      return std::ranges::find(huge.repeated, tensor->name) != huge.repeated.end();
    };
    const std::vector<const Tensor*> placed = placed_tensors(tensors);
    EXPECT_EQ(static_cast<size_t>(std::ranges::count_if(placed, repeated)), huge.repeated.size());
    int64_t largest = 0;
    for (const Tensor* tensor : placed) {
      const int64_t bytes = tensor->elements() * element_bytes(tensor->type);
      largest = std::max(largest, repeated(tensor) ? bytes * huge.repeats : bytes);
    }
    EXPECT_GT(largest, int64_t{1} << 31) << huge.whole->text();
  }
}

TEST_P(Cases, IncludeAnEmptyOneUnlessThatCannotBe) {
  const std::vector<CasePtr> edges = pair().edges();
  const bool any = std::ranges::any_of(edges, [](const CasePtr& one) { return writes_nothing(*one); });
  EXPECT_NE(any, !pair().never_empty().empty())
      << "either an edge with nothing to write, or never_empty with the reason";
}

KIGO_FOR_ALL_PAIRS(Cases);

TEST(Pairs, HaveNamesOfTheirOwn) {
  std::set<std::string> names;
  for (const PairPtr& pair : all_pairs()) EXPECT_TRUE(names.insert(pair->name()).second) << pair->name();
}

}  // namespace
}  // namespace kigo::laws
