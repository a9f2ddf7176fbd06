#include "core/compare/junit.h"

#include <algorithm>
#include <cstdio>

#include "core/base/cat.h"
#include "core/text/unicode.h"

namespace kigo::compare {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";

/// Characters that XML 1.0 has; source: its production 2, "Char".
bool allowed(char32_t c) {
  return c == 0x9 || c == 0xA || c == 0xD || (c >= 0x20 && c != 0xFFFE && c != 0xFFFF);
}

enum class Place : uint8_t { attribute, text };

std::string xml(std::string_view bytes, Place place) {
  std::string out;
  while (!bytes.empty()) {
    const text::Utf8Step next = text::utf8_step(bytes);
    const std::string_view character = bytes.substr(0, next.length);
    bytes.remove_prefix(next.length);
    if (next.kind != text::Utf8::valid || !allowed(next.code_point)) {
      out += kReplacement;
    } else if (character == "&") {
      out += "&amp;";
    } else if (character == "<") {
      out += "&lt;";
    } else if (character == ">") {
      out += "&gt;";
    } else if (character == "\"") {
      out += "&quot;";
    } else if (next.code_point < 0x20 && place == Place::attribute) {
      out += cat("&#", static_cast<uint32_t>(next.code_point), ';');
    } else {
      out += character;
    }
  }
  return out;
}

std::string attribute(std::string_view name, std::string_view value) {
  return cat(' ', name, "=\"", xml(value, Place::attribute), '"');
}

std::string seconds(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.6f", value);
  return buffer;
}

std::string element(const JUnitCase& one) {
  std::string out = cat("  <testcase", attribute("classname", one.group), attribute("name", one.name),
                        attribute("time", seconds(one.seconds)));
  if (one.outcome == JUnitCase::Outcome::passed) return out + "/>\n";
  const std::string_view tag = one.outcome == JUnitCase::Outcome::failed ? "failure" : "skipped";
  const std::string_view first = std::string_view(one.text).substr(0, one.text.find('\n'));
  return cat(out, ">\n    <", tag, attribute("message", first), '>', xml(one.text, Place::text), "</", tag,
             ">\n  </testcase>\n");
}

}  // namespace

std::string junit_xml(std::string_view suite, std::span<const JUnitCase> cases) {
  const auto count = [&](JUnitCase::Outcome outcome) {
    return std::ranges::count(cases, outcome, &JUnitCase::outcome);
  };
  double total = 0;
  for (const JUnitCase& one : cases) total += one.seconds;
  std::string out = cat("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite", attribute("name", suite),
                        attribute("tests", cat(cases.size())),
                        attribute("failures", cat(count(JUnitCase::Outcome::failed))),
                        attribute("skipped", cat(count(JUnitCase::Outcome::skipped))),
                        attribute("time", seconds(total)), ">\n");
  for (const JUnitCase& one : cases) out += element(one);
  return out + "</testsuite>\n";
}

}  // namespace kigo::compare
