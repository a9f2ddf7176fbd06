// Arbitrary well-formed UTF-8 for properties: every scalar value, with a weight on what tokenizers stumble
// over.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <string_view>
#include <vector>

#include "core/text/unicode.h"

namespace kigo::text {

inline std::string utf8_of(char32_t point) {
  std::string text;
  append_utf8(text, point);
  return text;
}

inline rc::Gen<std::string> characters(char32_t low, char32_t high) {
  return rc::gen::map(rc::gen::inRange<uint32_t>(low, high + 1),
                      [](uint32_t point) { return utf8_of(static_cast<char32_t>(point)); });
}

/// Well-formed UTF-8, composed or not, with the texts of control tokens among it.
inline rc::Gen<std::string> arbitrary_text() {
  const auto snippet = rc::gen::elementOf(std::vector<std::string>{"hello",
                                                                   " world",
                                                                   "'s",
                                                                   "'RE",
                                                                   "'\u017F",
                                                                   "  ",
                                                                   "\r\n",
                                                                   "\n\n",
                                                                   "\t",
                                                                   "<|im_end|>",
                                                                   "<|im_start|>",
                                                                   "<|",
                                                                   "<tool>s",
                                                                   "[PAD273]",
                                                                   "<0x0A>",
                                                                   "e\u0301",
                                                                   "A\u030A",
                                                                   "\u00A0",
                                                                   "\u180E",
                                                                   "\u3000",
                                                                   "\u1100\u1161\u11A8",
                                                                   "aaaa",
                                                                   std::string(1, '\0'),
                                                                   "\U0010FFFF",
                                                                   "\uFFFD",
                                                                   "\u0344",
                                                                   ">\u0338"});
  const auto piece = rc::gen::weightedOneOf<std::string>({{6, characters(0x20, 0x7E)},
                                                          {4, snippet},
                                                          {2, characters(0x00, 0xFF)},
                                                          {2, characters(0x300, 0x36F)},
                                                          {2, characters(0x4E00, 0x9FFF)},
                                                          {1, characters(0xAC00, 0xD7A3)},
                                                          {1, characters(0x1F300, 0x1FAFF)},
                                                          {1, characters(0x100, 0xD7FF)},
                                                          {1, characters(0xE000, 0x10FFFF)}});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) {
                        std::string text;
                        for (const std::string& each : pieces) text += each;
                        return text;
                      });
}

}  // namespace kigo::text
