// Numbers and names as the page and the summary of kigo perf show them: with units, rounded, and safe.
#pragma once

#include <string>
#include <string_view>

namespace kigo::tools::perf {

/// Text of a file as text or an attribute's value of HTML and SVG: the five special characters as references;
/// control characters and bytes that are no UTF-8 become U+FFFD, so that no file can end a tag.
std::string html(std::string_view text);

/// The same for a cell of a Markdown table: also no line ends, and a backslash before what would mean
/// something.
std::string markdown(std::string_view text);

/// Stands for a number that is not known.
inline constexpr std::string_view kUnknown = "–";

/// Three digits with a unit: "870 ns", "4.21 us", "12.5 ms", "1.30 s"; kUnknown unless above 0 and finite.
std::string time_text(double us);
/// "950 MB/s", "4.22 TB/s", likewise.
std::string bandwidth_text(double bytes_per_s);
/// "61.2 GFLOP/s", "714 TFLOP/s", likewise.
std::string flops_text(double flops_per_s);
/// "96.0 B", "4.65 MB", likewise.
std::string bytes_text(double bytes);
/// "93.4 %", for 0.934; kUnknown unless finite.
std::string percent_text(double share);
/// "+3.1 %", "-0.4 %"; kUnknown unless finite.
std::string change_text(double change);
/// "12,346" from 1,000 on, three digits below; kUnknown unless finite.
std::string number_text(double value);

/// For coordinates: one digit behind the point, none where it is 0. `value` is finite.
std::string coordinate(double value);

}  // namespace kigo::tools::perf
