// Times as the haiku test writes them down.
#pragma once

#include <chrono>
#include <string>

#include "core/base/result.h"

namespace kigo::tools {

using Time = std::chrono::sys_time<std::chrono::milliseconds>;

/// "2026-11-21T07:32:05.123Z"
std::string iso_time(Time time);
/// The day it is, UTC: "2026-11-21".
std::string today();
/// The reverse of iso_time(); milliseconds may be absent. Errors: invalid_request.
Result<Time> parse_iso_time(const std::string& text);

/// The UTC minute of the hour in English: "thirty-two".
std::string minute_word(Time time);

}  // namespace kigo::tools
