#include "core/ops/repack.h"

#include <string>

#include "core/base/cat.h"
#include "core/ops/packing.h"

namespace kigo::ops {

Status expect_packed_rows(const char* op, const quant::TensorType* type, int64_t rows, int64_t cols,
                          int64_t first_row, int64_t block_bytes, int64_t packed_size, bool has_data) {
  if (type == nullptr || find_packing(type->id) == nullptr) {
    return fail(Code::unsupported, cat(op, ".type"), type == nullptr ? "no type" : std::string(type->name),
                "a type that has a packed form");
  }
  if (rows < 1 || cols < 1 || cols % type->block_values != 0) {
    return fail(Code::bad_shape, cat(op, ".matrix"), cat("shape [", rows, ", ", cols, "]"),
                cat("rows of whole blocks of ", type->block_values));
  }
  const int64_t row_bytes = cols / type->block_values * type->block_bytes;
  if (block_bytes < 0 || block_bytes % row_bytes != 0) {
    return fail(Code::bad_shape, cat(op, ".blocks"), cat(block_bytes, " bytes"),
                cat("whole rows of ", row_bytes, " bytes"));
  }
  const int64_t piece = block_bytes / row_bytes;
  if (first_row < 0 || first_row > rows || piece > rows - first_row) {
    return fail(Code::bad_shape, cat(op, ".blocks"), cat(piece, " rows from row ", first_row, " on"),
                cat("rows below ", rows));
  }
  const int64_t needed = packed_bytes(*type, rows, cols);
  if (packed_size != needed) {
    return fail(Code::bad_shape, cat(op, ".packed"), cat(packed_size, " bytes"), cat(needed, " bytes"));
  }
  if (piece != 0 && !has_data) {
    return fail(Code::bad_shape, std::string(op), "no data", cat("memory for ", piece, " rows"));
  }
  return {};
}

}  // namespace kigo::ops
