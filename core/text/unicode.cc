#include "core/text/unicode.h"

#include <utf8proc.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::text {
namespace {

uint8_t byte_at(std::string_view bytes, size_t i) { return static_cast<uint8_t>(bytes[i]); }

/// What a lead byte asks for: how many bytes in all, and the range of the second one.
struct Lead {
  uint8_t length;  // 0: no lead byte
  uint8_t low, high;
};

Lead lead_of(uint8_t byte) {  // Unicode 15, table 3-7
  if (byte < 0x80) return {1, 0, 0};
  if (byte < 0xC2) return {0, 0, 0};
  if (byte < 0xE0) return {2, 0x80, 0xBF};
  if (byte == 0xE0) return {3, 0xA0, 0xBF};  // below: overlong
  if (byte == 0xED) return {3, 0x80, 0x9F};  // above: surrogates
  if (byte < 0xF0) return {3, 0x80, 0xBF};
  if (byte == 0xF0) return {4, 0x90, 0xBF};  // below: overlong
  if (byte < 0xF4) return {4, 0x80, 0xBF};
  if (byte == 0xF4) return {4, 0x80, 0x8F};  // above: beyond U+10FFFF
  return {0, 0, 0};
}

/// Every character below U+0300 is in normal form C by itself and never joins the one before it, so these
/// characters separate a text into parts that can be normalised alone. Their lead bytes are below 0xCC.
constexpr uint8_t kFirstLeadThatMayCombine = 0xCC;

bool begins_plain_character(uint8_t byte) {
  return byte < 0x80 || (byte >= 0xC0 && byte < kFirstLeadThatMayCombine);
}

/// The canonical decomposition of `text`, each code point by itself, marks not yet in order.
void decompose(std::string_view text, std::vector<int32_t>& points) {
  points.clear();
  for (size_t at = 0; at < text.size();) {
    const Utf8Step step = utf8_step(text.substr(at));
    at += step.length;
    std::array<int32_t, 16> parts;  // a canonical decomposition has at most 4 code points
    const auto count = utf8proc_decompose_char(
        static_cast<int32_t>(step.code_point), parts.data(), static_cast<utf8proc_ssize_t>(parts.size()),
        static_cast<utf8proc_option_t>(UTF8PROC_DECOMPOSE | UTF8PROC_STABLE), nullptr);
    KIGO_CHECK(count > 0 && static_cast<size_t>(count) <= parts.size());
    points.insert(points.end(), parts.begin(), parts.begin() + count);
  }
}

/// Sorts each run of marks by combining class. utf8proc's own sort is quadratic in the length of a run.
void order_marks(std::vector<int32_t>& points) {
  const auto mark_class = [](int32_t point) { return utf8proc_get_property(point)->combining_class; };
  const auto by_class = [&](int32_t a, int32_t b) { return mark_class(a) < mark_class(b); };
  for (auto at = points.begin(); at != points.end();) {
    if (mark_class(*at) == 0) {
      ++at;
      continue;
    }
    const auto end = std::find_if(at, points.end(), [&](int32_t point) { return mark_class(point) == 0; });
    if (!std::is_sorted(at, end, by_class)) std::stable_sort(at, end, by_class);
    at = end;
  }
}

void append_nfc(std::string_view text, std::vector<int32_t>& points, std::string& out) {
  decompose(text, points);
  order_marks(points);
  const auto count =
      utf8proc_normalize_utf32(points.data(), static_cast<utf8proc_ssize_t>(points.size()),
                               static_cast<utf8proc_option_t>(UTF8PROC_COMPOSE | UTF8PROC_STABLE));
  KIGO_CHECK(count >= 0);
  for (size_t i = 0; i < static_cast<size_t>(count); ++i) append_utf8(out, static_cast<char32_t>(points[i]));
}

}  // namespace

Utf8Step utf8_step(std::string_view bytes) {
  const uint8_t first = byte_at(bytes, 0);
  const Lead lead = lead_of(first);
  if (lead.length == 0) return {Utf8::ill_formed, 1, 0};
  if (lead.length == 1) return {Utf8::valid, 1, first};
  char32_t point = first & (0x7Fu >> lead.length);
  for (uint8_t i = 1; i < lead.length; ++i) {
    if (i == bytes.size()) return {Utf8::incomplete, i, 0};
    const uint8_t byte = byte_at(bytes, i);
    const bool fits = i == 1 ? byte >= lead.low && byte <= lead.high : (byte & 0xC0u) == 0x80;
    if (!fits) return {Utf8::ill_formed, i, 0};
    point = (point << 6) | (byte & 0x3Fu);
  }
  return {Utf8::valid, lead.length, point};
}

std::optional<size_t> first_ill_formed(std::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    uint64_t eight;  // ASCII goes eight bytes at a time
    if (bytes.size() - at >= sizeof eight) {
      std::memcpy(&eight, bytes.data() + at, sizeof eight);
      if ((eight & 0x8080808080808080ull) == 0) {
        at += sizeof eight;
        continue;
      }
    }
    const Utf8Step step = utf8_step(bytes.substr(at));
    if (step.kind != Utf8::valid) return at;
    at += step.length;
  }
  return std::nullopt;
}

Status check_utf8(std::string_view bytes, std::string subject) {
  const auto at = first_ill_formed(bytes);
  if (!at) return {};
  return fail(Code::invalid_utf8, std::move(subject), cat("byte ", hex(byte_at(bytes, *at), 2)),
              "well-formed UTF-8", *at);
}

void append_utf8(std::string& out, char32_t code_point) {
  const auto tail = [&](int shift) { out += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
  if (code_point < 0x80) {
    out += static_cast<char>(code_point);
  } else if (code_point < 0x800) {
    out += static_cast<char>(0xC0 | (code_point >> 6));
    tail(0);
  } else if (code_point < 0x10000) {
    out += static_cast<char>(0xE0 | (code_point >> 12));
    tail(6);
    tail(0);
  } else {
    out += static_cast<char>(0xF0 | (code_point >> 18));
    tail(12);
    tail(6);
    tail(0);
  }
}

std::string nfc(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  std::vector<int32_t> points;
  for (size_t at = 0; at < text.size();) {
    size_t stop = at;
    while (stop < text.size() && byte_at(text, stop) < kFirstLeadThatMayCombine) ++stop;
    size_t start = stop;  // the last plain character may be the base of what follows
    if (stop < text.size() && start > at) {
      do --start;
      while ((byte_at(text, start) & 0xC0u) == 0x80);
    }
    out += text.substr(at, start - at);
    size_t end = stop;
    while (end < text.size() && !begins_plain_character(byte_at(text, end))) ++end;
    append_nfc(text.substr(start, end - start), points, out);
    at = end;
  }
  return out;
}

}  // namespace kigo::text
