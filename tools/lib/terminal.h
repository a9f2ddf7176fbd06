// Talking to people: tables, colour and a progress line. Colour and progress appear on a terminal only.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kigo::tools {

enum class Colour { green, red, yellow, dim, bold };

/// The text in that colour when standard output is a terminal (and NO_COLOR is not set), else the text alone.
std::string coloured(Colour colour, std::string_view text);

/// Rows of cells as aligned columns, two spaces between; columns named in `right` are right-aligned.
std::string table(const std::vector<std::vector<std::string>>& rows, const std::vector<size_t>& right = {});

/// "12.3 s", "4.5 ms", "870 us".
std::string duration(double seconds);

/// Three digits: "0.00123", "1.5e+10".
std::string brief(double value);

/// Text of a model's as it may be shown: control characters but line ends become '?', so that none reaches a
/// terminal.
std::string harmless(std::string_view text);

/// One updating line on standard error: `reading weights 45 %`. Says nothing when that is no terminal.
class ProgressLine {
 public:
  explicit ProgressLine(std::string what);
  ProgressLine(const ProgressLine&) = delete;
  ProgressLine& operator=(const ProgressLine&) = delete;
  ~ProgressLine();  // wipes the line
  void update(uint64_t done, uint64_t total);

 private:
  std::string what_;
  bool terminal_;
  int percent_ = -1;
};

}  // namespace kigo::tools
