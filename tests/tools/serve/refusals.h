// What is wrong with requests, in a form that tests can list.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/serve/request.h"

namespace kigo::tools {

inline constexpr RequestLimits kLimits{.prompt_bytes = 131072, .tokens_out = 2048, .vocab = 1000};

/// "field constraint" of each error.
inline std::vector<std::string> refusals(const ParsedRequest& parsed) {
  EXPECT_NE(parsed.request.has_value(), !parsed.errors.empty());
  std::vector<std::string> out;
  for (const FieldError& each : parsed.errors) out.push_back(cat(each.field, " ", each.constraint));
  return out;
}
using Refusals = std::vector<std::string>;

/// A member, and what is wrong with it; nothing for a good one.
struct Row {
  std::string name;
  std::string member;
  std::string refusal;
};
inline void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

inline std::string times(std::string_view unit, size_t count) {
  std::string out;
  for (size_t i = 0; i < count; ++i) out += unit;
  return out;
}

}  // namespace kigo::tools
