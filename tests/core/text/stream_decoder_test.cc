#include "core/text/stream_decoder.h"

#include <gtest/gtest.h>
#include <rapidcheck.h>
#include <rapidcheck/gtest.h>

#include "tests/core/text/text_gen.h"

namespace kigo::text {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

TEST(StreamDecoder, HoldsACharacterUntilItIsComplete) {
  StreamDecoder decoder;
  EXPECT_EQ(decoder.push("a\xF0\x9F"), "a");
  EXPECT_EQ(decoder.waiting(), 2u);
  EXPECT_EQ(decoder.push("\x8D"), "");
  EXPECT_EQ(decoder.push("\x83z"), "\U0001F343z");
  EXPECT_EQ(decoder.finish(), "");
  EXPECT_EQ(decoder.replacements(), 0u);
}

TEST(WellFormed, ReplacesACharacterThatIsCutAtTheEnd) {
  EXPECT_EQ(well_formed("caf\u00E9 \xE2\x82"), "caf\u00E9 \uFFFD");
  EXPECT_EQ(well_formed(""), "");
}

TEST(StreamDecoder, ReplacesEachMaximalIllFormedPartOnce) {
  StreamDecoder decoder;  // Unicode 15, table 3-11
  EXPECT_EQ(decoder.push("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
  EXPECT_EQ(decoder.replacements(), 4u);
  EXPECT_EQ(decoder.ill_formed_bytes(), 8u);
}

TEST(StreamDecoder, ReplacesAtOnceWhatCanNeverBecomeACharacter) {
  StreamDecoder decoder;
  EXPECT_EQ(decoder.push("\xFF"), kReplacement);
  EXPECT_EQ(decoder.push("\xE2\x82"), "");
  EXPECT_EQ(decoder.push("A"), "\uFFFDA");
}

TEST(StreamDecoder, ReplacesAnIncompleteEndOnceAndStartsAfresh) {
  StreamDecoder decoder;
  EXPECT_EQ(decoder.push("\xF0\x9F\x8D"), "");
  EXPECT_EQ(decoder.finish(), kReplacement);
  EXPECT_EQ(decoder.ill_formed_bytes(), 3u);
  EXPECT_EQ(decoder.push("\x83"), kReplacement);  // no memory of what was before
  EXPECT_EQ(decoder.finish(), "");
}

TEST(WellFormed, ReplacesAnIncompleteEndBehindTheText) {
  EXPECT_EQ(well_formed("haiku \xF0\x9F"), "haiku \uFFFD");
  EXPECT_EQ(well_formed(""), "");
}

/// Bytes near UTF-8: whole characters, cut ones, and any bytes.
rc::Gen<std::string> near_utf8() {
  const auto cut = rc::gen::map(rc::gen::pair(characters(0x80, 0x10FFFF), rc::gen::inRange<size_t>(1, 4)),
                                [](const auto& each) { return each.first.substr(0, each.second); });
  const auto byte = rc::gen::map(rc::gen::arbitrary<char>(), [](char c) { return std::string(1, c); });
  const auto piece = rc::gen::oneOf(characters(0x20, 0x7E), characters(0xE000, 0x10FFFF), cut, byte);
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        std::string bytes;
                        for (const std::string& each : pieces) bytes += each;
                        return bytes;
                      });
}

RC_GTEST_PROP(StreamDecoder, GivesTheSameTextForEveryChunking, ()) {
  const std::string bytes = *near_utf8();
  StreamDecoder whole;
  std::string expected = whole.push(bytes);
  expected += whole.finish();

  StreamDecoder chunked;
  std::string joined;
  for (size_t at = 0; at < bytes.size();) {
    const size_t length = *rc::gen::inRange<size_t>(1, 5);
    const std::string part = chunked.push(std::string_view(bytes).substr(at, length));
    RC_ASSERT(!first_ill_formed(part));  // no output splits a character
    RC_ASSERT(chunked.waiting() <= 3u);
    joined += part;
    at += length;
  }
  joined += chunked.finish();
  RC_ASSERT(joined == expected);
  RC_ASSERT(chunked.ill_formed_bytes() == whole.ill_formed_bytes());
  RC_ASSERT(chunked.replacements() == whole.replacements());
}

RC_GTEST_PROP(StreamDecoder, GivesWellFormedTextBackUnchanged, ()) {
  const std::string text = *arbitrary_text();
  StreamDecoder decoder;
  std::string joined;
  for (const char byte : text) joined += decoder.push(std::string_view(&byte, 1));
  RC_ASSERT(decoder.waiting() == 0u);
  RC_ASSERT(joined + decoder.finish() == text);
  RC_ASSERT(decoder.replacements() == 0u);
}

}  // namespace
}  // namespace kigo::text
