// What the tests of causes share: a run, and that its first bad checkpoint and cause are those.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tools/lib/compare/compare.h"

namespace kigo::test {

inline const tools::Cause* find(const tools::Checkpoint& point, const std::string& id) {
  for (const tools::Cause& cause : point.causes)
    if (cause.id == id) return &cause;
  return nullptr;
}
inline std::string causes_of(const tools::CompareReport& report) {
  std::string text;
  if (const tools::Checkpoint* bad = report.first_bad())
    for (const tools::Cause& cause : bad->causes)
      text += cause.id + (cause.reproduces ? " (reproduces), " : ", ");
  return text;
}

/// Six tokens, then two steps: ids 3, 6, 9 ...
inline std::vector<tools::Call> some_calls(int64_t vocab) {
  std::vector<uint32_t> tokens;
  for (uint32_t i = 1; i <= 8; ++i) tokens.push_back(3 * i);
  return *tools::plan_calls(tokens, 2, 0, vocab);
}

inline void expect_named(const tools::CompareReport& report, const std::string& place,
                         const std::string& cause) {
  const tools::Checkpoint* bad = report.first_bad();
  ASSERT_NE(bad, nullptr) << report.text();
  EXPECT_TRUE(bad->place().starts_with(place)) << bad->place();
  const tools::Cause* found = find(*bad, cause);
  ASSERT_NE(found, nullptr) << causes_of(report) << report.text();
  EXPECT_TRUE(found->reproduces) << causes_of(report);
  EXPECT_EQ(bad->causes.front().id, cause) << causes_of(report);
}

}  // namespace kigo::test
