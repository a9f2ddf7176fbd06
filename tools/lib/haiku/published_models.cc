#include "tools/lib/haiku/published_models.h"

#include <filesystem>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "tools/lib/goldens.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {

std::string how_to_get(const std::string& path) {
  std::error_code ignored;
  const auto text = read_text_file(cat(golden_folder(), "/models.json"));
  if (std::filesystem::exists(path, ignored) || !text) return {};
  const auto json = Json::parse(*text, "models.json");
  const Json* models = json ? json->find("models") : nullptr;
  if (models == nullptr || models->items() == nullptr) return {};
  const std::string name = std::filesystem::path(path).filename().string();
  for (const Json& model : *models->items()) {
    if (text_of(model, "file") != name) continue;
    return cat("kigo: ", name, " is published at ", text_of(model, "repository"), " (",
               text_of(model, "licence"), ", ", integer_of(model, "bytes"), " bytes, sha256 ",
               text_of(model, "sha256"), "):\n  curl -L -o ", path, " ", text_of(model, "url"), "\n");
  }
  return {};
}

}  // namespace kigo::tools
