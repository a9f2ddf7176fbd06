#include "tools/lib/terminal.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

bool colours_wanted() {
  static const bool wanted = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
  return wanted;
}

/// Columns that a terminal shows for UTF-8 text without wide characters: one for each byte that begins a code
/// point.
size_t width_of(std::string_view text) {
  bool in_escape = false;
  size_t columns = 0;
  for (const char c : text) {
    if (c == '\x1b') in_escape = true;
    if (!in_escape && (static_cast<unsigned char>(c) & 0xC0u) != 0x80u) ++columns;
    if (in_escape && c == 'm') in_escape = false;
  }
  return columns;
}

}  // namespace

std::string coloured(Colour colour, std::string_view text) {
  if (!colours_wanted()) return std::string(text);
  constexpr std::array<std::string_view, 5> kCodes{"32", "31", "33", "2", "1"};
  return cat("\x1b[", kCodes[static_cast<size_t>(colour)], "m", text, "\x1b[0m");
}

std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<size_t>& right) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string out;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - width_of(row[i]), ' ');
      const bool to_right = std::ranges::find(right, i) != right.end();
      line += cat(i == 0 ? "" : "  ", to_right ? space : "", row[i], to_right ? "" : space);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

std::string duration(double seconds) {
  std::array<char, 32> buffer{};
  if (seconds >= 1) {
    std::snprintf(buffer.data(), buffer.size(), "%.1f s", seconds);
  } else if (seconds >= 1e-3) {
    std::snprintf(buffer.data(), buffer.size(), "%.1f ms", seconds * 1e3);
  } else {
    std::snprintf(buffer.data(), buffer.size(), "%.0f us", seconds * 1e6);
  }
  return buffer.data();
}

std::string brief(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g", value);
  return text;
}

std::string harmless(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if ((static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7F) c = '?';
  }
  return out;
}

ProgressLine::ProgressLine(std::string what)
    : what_(std::move(what)), terminal_(::isatty(STDERR_FILENO) == 1) {}

ProgressLine::~ProgressLine() {
  if (terminal_ && percent_ >= 0) std::fputs("\r\x1b[K", stderr);
}

void ProgressLine::update(uint64_t done, uint64_t total) {
  const int percent =
      total == 0 ? 100 : static_cast<int>(100.0 * static_cast<double>(done) / static_cast<double>(total));
  if (!terminal_ || percent == percent_) return;
  percent_ = percent;
  std::fprintf(stderr, "\r\x1b[K%s %d %%", what_.c_str(), percent);
  std::fflush(stderr);
}

}  // namespace kigo::tools
