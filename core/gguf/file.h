// What a GGUF file holds, as the reader hands it out and the writer takes it. Nothing is copied out of the
// file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <variant>
#include <vector>

#include "core/gguf/name_index.h"
#include "core/quant/tensor_type.h"

namespace kigo::gguf {

/// Value types by their id in the file.
enum class ValueType : uint32_t { u8, i8, u16, i16, u32, i32, f32, boolean, string, array, u64, i64, f64 };
inline constexpr uint32_t kValueTypes = static_cast<uint32_t>(ValueType::f64) + 1;

std::string_view name(ValueType type);  // "u8" ... "bool", "string", "array"

/// Bytes of one number or bool; 0 for strings and arrays, whose size the value itself decides.
uint64_t size_bytes(ValueType type);

/// Elements of one type. Numbers and bools lie in `bytes` as in the file, unaligned and little endian;
/// strings are views on the file. Arrays do not nest.
struct Array {
  ValueType element = ValueType::u8;
  uint64_t count = 0;
  std::span<const std::byte> bytes;       // empty for strings
  std::vector<std::string_view> strings;  // empty for numbers

  /// Element i as T, which must be the element type's own C++ type.
  template <class T>
  T at(uint64_t i) const {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    return value;
  }
};

bool operator==(const Array& a, const Array& b);

/// The index of the alternative is the ValueType.
using Value = std::variant<uint8_t, int8_t, uint16_t, int16_t, uint32_t, int32_t, float, bool,
                           std::string_view, Array, uint64_t, int64_t, double>;

inline ValueType type_of(const Value& value) { return static_cast<ValueType>(value.index()); }

struct Pair {
  std::string_view key;
  Value value;
  uint64_t offset = 0;  // of the pair's first byte in the file; not compared
};

/// Same key, same type, same bits: a NaN equals itself and 0 differs from -0.
bool operator==(const Pair& a, const Pair& b);

struct Tensor {
  std::string_view name;
  std::vector<uint64_t> dims;  // fastest first, as in the file: [in, out] for a matrix
  const quant::TensorType* type = nullptr;
  std::span<const std::byte> data;
  uint64_t offset = 0;  // relative to the data section; follows from what stands before it, not compared
  uint64_t entry_offset = 0;  // of the tensor info's first byte in the file; not compared

  uint64_t elements() const {  // 1 for a scalar
    uint64_t count = 1;
    for (const uint64_t dim : dims) count *= dim;
    return count;
  }

  /// What type and shape require; both must have passed the reader's checks.
  uint64_t size_bytes() const { return elements() / type->block_values * type->block_bytes; }
};

bool operator==(const Tensor& a, const Tensor& b);

/// Views on bytes that somebody else keeps alive (MappedFile does).
struct File {
  uint32_t version = 3;
  uint64_t alignment = 32;
  std::vector<Pair> metadata;   // in file order
  std::vector<Tensor> tensors;  // in file order
  uint64_t head_bytes = 0;      // header, metadata and tensor infos; padding follows
  uint64_t data_offset = 0;     // of the data section
  uint64_t trailing_bytes = 0;  // beyond the aligned end of the last tensor

  /// Filled by the reader. Whoever changes names or order afterwards sets them to {}.
  NameIndex pair_index;
  NameIndex tensor_index;

  /// Null when there is none. Constant time in a file that was read, linear in one that was put together.
  const Value* find(std::string_view key) const;
  const Pair* find_pair(std::string_view key) const;
  const Tensor* find_tensor(std::string_view name) const;
};

/// Same version, alignment, pairs and tensors in the same order; where they lie is not compared.
bool operator==(const File& a, const File& b);

}  // namespace kigo::gguf
