// Tensors in a safetensors file: names, types and shapes in a JSON head, then the bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kigo::compare {

/// Element types that are read as numbers.
enum class Dtype : uint8_t { f64, f32, f16, bf16 };
std::string_view name(Dtype type);  // "F32", as in the file
int64_t size_bytes(Dtype type);

struct SafeTensor {
  std::string name;
  Dtype type = Dtype::f32;
  std::vector<int64_t> shape;       // slowest axis first
  std::span<const std::byte> data;  // little endian, rows one after another, not aligned
};

/// What a file holds. The bytes are not copied and outlive this.
struct SafeTensors {
  std::vector<SafeTensor> tensors;              // in the order of their data
  std::map<std::string, std::string> metadata;  // the member __metadata__
};

/// Reads a whole file strictly: the head is a JSON object of at most 100,000,000 bytes, and the tensors' data
/// lie behind it one after another, in any order, without gap or overlap, to the end of the file.
///
/// Errors: truncated; bad_value (head, with the byte where it shows); bad_shape; size_overflow; bad_offset;
/// unsupported for another element type.
/// Source: the format's description at huggingface.co/docs/safetensors.
Result<SafeTensors> parse_safetensors(std::span<const std::byte> file, const std::string& subject);

/// Elements `first` to first + count of a tensor, widened. They must be there.
std::vector<double> values_of(const SafeTensor& tensor, int64_t first, int64_t count);

}  // namespace kigo::compare
