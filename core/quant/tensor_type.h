// The table of GGUF tensor types: what a block holds, how many bytes it takes and, where kigo can, how it
// decodes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace kigo::quant {

/// One row of the table. Sources: ggml's type traits; docs/formats.md, section 2.
struct TensorType {
  uint32_t id;            // as it stands in the file
  std::string_view name;  // "Q4_K"
  uint32_t block_values;  // values that share a block; 1 for scalars
  uint32_t block_bytes;

  /// Decodes `values` (a multiple of block_values) from the blocks at `row` into `out`, exact up to one
  /// rounding. Null when the type is known by its size only: such a file can be read, such a model is
  /// refused.
  void (*decode)(const std::byte* row, int64_t values, float* out) = nullptr;

  /// Whether the block at `block` holds only finite scales (for scalars: a finite value). Null with decode.
  bool (*finite)(const std::byte* block) = nullptr;

  /// Bytes of a scale (for scalars: of the value), at a multiple of this in the block. 0 without decode.
  uint32_t scale_bytes = 0;
};

/// All known types, by rising id.
std::span<const TensorType> tensor_types();

/// Null when the id is unknown or belonged to a type that was removed.
const TensorType* find_tensor_type(uint32_t id);
const TensorType* find_tensor_type(std::string_view name);

}  // namespace kigo::quant
