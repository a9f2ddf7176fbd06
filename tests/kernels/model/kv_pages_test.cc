// The accounting of pages: no page has two holders, and none is lost. Numbers only, so no GPU is needed.
#include "kernels/kv_pages.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include <set>

namespace kigo::kernels {
namespace {

using Pages = std::vector<int32_t>;

TEST(KvPages, ACountOfPositionsIsRoundedUp) {
  EXPECT_EQ(pages_for(0), 0);
  EXPECT_EQ(pages_for(1), 1);
  EXPECT_EQ(pages_for(16), 1);
  EXPECT_EQ(pages_for(17), 2);
}

TEST(KvPages, GrowingKeepsWhatIsHeld) {
  PageBook book(4);
  Pages held;
  ASSERT_TRUE(book.grow(held, 20));
  EXPECT_EQ(held.size(), 2u);
  const Pages before = held;
  ASSERT_TRUE(book.grow(held, 32));  // fits already
  EXPECT_EQ(held, before);
  ASSERT_TRUE(book.grow(held, 33));
  EXPECT_EQ(held.size(), 3u);
  EXPECT_TRUE(std::equal(before.begin(), before.end(), held.begin()));
  EXPECT_EQ(book.free_pages(), 1);
}

TEST(KvPages, NamesWhatIsRequiredAndAvailableAndChangesNothing) {
  PageBook book(4);
  Pages one, other;
  ASSERT_TRUE(book.grow(one, 48));
  const Status status = book.grow(other, 17);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(),
            "kv pages: 1 of 4 pages available, expected 2 more required for 17 positions (out_of_memory)");
  EXPECT_TRUE(other.empty());
  EXPECT_EQ(book.free_pages(), 1);
}

TEST(KvPages, WhatIsGivenBackCanBeTakenAgain) {
  PageBook book(3);
  Pages one, other;
  ASSERT_TRUE(book.grow(one, 48));
  book.shrink(one, 1);
  EXPECT_EQ(one.size(), 1u);
  ASSERT_TRUE(book.grow(other, 32));
  EXPECT_EQ(book.free_pages(), 0);
  book.shrink(one, 0);
  book.shrink(other, 0);
  EXPECT_EQ(book.free_pages(), 3);
}

/// Every page is free or held once, and within the pool.
void expect_every_page_once(const PageBook& book, const std::vector<Pages>& holders) {
  std::set<int32_t> seen;
  int64_t held = 0;
  for (const Pages& pages : holders) {
    for (const int32_t page : pages) {
      RC_ASSERT(0 <= page && page < book.pages());
      RC_ASSERT(seen.insert(page).second);
      ++held;
    }
  }
  RC_ASSERT(held + book.free_pages() == book.pages());
}

RC_GTEST_PROP(KvPages, NoPageHasTwoHoldersAndNoneIsLost, ()) {
  PageBook book(*rc::gen::inRange<int64_t>(0, 40));
  std::vector<Pages> holders(4);
  const int steps = *rc::gen::inRange(0, 60);
  for (int step = 0; step < steps; ++step) {
    Pages& pages = holders[*rc::gen::inRange<size_t>(0, holders.size())];
    const Pages before = pages;
    const int64_t free_before = book.free_pages();
    if (*rc::gen::arbitrary<bool>()) {
      const auto positions = *rc::gen::inRange<int64_t>(0, 400);
      const bool fits = pages_for(positions) - static_cast<int64_t>(before.size()) <= free_before;
      const Status grown = book.grow(pages, positions);
      RC_ASSERT(grown.has_value() == fits);
      RC_ASSERT(!fits || static_cast<int64_t>(pages.size()) >= pages_for(positions));
      if (!fits) RC_ASSERT(pages == before && book.free_pages() == free_before);
      RC_ASSERT(std::equal(before.begin(), before.end(), pages.begin()));
    } else {
      const auto keep = *rc::gen::inRange<int64_t>(0, 30);
      book.shrink(pages, keep);
      RC_ASSERT(static_cast<int64_t>(pages.size()) ==
                std::min<int64_t>(keep, static_cast<int64_t>(before.size())));
      RC_ASSERT(std::equal(pages.begin(), pages.end(), before.begin()));
    }
    expect_every_page_once(book, holders);
  }
}

}  // namespace
}  // namespace kigo::kernels
