#include "core/text/byte_map.h"

#include <gtest/gtest.h>

#include <set>

namespace kigo::text {
namespace {

// The table of openai/gpt-2: printable ASCII and Latin-1 stand for themselves, the rest from U+0100 on.
TEST(ByteMap, FollowsGpt2) {
  EXPECT_EQ(kBytePoints['!'], U'!');
  EXPECT_EQ(kBytePoints['~'], U'~');
  EXPECT_EQ(kBytePoints[0xA1], U'\u00A1');
  EXPECT_EQ(kBytePoints[0xFF], U'\u00FF');
  EXPECT_EQ(kBytePoints[0x00], U'\u0100');
  EXPECT_EQ(kBytePoints['\n'], U'\u010A');
  EXPECT_EQ(kBytePoints[' '], U'\u0120');
  EXPECT_EQ(kBytePoints[0x7F], U'\u0121');
  EXPECT_EQ(kBytePoints[0x80], U'\u0122');
  EXPECT_EQ(kBytePoints[0xA0], U'\u0142');
  EXPECT_EQ(kBytePoints[0xAD], U'\u0143');
}

TEST(ByteMap, EveryByteRoundTripsAndNoneShareACharacter) {
  std::set<char32_t> points;
  for (unsigned byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(byte_of_point(kBytePoints[byte]), byte);
    points.insert(kBytePoints[byte]);
  }
  EXPECT_EQ(points.size(), 256u);
}

TEST(ByteMap, OtherCharactersStandForNoByte) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    const auto byte = byte_of_point(point);
    if (!byte) continue;
    ASSERT_EQ(kBytePoints[*byte], point);
  }
  for (const char32_t point :
       {U'\0', U'\n', U' ', U'\x7F', U'\u0080', U'\u00A0', U'\u00AD', U'\u0144', U'\u65E5'})
    EXPECT_FALSE(byte_of_point(point)) << uint32_t{point};
}

}  // namespace
}  // namespace kigo::text
