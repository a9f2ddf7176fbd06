// Metadata pairs: types, values, and the keys that shape the reading itself.
#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/gguf/limits.h"
#include "core/gguf/parse.h"

namespace kigo::gguf {
namespace {

/// Keys that shape the reading itself, so their type is exact.
struct ShapingKey {
  std::string_view key;
  ValueType type;
};
constexpr std::array<ShapingKey, 4> kShapingKeys{{
    {"general.alignment", ValueType::u32},
    {"split.no", ValueType::u16},
    {"split.count", ValueType::u16},
    {"split.tensors.count", ValueType::i32},
}};

// Loads one number by its place in Value, so that the table of loaders cannot disagree with the variant.
template <size_t I>
Value load(const std::byte* bytes) {
  using T = std::variant_alternative_t<I, Value>;
  if constexpr (std::is_arithmetic_v<T>) {
    T value;
    std::memcpy(&value, bytes, sizeof(T));
    return Value(std::in_place_index<I>, value);
  } else {
    return {};  // strings and arrays take another way
  }
}
template <size_t... I>
constexpr auto loaders(std::index_sequence<I...>) {
  return std::array{&load<I>...};
}
constexpr auto kLoaders = loaders(std::make_index_sequence<kValueTypes>());
static_assert(std::variant_size_v<Value> == kValueTypes);

Result<ValueType> take_type(Cursor& cursor, std::string_view field) {
  const uint64_t start = cursor.at();
  KIGO_ASSIGN(const uint32_t id, cursor.take<uint32_t>(field));
  if (id >= kValueTypes)
    return cursor.refuse(Code::bad_value_type, cat(field, " ", id, " is unknown"), "0 to 12", start);
  return static_cast<ValueType>(id);
}

/// Bools are 0 or 1 and nothing else; `first` is the offset of the first one, `what(i)` names the i-th.
template <class What>
Status check_bools(const Cursor& cursor, std::span<const std::byte> bools, uint64_t first, const What& what) {
  const auto bad = std::ranges::find_if(bools, [](std::byte b) { return b > std::byte{1}; });
  if (bad == bools.end()) return {};
  const auto index = static_cast<uint64_t>(bad - bools.begin());
  return cursor.refuse(Code::bad_value, cat(what(index), std::to_integer<uint32_t>(*bad)), "0 or 1",
                       first + index);
}

Status take_strings(Cursor& cursor, uint64_t count, std::vector<std::string_view>& strings) {
  strings.reserve(count);
  for (uint64_t i = 0; i < count; ++i) {
    auto text = cursor.take_string({}, kMaxStringBytes);
    if (!text) {
      text.error().found = cat("element ", i, ": ", text.error().found);
      return tl::unexpected<Error>(std::move(text.error()));
    }
    strings.push_back(*text);
  }
  return {};
}

Result<Array> take_array(Cursor& cursor) {
  const uint64_t type_at = cursor.at();
  Array array;
  KIGO_ASSIGN(array.element, take_type(cursor, "element type"));
  if (array.element == ValueType::array)
    return cursor.refuse(Code::bad_value_type, "an array of arrays",
                         "numbers, bools or strings: arrays do not nest", type_at);
  const uint64_t count_at = cursor.at();
  KIGO_ASSIGN(array.count, cursor.take<uint64_t>("element count"));
  if (array.count > kMaxArrayElements)
    return cursor.refuse(Code::limit_exceeded, cat("array of ", array.count),
                         cat("at most ", kMaxArrayElements, " elements"), count_at);
  const bool strings = array.element == ValueType::string;
  const uint64_t each = strings ? kMinStringBytes : size_bytes(array.element);
  if (array.count * each > cursor.left()) {  // below 2^33
    const std::string what = cat("array of ", array.count, " ", name(array.element));
    const std::string cut = strings ? "" : cat(", cut at element ", cursor.left() / each);
    return cursor.truncated(what + cut, array.count * each, count_at);
  }
  if (strings) {
    KIGO_TRY(take_strings(cursor, array.count, array.strings));
    return array;
  }
  const uint64_t first = cursor.at();
  array.bytes = cursor.take_bytes(array.count * each);
  if (array.element == ValueType::boolean)
    KIGO_TRY(check_bools(cursor, array.bytes, first, [](uint64_t i) { return cat("element ", i, " is "); }));
  return array;
}

Result<Value> take_value(Cursor& cursor, ValueType type) {
  if (type == ValueType::string) {
    KIGO_ASSIGN(const std::string_view text, cursor.take_string("string", kMaxStringBytes));
    return Value(text);
  }
  if (type == ValueType::array) {
    KIGO_ASSIGN(Array array, take_array(cursor));
    return Value(std::move(array));
  }
  const uint64_t start = cursor.at();
  if (cursor.left() < size_bytes(type)) return cursor.truncated(name(type), size_bytes(type), start);
  const std::span<const std::byte> bytes = cursor.take_bytes(size_bytes(type));
  if (type == ValueType::boolean)
    KIGO_TRY(check_bools(cursor, bytes, start, [](uint64_t) { return std::string("bool of "); }));
  return kLoaders[static_cast<size_t>(type)](bytes.data());
}

Status check_shaping_type(const Cursor& cursor, std::string_view key, ValueType type, uint64_t offset) {
  const auto* row = std::ranges::find(kShapingKeys, key, &ShapingKey::key);
  if (row == kShapingKeys.end() || row->type == type) return {};
  return cursor.refuse(Code::wrong_type, cat("type ", name(type)), std::string(name(row->type)), offset);
}

/// What the value says about the file itself; its type is right.
Status apply(const Cursor& cursor, const Pair& pair, uint64_t value_at, File& file) {
  if (pair.key == "general.alignment") {
    if (!KIGO_FAULT(F03)) file.alignment = std::get<uint32_t>(pair.value);
    if (!std::has_single_bit(file.alignment))
      return cursor.refuse(Code::bad_value, cat(file.alignment), "a power of two: 1, 2, 4, ... 2147483648",
                           value_at);
  }
  if (pair.key == "split.count" && std::get<uint16_t>(pair.value) > 1) {
    const auto number = std::ranges::find(file.metadata, "split.no", &Pair::key);
    const std::string part = number == file.metadata.end()
                                 ? "a part"
                                 : cat("part ", std::get<uint16_t>(number->value), " (from 0)");
    return cursor.refuse(Code::split_file,
                         cat(part, " of a model in ", std::get<uint16_t>(pair.value), " files"),
                         "a whole file: merge the parts first", value_at);
  }
  return {};
}

}  // namespace

Status take_metadata(Cursor& cursor, uint64_t count, File& file) {
  file.metadata.reserve(count);
  file.pair_index.reserve(count);
  const auto key_at = [&file](uint32_t i) { return file.metadata[i].key; };
  for (uint32_t i = 0; i < count; ++i) {
    cursor.enter("metadata pair", i + 1, count);
    Pair pair;
    pair.offset = cursor.at();
    KIGO_ASSIGN(pair.key, take_name(cursor, "key", kMaxKeyBytes));
    if (const auto first = file.pair_index.add(pair.key, i, key_at))
      return duplicate(cursor, "key", pair.offset, file.metadata[*first].offset);
    const uint64_t type_at = cursor.at();
    KIGO_ASSIGN(const ValueType type, take_type(cursor, "value type"));
    KIGO_TRY(check_shaping_type(cursor, pair.key, type, type_at));
    const uint64_t value_at = cursor.at();
    KIGO_ASSIGN(pair.value, take_value(cursor, type));
    KIGO_TRY(apply(cursor, pair, value_at, file));
    file.metadata.push_back(std::move(pair));
  }
  return {};
}

}  // namespace kigo::gguf
