// Models that others publish and that the haiku test is made for: golden/models.json.
#pragma once

#include <string>

namespace kigo::tools {

/// When nothing stands at `path` and golden/models.json has a file of that name: where it comes from, its
/// size and hash, and the command that fetches it. Else nothing.
std::string how_to_get(const std::string& path);

}  // namespace kigo::tools
