#include "tools/lib/golden_blocks.h"

#include <charconv>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/compare/golden_blocks.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools {
namespace {

constexpr int64_t kMaxBlocks = 1'000'000;  // which bounds the memory

Result<uint64_t> hex_number(const std::string& text, const std::string& subject) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (error != std::errc() || end != text.data() + text.size()) {
    return fail(Code::bad_value, subject, escaped(text), "a hexadecimal number");
  }
  return value;
}

}  // namespace

Result<BlockComparison> compare_golden_blocks(const std::string& golden_folder,
                                              const quant::TensorType& type) {
  std::string name(type.name);
  for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  const std::string path = cat(golden_folder, "/blocks/", name, ".json");
  KIGO_ASSIGN(const std::string text, read_text_file(path));
  KIGO_ASSIGN(const Json json, Json::parse(text, path));
  const Fields fields(json, path);
  int64_t count = 0;
  int64_t group = 0;
  std::string seed_text;
  KIGO_TRY(fields.get("count", count));
  KIGO_TRY(fields.get("group", group));
  KIGO_TRY(fields.get("seed", seed_text));
  KIGO_ASSIGN(const uint64_t seed, hex_number(seed_text, path));
  KIGO_ASSIGN(const auto* hashes, fields.items("group_fnv"));
  const auto groups = static_cast<int64_t>(hashes->size());
  if (group < 1 || count < 1 || count > kMaxBlocks || count / group != groups || count % group != 0) {
    return fail(Code::bad_value, cat(path, ", count"), cat(count),
                cat(groups, " groups of ", group, ", at most ", kMaxBlocks));
  }

  const auto blocks = compare::stream_bytes(seed, static_cast<size_t>(count) * type.block_bytes);
  std::vector<float> values(static_cast<size_t>(group) * type.block_values);
  BlockComparison comparison{static_cast<uint64_t>(count), 0};
  for (size_t i = 0; i < hashes->size(); ++i) {
    const std::byte* first = blocks.data() + i * static_cast<size_t>(group) * type.block_bytes;
    type.decode(first, static_cast<int64_t>(values.size()), values.data());
    const std::string* hash = (*hashes)[i].string();
    KIGO_ASSIGN(const uint64_t want, hex_number(hash == nullptr ? "" : *hash, path));
    if (compare::fnv1a(values) != want) ++comparison.wrong_groups;
  }
  return comparison;
}

}  // namespace kigo::tools
