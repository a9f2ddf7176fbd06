#include "tools/lib/perf/report_text.h"

#include <array>
#include <charconv>
#include <cmath>
#include <span>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::tools::perf {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD

/// Bytes of the UTF-8 sequence at the start of `text`; 0 when there is none (Unicode 15, table 3-7).
size_t sequence(std::string_view text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(i < text.size() ? text[i] : 0); };
  const auto follows = [&](size_t i, int low = 0x80, int high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const int lead = byte(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead <= 0xDF) return follows(1) ? 2 : 0;
  if (lead >= 0xE0 && lead <= 0xEF)  // neither overlong nor a surrogate
    return follows(1, lead == 0xE0 ? 0xA0 : 0x80, lead == 0xED ? 0x9F : 0xBF) && follows(2) ? 3 : 0;
  if (lead >= 0xF0 && lead <= 0xF4)
    return follows(1, lead == 0xF0 ? 0x90 : 0x80, lead == 0xF4 ? 0x8F : 0xBF) && follows(2) && follows(3) ? 4
                                                                                                          : 0;
  return 0;
}

/// Appends every character through `character`, bad ones as U+FFFD.
template <class Character>
std::string rewritten(std::string_view text, Character character) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t length = sequence(text);
    const auto lead = static_cast<unsigned char>(text[0]);
    // C0 and C1 controls are not allowed in XML 1.0 or mean something else; tabs and line ends are spaces.
    const bool c1 = length == 2 && lead == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    const bool space = lead == '\t' || lead == '\n' || lead == '\r';
    if (space) {
      out += ' ';
    } else if (length == 0 || lead < 0x20 || lead == 0x7F || c1) {
      out += kReplacement;
    } else {
      character(out, text.substr(0, length));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return out;
}

std::string fixed(double value, int digits) {
  std::array<char, 400> buffer;  // the largest double has 309 digits before the point
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed, digits);
  KIGO_CHECK(end.ec == std::errc());
  return {buffer.data(), end.ptr};
}

/// Three digits: 4.21, 42.1, 421.
std::string three_digits(double value) {
  const double size = std::abs(value);
  return fixed(value, size < 9.995 ? 2 : size < 99.95 ? 1 : 0);
}

struct Unit {
  double size;
  std::string_view name;
};

/// In the largest unit that leaves at least 1.
std::string with_unit(double value, std::span<const Unit> units) {
  if (!(value > 0) || !std::isfinite(value)) return std::string(kUnknown);
  const Unit* best = &units.front();
  for (const Unit& unit : units)
    if (value >= 0.9995 * unit.size) best = &unit;
  const double scaled = value / best->size;
  if (scaled >= 1e6) return cat(grouped(static_cast<uint64_t>(std::min(scaled, 1e18))), ' ', best->name);
  return cat(scaled >= 999.5 ? grouped(static_cast<uint64_t>(std::llround(scaled))) : three_digits(scaled),
             ' ', best->name);
}

}  // namespace

std::string html(std::string_view text) {
  return rewritten(text, [](std::string& out, std::string_view character) {
    switch (character[0]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += character;
    }
  });
}

std::string markdown(std::string_view text) {
  return rewritten(text, [](std::string& out, std::string_view character) {
    switch (character[0]) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '@':
        out += "&#64;";
        break;  // else a name in a file would call people
      case '|':
      case '\\':
      case '`':
      case '*':
      case '_':
      case '[':
      case ']':
      case '#':
      case '~':
      case '!':
        out += '\\';
        [[fallthrough]];
      default:
        out += character;
    }
  });
}

std::string time_text(double us) {
  static constexpr std::array<Unit, 4> kUnits{{{1e-3, "ns"}, {1, "us"}, {1e3, "ms"}, {1e6, "s"}}};
  return with_unit(us, kUnits);
}

std::string bandwidth_text(double bytes_per_s) {
  static constexpr std::array<Unit, 5> kUnits{
      {{1, "B/s"}, {1e3, "kB/s"}, {1e6, "MB/s"}, {1e9, "GB/s"}, {1e12, "TB/s"}}};
  return with_unit(bytes_per_s, kUnits);
}

std::string flops_text(double flops_per_s) {
  static constexpr std::array<Unit, 5> kUnits{
      {{1, "FLOP/s"}, {1e6, "MFLOP/s"}, {1e9, "GFLOP/s"}, {1e12, "TFLOP/s"}, {1e15, "PFLOP/s"}}};
  return with_unit(flops_per_s, kUnits);
}

std::string bytes_text(double bytes) {
  static constexpr std::array<Unit, 4> kUnits{{{1, "B"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}}};
  return with_unit(bytes, kUnits);
}

std::string percent_text(double share) {
  if (!std::isfinite(share)) return std::string(kUnknown);
  return cat(number_text(100 * share), " %");
}

std::string change_text(double change) {
  if (!std::isfinite(change)) return std::string(kUnknown);
  return cat(change < 0 ? "-" : "+", number_text(100 * std::abs(change)), " %");
}

std::string number_text(double value) {
  if (!std::isfinite(value)) return std::string(kUnknown);
  const double size = std::abs(value);
  if (size < 999.5) return size == 0 ? "0" : three_digits(value);
  return cat(value < 0 ? "-" : "", grouped(static_cast<uint64_t>(std::llround(std::min(size, 1e18)))));
}

std::string coordinate(double value) {
  KIGO_CHECK(std::isfinite(value));
  std::string out = fixed(value, 1);
  if (out.ends_with(".0")) out.resize(out.size() - 2);
  return out == "-0" ? "0" : out;
}

}  // namespace kigo::tools::perf
