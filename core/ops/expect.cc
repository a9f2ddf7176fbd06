#include "core/ops/expect.h"

#include <algorithm>

#include "core/base/cat.h"

namespace kigo::ops {

Status expect_layout(std::string_view subject, const Layout& found, std::span<const int64_t> expected) {
  const auto refuse = [&](std::string what, std::string wanted) {
    return fail(Code::bad_shape, std::string(subject), std::move(what), std::move(wanted));
  };
  if (std::ranges::any_of(found.shape, [](int64_t n) { return n < 0; })) {
    return refuse(cat("shape ", list(found.shape)), "no negative size");
  }
  if (!std::ranges::equal(found.shape, expected)) {
    return refuse(cat("shape ", list(found.shape)), list(expected));
  }
  if (std::ranges::find(found.shape, 0) != found.shape.end()) return {};
  const size_t last = found.shape.size() - 1;
  if (found.stride[last] != 1) return refuse(cat("stride ", list(found.stride)), "1 on the last axis");
  for (size_t axis = 0; axis < last; ++axis) {
    const int64_t needed = found.shape[axis + 1] * found.stride[axis + 1];
    if (found.shape[axis] > 1 && found.stride[axis] < needed) {
      return refuse(cat("stride ", list(found.stride)), cat("at least ", needed, " on axis ", axis));
    }
  }
  if (!found.has_data) return refuse("no data", cat("memory for ", list(found.shape)));
  return {};
}

Status expect_between(std::string_view subject, int64_t value, int64_t low, int64_t high) {
  if (low <= value && value <= high) return {};
  return fail(Code::unsupported, std::string(subject), cat(value), cat(low, " to ", high));
}

Status expect_matrix(std::string_view subject, const quant::TensorType* type, int64_t rows, int64_t cols,
                     bool has_data) {
  const std::string name(subject);
  if (type == nullptr) return fail(Code::unsupported, name, "no type", "a type that can be decoded");
  if (type->decode == nullptr) {
    return fail(Code::unsupported, name, std::string(type->name), "a type that can be decoded");
  }
  if (rows < 1 || cols < 1 || cols % type->block_values != 0) {
    return fail(Code::bad_shape, name, cat("shape [", rows, ", ", cols, "]"),
                cat("rows of whole blocks of ", type->block_values));
  }
  if (!has_data) return fail(Code::bad_shape, name, "no data", cat("memory for ", rows, " rows"));
  return {};
}

}  // namespace kigo::ops
