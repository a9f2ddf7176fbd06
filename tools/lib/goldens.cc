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
  KIGO_TRY(fields.get("greedy_margin", prompt.margins));
  std::vector<int64_t> rows;
  KIGO_TRY(fields.get("rows", rows));
  const std::vector<int64_t> wanted{first, static_cast<int64_t>(prompt.tokens.size())};
  if (rows != wanted) {
    return fail(Code::bad_value, cat(file, ", rows of ", prompt.name), list(std::span<const int64_t>(rows)),
                list(std::span<const int64_t>(wanted)));
  }
  if (prompt.greedy.empty())
    return fail(Code::bad_value, cat(file, ", greedy of ", prompt.name), "no ids", "at least 1");
  if (prompt.margins.size() != prompt.greedy.size()) {
    return fail(Code::bad_value, cat(file, ", greedy_margin of ", prompt.name),
                cat(prompt.margins.size(), " numbers"), cat(prompt.greedy.size()));
  }
  prompt.first_row = first;
  return prompt;
}

Result<GoldenLogits> read_record(const Json& json, const std::filesystem::path& path) {
  const Fields fields(json, path.string());
  GoldenLogits golden;
  golden.name = path.stem().string();
  KIGO_TRY(fields.get("model", golden.model));
  KIGO_TRY(fields.get("sha256", golden.sha256));
  const auto beside = [&](std::string_view key, std::string& file) -> Status {
    KIGO_TRY(fields.get(key, file));
    file = (path.parent_path() / file).string();
    return {};
  };
  KIGO_TRY(beside("transformers", golden.transformers));
  KIGO_TRY(beside("transformers_f64", golden.transformers_f64));
  KIGO_TRY(beside("llama_cpp_f32", golden.llama_cpp));
  KIGO_TRY(fields.of("distances").get("largest_logit", golden.largest_logit));
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

Result<GoldenLogits> read_golden_logits(const std::string& path) {
  KIGO_ASSIGN(const std::string text, read_text_file(path));
  KIGO_ASSIGN(const Json json, Json::parse(text, path));
  return read_record(json, path);
}

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
