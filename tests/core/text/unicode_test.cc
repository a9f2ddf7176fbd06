#include "core/text/unicode.h"

#include <gtest/gtest.h>

#include <chrono>
#include <sstream>

#include "core/base/file_map.h"

namespace kigo::text {
namespace {

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

TEST(Utf8, EveryScalarValueIsOneValidStep) {
  for (char32_t point = 0; point <= 0x10FFFF; ++point) {
    if (point >= 0xD800 && point <= 0xDFFF) continue;
    std::string text;
    append_utf8(text, point);
    const Utf8Step step = utf8_step(text + "x");
    ASSERT_EQ(step.kind, Utf8::valid) << uint32_t{point};
    ASSERT_EQ(step.length, text.size());
    ASSERT_EQ(step.code_point, point);
  }
}

// Worked examples of the Unicode Standard 15, section 3.9, tables 3-8 to 3-11: lengths of the maximal
// subparts.
TEST(Utf8, CutsIllFormedBytesIntoMaximalSubparts) {
  const auto lengths = [](std::string_view bytes) {
    std::vector<int> parts;
    while (!bytes.empty()) {
      const Utf8Step step = utf8_step(bytes);
      parts.push_back(step.kind == Utf8::valid ? step.length : -step.length);
      bytes.remove_prefix(step.length);
    }
    return parts;
  };
  using Parts = std::vector<int>;
  EXPECT_EQ(lengths("\xC0\xAF\xE0\x80\xBF\xF0\x81\x82\x41"),
            (Parts{-1, -1, -1, -1, -1, -1, -1, -1, 1}));  // overlong
  EXPECT_EQ(lengths("\xED\xA0\x80\xED\xBF\xBF\xED\xAF\x41"),
            (Parts{-1, -1, -1, -1, -1, -1, -1, -1, 1}));  // surrogates
  EXPECT_EQ(lengths("\xF4\x91\x92\x93\xFF\x41\x80\xBF\x42"), (Parts{-1, -1, -1, -1, -1, 1, -1, -1, 1}));
  EXPECT_EQ(lengths("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"), (Parts{-2, -1, -3, -2, 1}));  // truncated
}

TEST(Utf8, TellsIncompleteFromIllFormed) {
  EXPECT_EQ(utf8_step("\xE2\x82").kind, Utf8::incomplete);
  EXPECT_EQ(utf8_step("\xE2\x82").length, 2);
  EXPECT_EQ(utf8_step("\xE2\x41").kind, Utf8::ill_formed);
  EXPECT_EQ(utf8_step("\xC1").kind, Utf8::ill_formed);
  EXPECT_EQ(utf8_step("\xF5").kind, Utf8::ill_formed);
}

TEST(Utf8, NamesByteAndOffsetOfTheFirstIllFormedPart) {
  EXPECT_FALSE(first_ill_formed("plain ASCII of more than eight bytes, then \u00E9\u20AC\U0001F999"));
  EXPECT_EQ(first_ill_formed("0123456789\xFF"), 10u);
  EXPECT_EQ(first_ill_formed("\u20AC\xE2\x82"), 3u);
  const Status status = check_utf8("caf\xE9 au lait", "prompt");
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "prompt: byte 0xe9, expected well-formed UTF-8 (invalid_utf8, byte 3)");
}

TEST(Nfc, ComposesWhatHasAComposedForm) {
  EXPECT_EQ(nfc("cafe\u0301 au lait"), "caf\u00E9 au lait");
  EXPECT_EQ(nfc("A\u030A"), "\u00C5");
  EXPECT_EQ(nfc("\u212B"), "\u00C5");              // Angstrom sign: a singleton
  EXPECT_EQ(nfc("\u1100\u1161\u11A8"), "\uAC01");  // Hangul
  EXPECT_EQ(nfc("\u304B\u3099"), "\u304C");        // kana
  EXPECT_EQ(nfc("a\u0315\u0300\u05AE\u0323"),
            "\u1EA1\u05AE\u0300\u0315");     // marks put in order, then composed
  EXPECT_EQ(nfc("\u0958"), "\u0915\u093C");  // excluded from composition
}

TEST(Nfc, LeavesComposedTextAlone) {
  for (const std::string_view text :
       {"", "plain", "caf\u00E9", "\u65E5\u672C\u8A9E", "\uD55C\uAE00", "\U0001F999"})
    EXPECT_EQ(nfc(text), text);
}

// Strings and their normal forms by Python's unicodedata, in hex: data/make_nfc.py.
TEST(Nfc, AgreesWithPython) {
  const auto text = read_text_file(KIGO_SOURCE_DIR "/tests/core/text/data/nfc.txt");
  ASSERT_TRUE(text) << text.error().message();
  std::istringstream lines(*text);
  std::string given, normal;
  int count = 0;
  while (lines >> given >> normal) {
    EXPECT_EQ(nfc(from_hex(given)), from_hex(normal)) << given;
    ++count;
  }
  EXPECT_EQ(count, 600);
}

TEST(Nfc, TakesAMegabyteOfUnorderedMarksInTime) {
  std::string marks = "a";
  while (marks.size() < 1'000'000)
    marks += "\u0301\u0323";  // classes 230 and 220: every pair is out of order
  const auto start = std::chrono::steady_clock::now();
  const std::string normal = nfc(marks);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));  // quadratic: many minutes
  EXPECT_TRUE(normal.starts_with("\u1EA1\u0323\u0323"));
  EXPECT_TRUE(normal.ends_with("\u0301\u0301"));
}

}  // namespace
}  // namespace kigo::text
