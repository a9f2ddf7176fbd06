// What paged_attention promises beyond its pair: a query's bits depend on its position and the cache, not on
// the company that it is asked with, nor on the room in the table.
#include "kernels/paged_attention.h"

#include <gtest/gtest.h>

#include <array>
#include <numeric>
#include <vector>

#include "core/base/random.h"
#include "kernels/runtime/copy.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

TEST(PagedAttention, NeedsAWorkspaceForDecodeOnly) {
  // 33 positions are two chunks; a part is 64 sums and two numbers more.
  EXPECT_EQ(paged_attention_workspace(2, 14, 64, 33), 2 * 14 * 2 * 66);
  EXPECT_EQ(paged_attention_workspace(1, 28, 128, 1 << 20), 28 * kDecodeSplits * 130);
  EXPECT_EQ(paged_attention_workspace(kDecodeTokens + 1, 14, 64, 33), 0);
  EXPECT_EQ(paged_attention_tickets(2, 14), 28);
  EXPECT_EQ(paged_attention_tickets(kDecodeTokens + 1, 14), 0);
}

/// A cache of 3 * 1024 positions, 2 KV heads of 64 dimensions, and a query for each, of 6 heads.
class GpuPagedAttentionBits : public testing::Test {
 protected:
  static constexpr int64_t kPages = 192, kPositions = kPages * 16, kHeads = 6, kKvHeads = 2, kDim = 64;
  static constexpr int64_t kRow = kHeads * kDim;

  void SetUp() override {
    KIGO_NEEDS_GPU();
    Random random(1);
    for (std::vector<float>* values : {&q_, &k_, &v_}) {
      for (float& value : *values) value = static_cast<float>(random.normal());
    }
    std::iota(table_.rbegin(), table_.rend(), 0);
  }

  /// y of the queries at positions [first, first + count), as one call gives it; the table has `pages` pages.
  std::vector<float> run(int64_t first, int64_t count, int64_t pages = kPages) {
    Context context = test::make_context();
    std::vector<int64_t> positions(static_cast<size_t>(count));
    std::iota(positions.begin(), positions.end(), first);
    const auto place = [&]<class T>(const std::vector<T>& values) {
      auto array = context.vram().array<T>(Purpose::workspace, static_cast<int64_t>(values.size()), "test");
      KIGO_CHECK(array.has_value());
      EXPECT_TRUE(upload_and_wait<T>(array->view(), values, context.stream()));
      return std::move(*array);
    };
    const auto q = place(q_), k = place(k_), v = place(v_);
    const auto at = place(positions);
    const auto table = place(table_);
    const auto y = place(std::vector<float>(static_cast<size_t>(count * kRow)));
    const auto workspace = place(std::vector<float>(
        static_cast<size_t>(1 + paged_attention_workspace(count, kHeads, kDim, pages * 16)), 1e30f));
    const auto tickets =
        place(std::vector<uint32_t>(static_cast<size_t>(1 + paged_attention_tickets(count, kHeads))));
    const std::array<int64_t, 4> pool = {kPages, kKvHeads, 16, kDim};
    EXPECT_TRUE(
        paged_attention<float>({.q = {q.data() + first * kRow, {count, kHeads, kDim}},
                                .positions = {at.data(), {count}},
                                .cache = {{k.data(), pool}, {v.data(), pool}, {table.data(), {pages}}},
                                .y = {y.data(), {count, kHeads, kDim}},
                                .workspace = workspace.view(),
                                .tickets = tickets.view()},
                               context.stream()));
    const auto result = download_and_wait<float>(y.view(), context.stream());
    EXPECT_TRUE(result);
    return result ? *result : std::vector<float>();
  }

  /// Gives a position other keys and values.
  void change(int64_t position) {
    const int64_t page = table_[static_cast<size_t>(position / 16)];
    for (int64_t head = 0; head < kKvHeads; ++head) {
      const int64_t row = (page * kKvHeads + head) * 16 + position % 16;
      for (int64_t i = row * kDim; i < (row + 1) * kDim; ++i) {
        k_[static_cast<size_t>(i)] += 1;
        v_[static_cast<size_t>(i)] -= 1;
      }
    }
  }

  static std::vector<float> part(const std::vector<float>& y, int64_t first, int64_t count) {
    return {y.begin() + first * kRow, y.begin() + (first + count) * kRow};
  }

 private:
  std::vector<float> q_ = std::vector<float>(static_cast<size_t>(kPositions * kRow));
  std::vector<float> k_ = std::vector<float>(static_cast<size_t>(kPositions * kKvHeads * kDim));
  std::vector<float> v_ = k_;
  std::vector<int32_t> table_ = std::vector<int32_t>(static_cast<size_t>(kPages));
};

TEST_F(GpuPagedAttentionBits, AreTheSameForAnyChunksOfAPromptBeyondTheBoundary) {
  const std::vector<float> all = run(0, 300);
  ASSERT_FALSE(all.empty());
  EXPECT_EQ(run(0, 9), part(all, 0, 9));
  EXPECT_EQ(run(9, 64), part(all, 9, 64));
  EXPECT_EQ(run(73, 100), part(all, 73, 100));
  EXPECT_EQ(run(173, 127), part(all, 173, 127));
}

TEST_F(GpuPagedAttentionBits, AreTheSameForAnyFewTokens) {
  for (const int64_t first : {12, 60, 2044}) {  // within a split, across chunks, to where splits take turns
    const std::vector<float> eight = run(first, kDecodeTokens);
    ASSERT_FALSE(eight.empty());
    for (int64_t t = 0; t < kDecodeTokens; ++t) EXPECT_EQ(run(first + t, 1), part(eight, t, 1)) << first + t;
    EXPECT_EQ(run(first + 2, 3), part(eight, 2, 3)) << first;
  }
}

TEST_F(GpuPagedAttentionBits, DependOnTheirOwnPositionAndNoLaterOne) {
  for (const int64_t count : {int64_t{1}, int64_t{100}}) {  // the kernels of a step and of a prompt
    const int64_t last = 499, first = last + 1 - count;
    const std::vector<float> before = run(first, count);
    change(last + 1);
    EXPECT_EQ(run(first, count), before) << "a later position shows, of " << count;
    change(last);
    const std::vector<float> after = run(first, count);
    EXPECT_EQ(part(after, 0, count - 1), part(before, 0, count - 1)) << count;
    EXPECT_NE(part(after, count - 1, 1), part(before, count - 1, 1)) << "its own does not, of " << count;
  }
}

TEST_F(GpuPagedAttentionBits, DoNotDependOnTheRoomInTheTable) {
  for (const int64_t position : {0, 15, 16, 33, 500}) {
    EXPECT_EQ(run(position, 1, position / 16 + 1), run(position, 1)) << position;
  }
}

}  // namespace
}  // namespace kigo::kernels
