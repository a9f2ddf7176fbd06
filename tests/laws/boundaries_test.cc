// The cases of every pair stand on both sides of every border at which its kernel changes.
#include "kernels/boundaries.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tests/laws/pairs.h"

namespace kigo::laws {
namespace {

using namespace pairs;
using kernels::Boundary;

struct Boundaries : testing::TestWithParam<Boundary> {};

using Sizes = std::map<std::string, int64_t, std::less<>>;

/// The whole numbers of "tokens=8 rows=3 scale=1e4".
Sizes sizes_of(std::string_view text) {
  Sizes sizes;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    const size_t equal = std::min(word.find('='), word.size());
    const std::string_view value = word.substr(std::min(equal + 1, word.size()));
    int64_t number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error == std::errc() && end == value.data() + value.size())
      sizes[std::string(word.substr(0, equal))] = number;
  }
  return sizes;
}

std::optional<int64_t> find(const Sizes& sizes, std::string_view name) {
  const auto at = sizes.find(name);
  return at == sizes.end() ? std::nullopt : std::optional(at->second);
}

/// Nothing where the case does not come to the border.
std::optional<int64_t> quantity_of(std::string_view quantity, const Sizes& sizes) {
  if (quantity == "columns") return find(sizes, find(sizes, "cols") ? "cols" : "width");
  if (quantity != "wide blocks") return find(sizes, quantity);
  const auto tokens = find(sizes, "tokens"), rows = find(sizes, "rows");
  if (!tokens || !rows || *tokens <= kernels::kLinearRowsTokens) return std::nullopt;
  const auto tiles = [](int64_t n, int64_t of) { return (n + of - 1) / of; };
  return tiles(*rows, kernels::kLinearTileRows) * tiles(*tokens, kernels::kLinearWideTokens);
}

/// Pairs of "linear_" are not those of "linear_add_".
bool concerns(const Boundary& boundary, const std::string& pair) {
  const auto fits = [&](const Boundary& other) { return pair.starts_with(other.op); };
  return fits(boundary) && std::ranges::none_of(kernels::kBoundaries, [&](const Boundary& other) {
           return fits(other) && other.op.size() > boundary.op.size();
         });
}

/// What lies between the columns of two cases that stand next to the border: rows are whole blocks.
int64_t stride(const Boundary& boundary) { return boundary.quantity == "columns" ? 256 : 1; }

TEST_P(Boundaries, HaveCasesOnBothSidesInEveryPair) {
  const Boundary& boundary = GetParam();
  int pairs_seen = 0;
  for (const PairPtr& pair : all_pairs()) {
    if (!concerns(boundary, pair->name())) continue;
    ++pairs_seen;
    bool below = false, above = false;
    for (const CasePtr& one : pair->edges()) {
      const auto value = quantity_of(boundary.quantity, sizes_of(one->text()));
      below |= value && *value == boundary.last;
      above |= value && *value > boundary.last && *value <= boundary.last + stride(boundary);
    }
    EXPECT_TRUE(below) << pair->name() << ": no edge at " << boundary.last << " " << boundary.quantity << " ("
                       << boundary.below << ")";
    EXPECT_TRUE(above) << pair->name() << ": no edge just above " << boundary.last << " " << boundary.quantity
                       << " (" << boundary.above << ")";
  }
  EXPECT_GT(pairs_seen, 0) << boundary.op;
}

std::string boundary_name(const testing::TestParamInfo<Boundary>& info) {
  std::string name = std::string(info.param.op) + std::string(info.param.quantity);
  std::ranges::replace(name, ' ', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(, Boundaries, testing::ValuesIn(kernels::kBoundaries), boundary_name);

}  // namespace
}  // namespace kigo::laws
