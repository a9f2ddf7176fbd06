#include "core/text/bpe.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <chrono>

namespace kigo::text {
namespace {

using Ids = std::vector<uint32_t>;

/// (left, right, token), the rank is the place in the list.
MergeTable table_of(const std::vector<std::array<uint32_t, 3>>& merges) {
  MergeTable table(merges.size());
  for (uint32_t rank = 0; rank < merges.size(); ++rank)
    table.add(merges[rank][0], merges[rank][1], {rank, merges[rank][2]});
  return table;
}

Ids merged(const MergeTable& table, Ids symbols, size_t first = 0) {
  BpeMerger(table).merge(symbols, first);
  return symbols;
}

TEST(MergeTable, FindsWhatWasAddedAndNothingElse) {
  const MergeTable table = table_of({{1, 2, 10}, {2, 1, 11}, {0, 0, 12}});
  EXPECT_EQ(table.find(1, 2).token, 10u);
  EXPECT_EQ(table.find(2, 1).rank, 1u);
  EXPECT_EQ(table.find(0, 0).token, 12u);
  EXPECT_EQ(table.find(1, 1).rank, Merge::kNever);
  EXPECT_EQ(MergeTable().find(1, 2).rank, Merge::kNever);
}

TEST(MergeTable, KeepsTheFirstRankOfAPair) {
  EXPECT_EQ(table_of({{1, 2, 10}, {1, 2, 11}}).find(1, 2).token, 10u);
}

// By hand: 1 2 3 with (2 3) before (1 2): the lower rank wins although the other pair stands to the left.
TEST(Bpe, MergesTheLowestRankFirst) {
  const MergeTable table = table_of({{2, 3, 23}, {1, 2, 12}});
  EXPECT_EQ(merged(table, {1, 2, 3}), (Ids{1, 23}));
  EXPECT_EQ(merged(table, {1, 2, 2, 3}), (Ids{12, 23}));
}

TEST(Bpe, TakesTheLeftmostOfEqualRanks) {
  EXPECT_EQ(merged(table_of({{1, 1, 11}}), {1, 1, 1}), (Ids{11, 1}));
}

TEST(Bpe, MergesMergedTokensFurther) {
  const MergeTable table = table_of({{1, 1, 2}, {2, 2, 4}, {4, 1, 5}});
  EXPECT_EQ(merged(table, Ids(5, 1)), (Ids{5}));
  EXPECT_EQ(merged(table, Ids(7, 1)), (Ids{4, 2, 1}));
}

TEST(Bpe, LeavesWhatStandsBeforeAlone) {
  const MergeTable table = table_of({{1, 1, 11}});
  EXPECT_EQ(merged(table, {1, 1, 1, 1}, 1), (Ids{1, 11, 1}));
  EXPECT_EQ(merged(table, {1, 1}, 2), (Ids{1, 1}));
  EXPECT_EQ(merged(table, {}), Ids{});
}

/// The definition, word for word: look for the pair of the lowest rank, leftmost, and merge it; again.
Ids merged_by_definition(const MergeTable& table, Ids symbols) {
  while (true) {
    Merge best;
    size_t at = 0;
    for (size_t i = 0; i + 1 < symbols.size(); ++i) {
      const Merge merge = table.find(symbols[i], symbols[i + 1]);
      if (merge.rank < best.rank) {
        best = merge;
        at = i;
      }
    }
    if (best.rank == Merge::kNever) return symbols;
    symbols[at] = best.token;
    symbols.erase(symbols.begin() + static_cast<std::ptrdiff_t>(at) + 1);
  }
}

RC_GTEST_PROP(Bpe, EqualsTheDefinitionForAnyTable, ()) {
  const auto ids =
      rc::gen::inRange<uint32_t>(0, 6);  // few ids, so that merges meet; results feed merges again
  const auto merges = *rc::gen::container<std::vector<std::array<uint32_t, 3>>>(
      rc::gen::map(rc::gen::tuple(ids, ids, ids), [](const auto& each) {
        return std::array{std::get<0>(each), std::get<1>(each), std::get<2>(each)};
      }));
  const auto symbols = *rc::gen::container<Ids>(ids);
  const MergeTable table = table_of(merges);
  RC_ASSERT(merged(table, symbols) == merged_by_definition(table, symbols));
}

TEST(Bpe, TakesAWordOfAMillionSymbolsInTime) {
  const MergeTable table = table_of({{1, 1, 2}, {2, 2, 4}});
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(merged(table, Ids(1'000'000, 1)), Ids(250'000, 4));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));  // quadratic: half an hour
}

}  // namespace
}  // namespace kigo::text
