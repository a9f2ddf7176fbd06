#include "tools/lib/iso_time.h"

#include <array>
#include <cstdio>
#include <optional>
#include <string_view>

#include "core/base/cat.h"
#include "tools/lib/poem.h"

namespace kigo::tools {
namespace {

/// The digits of `text` where `form` has a D, as numbers of one field after the other; nothing when a
/// character differs from the form.
std::optional<std::array<int, 7>> fields_of(std::string_view text, std::string_view form) {
  std::array<int, 7> fields{};
  if (text.size() != form.size()) return std::nullopt;
  size_t field = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    if (form[i] == 'D') {
      if (text[i] < '0' || text[i] > '9') return std::nullopt;
      fields[field] = fields[field] * 10 + (text[i] - '0');
    } else {
      if (text[i] != form[i]) return std::nullopt;
      ++field;
    }
  }
  return fields;
}

}  // namespace

std::string iso_time(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> buffer{};
  std::snprintf(buffer.data(), buffer.size(), "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ",
                static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                static_cast<unsigned>(date.day()), static_cast<int>(clock.hours().count()),
                static_cast<int>(clock.minutes().count()), static_cast<int>(clock.seconds().count()),
                static_cast<int>(clock.subseconds().count()));
  return buffer.data();
}

std::string today() {
  return iso_time(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()))
      .substr(0, 10);
}

Result<Time> parse_iso_time(const std::string& text) {
  auto fields = fields_of(text, "DDDD-DD-DDTDD:DD:DDZ");
  if (!fields) fields = fields_of(text, "DDDD-DD-DDTDD:DD:DD.DDDZ");
  const auto [year, month, day, hour, minute, second, milliseconds] = fields.value_or(std::array<int, 7>{});
  const std::chrono::year_month_day date{std::chrono::year(year),
                                         std::chrono::month(static_cast<unsigned>(month)),
                                         std::chrono::day(static_cast<unsigned>(day))};
  if (!fields || !date.ok() || hour > 23 || minute > 59 || second > 59)
    return fail(Code::invalid_request, "time", escaped(text), "UTC as 2026-11-21T07:32:05Z");
  return Time(std::chrono::sys_days(date).time_since_epoch() + std::chrono::hours(hour) +
              std::chrono::minutes(minute) + std::chrono::seconds(second) +
              std::chrono::milliseconds(milliseconds));
}

std::string minute_word(Time time) {
  const std::chrono::hh_mm_ss clock(time - std::chrono::floor<std::chrono::days>(time));
  return minute_in_words(static_cast<int>(clock.minutes().count()));
}

}  // namespace kigo::tools
