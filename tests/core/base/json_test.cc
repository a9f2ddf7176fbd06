#include "core/base/json.h"

#include <gtest/gtest.h>

#include <chrono>
#include <limits>
#include <string>

#include "core/base/cat.h"

namespace kigo {
namespace {

Result<Json> parse(std::string_view text) { return Json::parse(text, "input"); }

TEST(Json, ReadsEveryKindOfValue) {
  const auto json =
      parse(R"({"a": null, "b": true, "c": -3, "d": 18446744073709551615, "e": 0.5, "f": ["x"]})");
  ASSERT_TRUE(json);
  EXPECT_TRUE(json->find("a")->is_null());
  EXPECT_EQ(*json->find("b")->boolean(), true);
  EXPECT_EQ(json->find("c")->integer(), -3);
  EXPECT_EQ(json->find("d")->integer(), std::nullopt);  // beyond int64
  EXPECT_EQ(json->find("e")->number(), 0.5);
  EXPECT_EQ(*json->find("f")->items()->at(0).string(), "x");
  EXPECT_EQ(json->find("g"), nullptr);
}

TEST(Json, KeepsTheOrderOfMembers) {
  EXPECT_EQ(parse(R"({"z":1,"a":[],"m":{}})")->dump(), R"({"z":1,"a":[],"m":{}})");
}

TEST(Json, IndentsForPeople) {
  EXPECT_EQ(Json::object({{"a", Json::array({1, 2})}}).dump(2), "{\n  \"a\": [\n    1,\n    2\n  ]\n}");
}

TEST(Json, WritesWhatJsonHasNoNumberForAsText) {
  EXPECT_EQ(Json(std::numeric_limits<double>::quiet_NaN()).dump(), "\"nan\"");
  EXPECT_EQ(Json(-std::numeric_limits<double>::infinity()).dump(), "\"-inf\"");
  EXPECT_EQ(Json(1.0).dump(), "1.0");
}

TEST(Json, ReplacesIllFormedUtf8) { EXPECT_EQ(Json("a\xFFz").dump(), "\"a\xEF\xBF\xBDz\""); }

TEST(Json, RefusesADuplicateKey) {
  const auto json = parse(R"({"a":1,"a":2})");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().message(), "input: key \"a\" twice, expected JSON (bad_value)");
}

TEST(Json, LooksForADuplicateKeyInTimeLinearInTheKeys) {
  std::string text = "{";
  for (int i = 0; i < 100'000; ++i) text += cat("\"key ", i, "\":1,");
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(parse(text + "\"last\":1}"));
  EXPECT_FALSE(parse(text + "\"key 7\":1}"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // pairwise: minutes
}

TEST(Json, KeepsAnErrorShortAndPrintable) {
  const auto unclosed = parse(cat('"', std::string(100'000, 'x')));
  ASSERT_FALSE(unclosed);
  EXPECT_LT(unclosed.error().message().size(), 300u);
  const auto number = parse(cat(1, std::string(100'000, '0')));
  ASSERT_FALSE(number);
  EXPECT_LT(number.error().message().size(), 300u);
  EXPECT_TRUE(number.error().found.starts_with("number overflow")) << number.error().found;
  const auto ill_formed = parse("\"a\xFF\"");
  ASSERT_FALSE(ill_formed);
  EXPECT_EQ(ill_formed.error().found.find('\xFF'), std::string::npos);
}

TEST(Json, RefusesDeepNestingWithoutRecursion) {
  EXPECT_TRUE(parse(std::string(64, '[') + std::string(64, ']')));
  EXPECT_FALSE(parse(std::string(65, '[') + std::string(65, ']')));
  EXPECT_FALSE(parse(std::string(1'000'000, '[')));
}

TEST(Json, NestsAsDeepAsItsReaderAllows) {
  EXPECT_TRUE(Json::parse("[[1]]", "test", 2));
  const auto deeper = Json::parse("[[{}]]", "test", 2);
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().found, "nested deeper than 2");
}

TEST(Json, ReadsWholeNumbersThatFit) {
  EXPECT_EQ(parse("18446744073709551615")->unsigned_integer(), 18446744073709551615u);
  EXPECT_EQ(parse("18446744073709551615")->integer(), std::nullopt);
  EXPECT_EQ(parse("7")->unsigned_integer(), 7u);
  for (const char* other : {"-1", "18446744073709551616", "7.0", "7e0", "\"7\"", "true"})
    EXPECT_EQ(parse(other)->unsigned_integer(), std::nullopt) << other;
  EXPECT_EQ(Json(7).unsigned_integer(), 7u);
  EXPECT_EQ(Json(-7).unsigned_integer(), std::nullopt);
}

TEST(Json, NamesTheByteOfASyntaxError) {
  const auto json = parse("{\"a\": 1,}");
  ASSERT_FALSE(json);
  EXPECT_EQ(json.error().code, Code::bad_value);
  EXPECT_EQ(json.error().offset, 8);
}

TEST(Json, RefusesTrailingTextAndEmptyText) {
  EXPECT_FALSE(parse("1 2"));
  EXPECT_FALSE(parse(""));
}

}  // namespace
}  // namespace kigo
