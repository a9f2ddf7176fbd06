// Golden data from outside: arrays in NumPy's .npy format, read strictly and written.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/compare/values.h"

namespace kigo::compare {

/// An array in memory, rows one after another.
struct Npy {
  std::vector<int64_t> shape;  // slowest axis first; empty for a single number
  std::variant<std::vector<float>, std::vector<double>> data;

  Values values() const {
    return std::visit([](const auto& numbers) { return Values(numbers); }, data);
  }
};

/// Reads a .npy file of format 1.0, 2.0 or 3.0 with little-endian float32 or float64 in C order.
///
/// The file must end with its last number. Errors, each with the byte where it shows: io; bad_magic;
/// bad_version; truncated; bad_value (header); unsupported (another type, Fortran order); size_overflow.
/// Source: NumPy's documentation of numpy.lib.format.
Result<Npy> read_npy(const std::string& path);
Result<Npy> parse_npy(std::span<const std::byte> file, std::string subject);

/// Writes float32 in C order, format 1.0; rows of the view may be padded. Errors: io.
Status write_npy(const std::string& path, View<const float, 2> values);

}  // namespace kigo::compare
