#include "tools/lib/goldens.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools {
namespace {

/// The rows of one prompt in the arrays begin at `first`, where those of the prompt before it end.
Result<GoldenPrompt> read_prompt(const Json& json, const std::string& file, int64_t first) {
  const Fields fields(json, file);
  GoldenPrompt prompt;
  KIGO_TRY(fields.get("name", prompt.name));
  const Json* rendered = json.find("rendered");
  prompt.has_text = rendered != nullptr && !rendered->is_null();
  if (prompt.has_text) {
    KIGO_TRY(fields.get("text", prompt.text));
    KIGO_TRY(fields.get("rendered", prompt.rendered));
  }
  KIGO_TRY(fields.get("chat", prompt.chat));
  KIGO_TRY(fields.get("tokens", prompt.tokens));
  KIGO_TRY(fields.get("greedy", prompt.greedy));
  std::vector<int64_t> rows;
  KIGO_TRY(fields.get("rows", rows));
  const std::vector<int64_t> wanted{first, static_cast<int64_t>(prompt.tokens.size())};
  if (rows != wanted) {
    return fail(Code::bad_value, cat(file, ", rows of ", prompt.name), list(std::span<const int64_t>(rows)),
                list(std::span<const int64_t>(wanted)));
  }
  if (prompt.greedy.empty())
    return fail(Code::bad_value, cat(file, ", greedy of ", prompt.name), "no ids", "at least 1");
  prompt.first_row = first;
  return prompt;
}

Result<GoldenLogits> read_record(const Json& json, const std::filesystem::path& path) {
  const Fields fields(json, path.string());
  GoldenLogits golden;
  golden.name = path.stem().string();
  std::string transformers;
  std::string llama_cpp;
  KIGO_TRY(fields.get("transformers", transformers));
  KIGO_TRY(fields.get("llama_cpp_f32", llama_cpp));
  golden.transformers = (path.parent_path() / transformers).string();
  golden.llama_cpp = (path.parent_path() / llama_cpp).string();
  if (const Json* distances = json.find("distances"); distances != nullptr) {
    if (const Json* share = distances->find("llama_cpp_file"); share != nullptr) {
      golden.llama_cpp_file = share->number().value_or(0);
    }
  }
  KIGO_ASSIGN(const auto* prompts, fields.items("prompts"));
  int64_t first = 0;
  for (const Json& prompt : *prompts) {
    KIGO_ASSIGN(GoldenPrompt read, read_prompt(prompt, path.string(), first));
    first += static_cast<int64_t>(read.tokens.size());
    golden.prompts.push_back(std::move(read));
  }
  return golden;
}

}  // namespace

std::string golden_folder() {
  const char* folder = std::getenv("KIGO_GOLDEN");
  return folder != nullptr && *folder != '\0' ? folder : KIGO_GOLDEN_FOLDER;
}

std::string shipped_model() { return golden_folder() + "/haiku/haiku-q4_k_m.gguf"; }

Result<std::optional<GoldenLogits>> find_golden_logits(const std::string& folder, const std::string& sha256) {
  std::error_code error;
  std::vector<std::filesystem::path> records;
  for (const auto& entry : std::filesystem::directory_iterator(folder + "/logits", error)) {
    if (entry.path().extension() == ".json") records.push_back(entry.path());
  }
  std::ranges::sort(records);
  for (const auto& path : records) {
    KIGO_ASSIGN(const std::string text, read_text_file(path.string()));
    KIGO_ASSIGN(const Json json, Json::parse(text, path.string()));
    std::string hash;
    KIGO_TRY(Fields(json, path.string()).get("sha256", hash));
    if (hash != sha256) continue;
    KIGO_ASSIGN(GoldenLogits golden, read_record(json, path));
    return golden;
  }
  return std::nullopt;
}

}  // namespace kigo::tools
