// What the contracts of the operations check in the same words: shapes, strides, missing memory, bounds.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/matrix.h"

namespace kigo::ops {

/// A view of any rank, element type and space, as far as a contract looks at it.
struct Layout {
  bool has_data;
  std::span<const int64_t> shape;
  std::span<const int64_t> stride;
};

/// The shape is the expected one, the last axis is contiguous, rows do not overlap, and memory is there
/// unless the view is empty. `subject` reads "rmsnorm.weight". Errors: bad_shape.
Status expect_layout(std::string_view subject, const Layout& found, std::span<const int64_t> expected);

template <class T, int Rank, Space S>
Status expect_view(std::string_view subject, const View<T, Rank, S>& found,
                   const std::array<int64_t, static_cast<size_t>(Rank)>& expected) {
  return expect_layout(subject, {found.data != nullptr, found.shape, found.stride}, expected);
}

/// low <= value <= high. Errors: unsupported.
Status expect_between(std::string_view subject, int64_t value, int64_t low, int64_t high);

/// A known way to decode, whole blocks in a row, and memory. Errors: unsupported, bad_shape.
Status expect_matrix(std::string_view subject, const quant::TensorType* type, int64_t rows, int64_t cols,
                     bool has_data);

template <Space S>
Status expect_matrix(std::string_view subject, const Matrix<S>& matrix) {
  return expect_matrix(subject, matrix.type, matrix.rows, matrix.cols, matrix.data != nullptr);
}

}  // namespace kigo::ops
