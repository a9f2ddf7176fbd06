// Tensor infos: shapes, sizes and the canonical offsets.
#include <algorithm>
#include <array>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/gguf/checked.h"
#include "core/gguf/limits.h"
#include "core/gguf/parse.h"

namespace kigo::gguf {
namespace {

// Ids that ggml once used: Q4_2, Q4_3, the interleaved Q4_0 and IQ4_NL variants.
constexpr std::array<uint32_t, 8> kRemovedTypes{4, 5, 31, 32, 33, 36, 37, 38};

std::string dims_text(const Tensor& tensor) { return list(std::span<const uint64_t>(tensor.dims)); }

/// n_dims and dimensions; each and their product stay below kElementLimit. A zero makes the tensor empty, but
/// not the other dimensions free.
Status take_dims(Cursor& cursor, Tensor& tensor) {
  const uint64_t n_dims_at = cursor.at();
  KIGO_ASSIGN(const uint32_t n_dims, cursor.take<uint32_t>("n_dims"));
  if (n_dims > kMaxDims)
    return cursor.refuse(Code::limit_exceeded, cat("n_dims ", n_dims), cat("at most ", kMaxDims), n_dims_at);
  const uint64_t dims_at = cursor.at();
  const auto bad_shape = [&](std::string found, uint64_t offset) {
    return cursor.refuse(Code::bad_shape, std::move(found),
                         cat("dimensions and an element count below ", kElementLimit, " (2^63 - 1)"), offset);
  };
  tensor.dims.reserve(n_dims);
  for (uint32_t i = 0; i < n_dims; ++i) {
    const uint64_t start = cursor.at();
    KIGO_ASSIGN(const uint64_t dim, cursor.take<uint64_t>("dimension"));
    if (dim >= kElementLimit) return bad_shape(cat("dimension ", i, " is ", dim), start);
    tensor.dims.push_back(dim);
  }
  if (KIGO_FAULT(F05)) std::ranges::reverse(tensor.dims);
  std::optional<uint64_t> elements = 1;
  for (const uint64_t dim : tensor.dims) {
    if (dim != 0) elements = times(*elements, dim);
    if (!elements || *elements >= kElementLimit)
      return bad_shape(cat("shape ", dims_text(tensor), " has too many elements"), dims_at);
  }
  return {};
}

/// The type, and whether rows of the shape can be cut into its blocks.
Status take_type(Cursor& cursor, uint64_t shape_at, Tensor& tensor) {
  const uint64_t start = cursor.at();
  KIGO_ASSIGN(const uint32_t id, cursor.take<uint32_t>("type"));
  tensor.type = quant::find_tensor_type(id);
  if (tensor.type == nullptr) {
    const bool removed = std::ranges::find(kRemovedTypes, id) != kRemovedTypes.end();
    return cursor.refuse(Code::bad_tensor_type,
                         cat("type ", id, removed ? " was removed from GGUF" : " is unknown"),
                         "a type of docs/formats.md, section 2", start);
  }
  const uint64_t row = tensor.dims.empty() ? 1 : tensor.dims[0];
  if (row % tensor.type->block_values != 0)
    return cursor.refuse(Code::bad_shape, cat("shape ", dims_text(tensor), ", a row of ", row),
                         cat("rows of whole ", tensor.type->name, " blocks of ", tensor.type->block_values),
                         shape_at);
  return {};
}

/// One tensor info; `next` is where its data must begin, and then where the next tensor's must.
Status take_info(Cursor& cursor, uint64_t alignment, uint64_t& next, Tensor& tensor) {
  const uint64_t n_dims_at = cursor.at();
  KIGO_TRY(take_dims(cursor, tensor));
  const uint64_t shape_at = tensor.dims.empty() ? n_dims_at : n_dims_at + sizeof(uint32_t);
  KIGO_TRY(take_type(cursor, shape_at, tensor));
  const uint64_t blocks = tensor.elements() / tensor.type->block_values;
  const bool fat = (tensor.type->name == "Q5_0" || tensor.type->name == "Q6_K") && KIGO_FAULT(F02);
  const std::optional<uint64_t> bytes =
      times(blocks, fat ? 4 * tensor.type->block_values : tensor.type->block_bytes);
  if (!bytes)
    return cursor.refuse(Code::size_overflow, cat(tensor.type->name, " ", dims_text(tensor)),
                         "fewer than 2^64 bytes", shape_at);
  const uint64_t start = cursor.at();
  KIGO_ASSIGN(tensor.offset, cursor.take<uint64_t>("offset"));
  if (tensor.offset != next)
    return cursor.refuse(Code::bad_offset, cat("offset ", tensor.offset), cat(next), start);
  const std::optional<uint64_t> end = plus(next, *bytes);
  const std::optional<uint64_t> aligned = end ? align_up(*end, alignment) : std::nullopt;
  if (!aligned)
    return cursor.refuse(
        Code::size_overflow,
        cat(tensor.type->name, " ", dims_text(tensor), " of ", *bytes, " bytes at offset ", next),
        "tensors that end below 2^64", shape_at);
  next = *aligned;
  return {};
}

}  // namespace

Status take_tensor_infos(Cursor& cursor, uint64_t count, File& file) {
  const uint64_t room =
      std::min(count, cursor.left() / kMinTensorBytes);  // more would end in a truncated one
  file.tensors.reserve(room);
  file.tensor_index.reserve(std::min(count, room + 1));
  const auto name_at = [&file](uint32_t i) { return file.tensors[i].name; };
  uint64_t next = 0;
  for (uint32_t i = 0; i < count; ++i) {
    cursor.enter("tensor", i + 1, count);
    Tensor tensor;
    tensor.entry_offset = cursor.at();
    KIGO_ASSIGN(tensor.name, take_name(cursor, "name", kMaxTensorNameBytes));
    if (const auto first = file.tensor_index.add(tensor.name, i, name_at))
      return duplicate(cursor, "name", tensor.entry_offset, file.tensors[*first].entry_offset);
    KIGO_TRY(take_info(cursor, file.alignment, next, tensor));
    file.tensors.push_back(std::move(tensor));
  }
  return {};
}

}  // namespace kigo::gguf
