// The page at /: a prompt, the tokens as they come, and the worker's state. Static, and asks nobody else.
#pragma once

#include <string_view>

namespace kigo::tools {

std::string_view page();

}  // namespace kigo::tools
