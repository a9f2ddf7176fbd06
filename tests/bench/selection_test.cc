// Every kernel is measured, in a quick run too.
#include "bench/ops_selection.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "tests/bench/op_names.h"

namespace kigo::bench {
namespace {

struct Selection : testing::TestWithParam<bool> {};

TEST_P(Selection, HasEveryOp) {
  std::set<std::string> seen;
  for (const Selected& one : selected(GetParam())) seen.insert(op_of(one.pair->name()));
  for (const std::string& op : ops_with_kernels()) EXPECT_TRUE(seen.contains(op)) << op << " is not measured";
}

TEST_P(Selection, HasEveryPair) {
  std::set<std::string> seen;
  for (const Selected& one : selected(GetParam())) seen.insert(one.pair->name());
  for (const pairs::PairPtr& pair : pairs::all_pairs())
    EXPECT_TRUE(seen.contains(pair->name())) << pair->name() << " is not measured";
}

TEST_P(Selection, HasNoNameTwice) {
  std::set<std::string> names;
  for (const Selected& one : selected(GetParam())) {
    EXPECT_TRUE(names.insert(one.name()).second) << one.name();
    EXPECT_EQ(one.name().find('\n'), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(, Selection, testing::Bool(),
                         [](const auto& quick) { return quick.param ? "Quick" : "Full"; });

TEST(QuickSelection, HasOneCaseOfEachPairAndNoneThatIsSlow) {
  const std::vector<Selected> quick = selected(true);
  EXPECT_EQ(quick.size(), pairs::all_pairs().size());
  for (const Selected& one : quick) {
    EXPECT_LE(one.one->cost().bytes, kMostQuickBytes) << one.name();
    EXPECT_LE(one.one->cost().flops, kMostQuickFlops) << one.name();
  }
}

TEST(QuickSelection, IsWorthwhileWhereItCanBe) {
  for (const Selected& one : selected(true)) {
    if (one.one->cost().bytes >= kWorthwhileBytes) continue;
    for (const pairs::CasePtr& other : one.pair->bench()) {
      const bool quick = other->cost().bytes <= kMostQuickBytes && other->cost().flops <= kMostQuickFlops;
      EXPECT_TRUE(!quick || other->cost().bytes <= one.one->cost().bytes) << one.name() << other->text();
    }
  }
}

/// Fresh inputs of the same shape: what is timed in the next block.
TEST(Reseeded, ChangesDataAndNothingElse) {
  for (const Selected& one : selected(true)) {
    const pairs::CasePtr other = one.one->reseeded(77);
    ASSERT_NE(other, nullptr) << one.name();
    EXPECT_EQ(other->cost().bytes, one.one->cost().bytes) << one.name();
    EXPECT_EQ(other->text().find("seed=1 "), std::string::npos) << one.name();
    EXPECT_NE(other->text().find("seed=77"), std::string::npos) << one.name();
  }
}

}  // namespace
}  // namespace kigo::bench
