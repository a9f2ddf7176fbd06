// The name index against std::map.
#include "core/gguf/name_index.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <map>
#include <string>

namespace kigo::gguf::test {
namespace {

// Few letters and short names, so that many are equal, and many differ only in length or in zero bytes.
RC_GTEST_PROP(NameIndex, FindsTheFirstOfEqualNamesLikeAMap, ()) {
  const auto letter = rc::gen::element('\0', 'a', 'b');
  const auto names = *rc::gen::container<std::vector<std::string>>(rc::gen::container<std::string>(letter));
  NameIndex index;
  index.reserve(names.size());
  std::map<std::string, uint32_t> first;
  std::vector<std::string_view> added;
  const auto name_at = [&added](uint32_t i) { return added[i]; };
  for (const std::string& name : names) {
    const auto position = static_cast<uint32_t>(added.size());
    const auto [at, is_new] = first.try_emplace(name, position);
    RC_ASSERT(index.find(name, name_at).has_value() == !is_new);
    const auto earlier = index.add(name, position, name_at);
    RC_ASSERT(earlier == (is_new ? std::nullopt : std::optional(at->second)));
    if (is_new) added.push_back(name);
  }
  RC_ASSERT(index.size() == first.size());
  for (const auto& [name, position] : first) RC_ASSERT(index.find(name, name_at) == position);
}

TEST(NameIndex, FindsNothingWithoutRoom) {
  const NameIndex index;
  EXPECT_EQ(index.find("a", [](uint32_t) { return std::string_view(); }), std::nullopt);
}

TEST(NameIndex, HoldsAsManyNamesAsThereIsRoomFor) {
  for (const uint32_t count : {1u, 2u, 3u, 4u, 5u, 64u, 1000u}) {
    std::vector<std::string> names;
    for (uint32_t i = 0; i < count; ++i) names.push_back(std::to_string(i));
    const auto name_at = [&names](uint32_t i) { return std::string_view(names[i]); };
    NameIndex index;
    index.reserve(count);
    for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(index.add(names[i], i, name_at), std::nullopt);
    for (uint32_t i = 0; i < count; ++i) EXPECT_EQ(index.find(names[i], name_at), i);
    EXPECT_EQ(index.find("none", name_at), std::nullopt);
  }
}

}  // namespace
}  // namespace kigo::gguf::test
