// The writer serialises and then lets the reader judge, so that both know one set of rules.
#include "core/gguf/writer.h"

#include <algorithm>
#include <array>
#include <bit>
#include <exception>
#include <limits>
#include <type_traits>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/gguf/checked.h"
#include "core/gguf/limits.h"
#include "core/gguf/reader.h"

namespace kigo::gguf {
namespace {

using Bytes = std::vector<std::byte>;

template <class T>
  requires std::is_arithmetic_v<T>
void put(Bytes& out, T value) {
  for (const std::byte byte : std::bit_cast<std::array<std::byte, sizeof(T)>>(value)) out.push_back(byte);
}

void put(Bytes& out, std::span<const std::byte> bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

void put(Bytes& out, std::string_view text) {
  put(out, uint64_t{text.size()});
  put(out, std::as_bytes(std::span(text)));
}

void put(Bytes& out, const Array& array) {
  put(out, static_cast<uint32_t>(array.element));
  put(out, array.count);
  put(out, array.bytes);
  for (const std::string_view text : array.strings) put(out, text);
}

void put(Bytes& out, const Pair& pair) {
  put(out, pair.key);
  put(out, static_cast<uint32_t>(type_of(pair.value)));
  std::visit([&out](const auto& value) { put(out, value); }, pair.value);
}

void put(Bytes& out, const Tensor& tensor, uint64_t offset) {
  put(out, tensor.name);
  put(out, static_cast<uint32_t>(tensor.dims.size()));
  for (const uint64_t dim : tensor.dims) put(out, dim);
  put(out, tensor.type->id);
  put(out, offset);
}

/// An array's parts must agree, or the bytes would mean something else.
Status check_array(const Pair& pair) {
  const auto* array = std::get_if<Array>(&pair.value);
  if (array == nullptr) return {};
  const bool known = static_cast<uint32_t>(array->element) < kValueTypes;
  const uint64_t each = known ? size_bytes(array->element) : 0;
  const bool strings = array->element == ValueType::string;
  const bool fits = array->strings.size() == (strings ? array->count : 0) &&
                    array->bytes.size() == times(array->count, each);
  if (fits || !known || array->element == ValueType::array)
    return {};  // a bad element type is the reader's to refuse
  return fail(Code::bad_value, escaped(pair.key),
              cat("count ", array->count, " with ", array->bytes.size(), " bytes and ", array->strings.size(),
                  " strings"),
              cat("as many ", name(array->element), " elements as the count says"));
}

/// The alignment that a reader would take from the pairs; 1 where it would refuse the file anyway.
uint64_t alignment_of(const File& file) {
  const Value* value = file.find("general.alignment");
  if (value == nullptr) return kDefaultAlignment;
  const auto* alignment = std::get_if<uint32_t>(value);
  return alignment != nullptr && std::has_single_bit(*alignment) ? *alignment : 1;
}

/// Header, metadata and tensor infos.
Result<Bytes> head(const File& file) {
  Bytes out;
  for (const char c : kMagic) put(out, c);
  put(out, file.version);
  put(out, uint64_t{file.tensors.size()});
  put(out, uint64_t{file.metadata.size()});
  for (const Pair& pair : file.metadata) {
    KIGO_TRY(check_array(pair));
    put(out, pair);
  }
  const uint64_t alignment = alignment_of(file);
  uint64_t offset = 0;
  for (const Tensor& tensor : file.tensors) {
    if (tensor.type == nullptr)
      return fail(Code::bad_tensor_type, escaped(tensor.name), "no type",
                  "a type of docs/formats.md, section 2");
    put(out, tensor, offset);
    // A shape that the reader refuses may make this number meaningless, but then no later offset is looked
    // at.
    const auto end = plus(offset, tensor.size_bytes());
    offset = (end ? align_up(*end, alignment) : end).value_or(std::numeric_limits<uint64_t>::max());
  }
  return out;
}

/// The size of the whole file; `parsed` is its head as read back. Errors: bad_shape.
Result<size_t> total_bytes(const File& file, const File& parsed) {
  size_t end = parsed.head_bytes;
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    const Tensor& tensor = parsed.tensors[i];
    const size_t given = file.tensors[i].data.size();
    if (given != tensor.size_bytes())
      return fail(Code::bad_shape, escaped(tensor.name), cat("data of ", given, " bytes"),
                  cat(tensor.size_bytes(), " for ", tensor.type->name, " ",
                      list(std::span<const uint64_t>(tensor.dims))),
                  tensor.entry_offset);
    const auto begin = plus(parsed.data_offset, tensor.offset);
    const auto past = begin ? plus(*begin, given) : begin;
    const auto aligned = past ? align_up(*past, parsed.alignment) : past;
    if (!aligned)
      return fail(Code::size_overflow, escaped(tensor.name), "it ends at 2^64 or beyond", "a smaller file");
    end = *aligned;
  }
  return end;
}

}  // namespace

Result<std::vector<std::byte>> write(const File& file) {
  KIGO_ASSIGN(Bytes out, head(file));
  KIGO_ASSIGN(const File parsed, read_head(out));  // one set of rules: what cannot be read is not written
  KIGO_ASSIGN(const size_t total, total_bytes(file, parsed));
  try {
    out.resize(total);
  } catch (const std::exception&) {
    return fail(Code::out_of_memory, "GGUF file", cat(total, " bytes"), "a file that fits in memory");
  }
  for (size_t i = 0; i < file.tensors.size(); ++i) {
    std::ranges::copy(file.tensors[i].data,
                      out.begin() + static_cast<ptrdiff_t>(parsed.data_offset + parsed.tensors[i].offset));
  }
  return out;
}

Status save(const File& file, const std::string& path) {
  KIGO_ASSIGN(const Bytes bytes, write(file));
  return write_file(path, bytes);
}

}  // namespace kigo::gguf
