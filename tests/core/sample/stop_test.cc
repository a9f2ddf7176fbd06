// Stop strings: what is held, what is sent, and which match wins, however the text is cut.
#include "core/sample/stop.h"

#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>

namespace kigo::sample {
namespace {

TEST(StopMatcher, SendsTextThatCannotBeginAStopStringAtOnce) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("hello "), "hello ");
  EXPECT_EQ(matcher.held_bytes(), 0u);
}

TEST(StopMatcher, HoldsOnlyTheSuffixThatCouldBeginOne) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(matcher.push("the E"), "the ");
  EXPECT_EQ(matcher.push("N"), "");
  EXPECT_EQ(matcher.held_bytes(), 2u);
  EXPECT_EQ(matcher.push("E"), "EN");  // now only the last E can begin one
  EXPECT_EQ(matcher.held_bytes(), 1u);
  EXPECT_FALSE(matcher.matched());
}

TEST(StopMatcher, CutsBeforeTheMatchAndStaysSilent) {
  StopMatcher matcher({"\n\n"});
  EXPECT_EQ(matcher.push("one\n"), "one");
  EXPECT_EQ(matcher.push("\ntwo"), "");
  EXPECT_EQ(matcher.matched(), 0u);
  EXPECT_EQ(matcher.push("three"), "");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, ReturnsHeldTextAtTheEnd) {
  StopMatcher matcher({"stop"});
  EXPECT_EQ(matcher.push("non sto"), "non ");
  EXPECT_EQ(matcher.finish(), "sto");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, PrefersTheMatchThatCompletesFirst) {  // although "abcd" begins earlier
  StopMatcher matcher({"abcd", "bc"});
  EXPECT_EQ(matcher.push("xabcd"), "xa");
  EXPECT_EQ(matcher.matched(), 1u);
}

TEST(StopMatcher, PrefersTheLongestOfThoseThatCompleteTogether) {
  StopMatcher matcher({"c", "abc", "bc"});
  EXPECT_EQ(matcher.push("xabc"), "x");
  EXPECT_EQ(matcher.matched(), 1u);
}

TEST(StopMatcher, NamesTheFirstOfEqualStrings) {
  StopMatcher matcher({"b", "a", "a"});
  EXPECT_EQ(matcher.push("xa"), "x");
  EXPECT_EQ(matcher.matched(), 1u);
}

TEST(StopMatcher, FindsAStringThatOverlapsItsOwnBeginning) {
  StopMatcher matcher({"aab"});
  EXPECT_EQ(matcher.push("aaa"), "a");
  EXPECT_EQ(matcher.push("ab"), "a");
  EXPECT_EQ(matcher.matched(), 0u);
}

TEST(StopMatcher, WithoutStopStringsHoldsNothing) {
  StopMatcher matcher({});
  EXPECT_EQ(matcher.push("anything"), "anything");
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopStrings, AreRefusedBeyondTheirLimits) {
  using Stops = std::vector<std::string>;
  EXPECT_TRUE(check_stops(Stops{"a", std::string(100, 'b'), "c", "d"}));
  EXPECT_EQ(check_stops(Stops{"a", "b", "c", "d", "e"}).error().message(),
            "stop: 5 strings, expected at most 4 (invalid_request)");
  EXPECT_EQ(check_stops(Stops{""}).error().message(),
            "stop: a string of 0 bytes, expected 1..100 bytes (invalid_request)");
  EXPECT_FALSE(check_stops(Stops{std::string(101, 'b')}));
}

/// The text before the winning match, by looking at every end and every stop string; or all of it.
std::string textbook(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest > 0) return text.substr(0, end - longest);
  }
  return text;
}

rc::Gen<std::string> words(int letters) {  // few letters, so that matches and near matches are common
  return rc::gen::container<std::string>(rc::gen::inRange('a', static_cast<char>('a' + letters)));
}

RC_GTEST_PROP(StopMatcher, CutsWhereTheTextbookCutsHoweverTheTextArrives, ()) {
  const auto stops = *rc::gen::container<std::vector<std::string>>(*rc::gen::inRange<size_t>(0, 5),
                                                                   rc::gen::nonEmpty(words(3)));
  const auto pieces = *rc::gen::container<std::vector<std::string>>(words(3));
  StopMatcher matcher(stops);
  std::string all, sent;
  for (const std::string& piece : pieces) {
    all += piece;
    sent += matcher.push(piece);
    const std::string want = textbook(all, stops);
    RC_ASSERT(want.starts_with(sent));
    if (matcher.matched()) {
      RC_ASSERT(sent == want);
    } else {  // what is held begins a stop string, and nothing longer does
      RC_ASSERT(want == all);
      size_t longest = 0;
      for (size_t n = 1; n <= all.size(); ++n) {
        for (const std::string& stop : stops) {
          if (n < stop.size() && all.ends_with(stop.substr(0, n))) longest = std::max(longest, n);
        }
      }
      RC_ASSERT(sent.size() + longest == all.size());
    }
  }
  sent += matcher.finish();
  RC_ASSERT(sent == textbook(all, stops));
  RC_ASSERT(matcher.matched().has_value() == (sent != all));
}

}  // namespace
}  // namespace kigo::sample
