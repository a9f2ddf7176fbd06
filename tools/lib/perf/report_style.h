// The page's style sheet: light and dark by what the reader prefers.
#pragma once

#include <string_view>

namespace kigo::tools::perf {

/// Colours are those of Okabe and Ito ("Color Universal Design", 2008), which people with any kind of colour
/// vision can tell apart; nothing is said by colour alone.
extern const std::string_view kReportStyle;

}  // namespace kigo::tools::perf
