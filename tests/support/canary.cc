#include "tests/support/canary.h"

#include <cstring>

#include "core/base/cat.h"
#include "tests/pairs/data.h"

namespace kigo::test {
namespace {

using pairs::Part;

// A tile or a few rows too far still lands here.
constexpr size_t kMargin = 4096;

size_t rounded_up(size_t n, size_t step) { return (n + step - 1) / step * step; }

}  // namespace

Image::Image(const pairs::Tensor& tensor, const Layout& layout)
    : tensor_(&tensor), element_(pairs::element_bytes(tensor.type)), stride_(tensor.shape) {
  const bool padded = layout.padded && tensor.padded;
  const size_t rank = tensor.shape.size();
  KIGO_CHECK(rank >= 1);
  // Odd strides, other ones on every axis: a row starts at any element, and no two axes can be mixed up.
  int64_t step = 1;
  for (size_t axis = rank; axis-- > 0;) {
    stride_[axis] = step;
    step *= tensor.shape[axis];
    if (padded && axis != 0) step = (step + static_cast<int64_t>(2 * rank - axis)) | 1;
  }
  row_bytes_ = static_cast<size_t>(tensor.shape[rank - 1] * element_);
  first_ = kMargin + (padded ? static_cast<size_t>(element_) : 0);
  bytes_.assign(rounded_up(first_ + static_cast<size_t>(step * element_) + kMargin, 256), layout.fill);
  if (tensor.part == Part::in || tensor.part == Part::inout) {
    rows([&](size_t at, size_t from) { std::memcpy(&bytes_[at], &tensor.data[from], row_bytes_); });
  }
}

template <class Visit>
void Image::rows(Visit visit) const {
  if (tensor_->elements() == 0) return;
  const std::vector<int64_t>& shape = tensor_->shape;
  const size_t outer = shape.size() - 1;
  std::vector<int64_t> index(outer, 0);
  for (size_t from = 0;; from += row_bytes_) {
    int64_t offset = 0;
    for (size_t axis = 0; axis < outer; ++axis) offset += index[axis] * stride_[axis];
    visit(first_ + static_cast<size_t>(offset * element_), from);
    size_t axis = outer;
    while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

pairs::Placed Image::placed(std::byte* base) const {
  return {.data = base + first_, .type = tensor_->type, .shape = tensor_->shape, .stride = stride_};
}

std::vector<std::byte> Image::elements(std::span<const std::byte> buffer) const {
  std::vector<std::byte> out(static_cast<size_t>(tensor_->elements() * element_));
  rows([&](size_t at, size_t from) { std::memcpy(&out[from], &buffer[at], row_bytes_); });
  return out;
}

std::vector<Trespass> Image::trespasses(std::span<const std::byte> after) const {
  KIGO_CHECK(after.size() == bytes_.size());
  std::vector<Trespass> found;
  const auto compare = [&](Trespass::Where where, std::span<const std::byte> now) {
    if (std::memcmp(now.data(), bytes_.data(), now.size()) == 0) return;
    size_t changed = 0, first = 0;
    for (size_t at = 0; at < now.size(); ++at) {
      if (now[at] != bytes_[at] && changed++ == 0) first = at;
    }
    found.push_back({where, cat(tensor_->name, ": ", changed, " bytes changed, first ", place(first))});
  };
  // Twice with a part of the bytes set back: once the elements, once everything else.
  std::vector<std::byte> around(after.begin(), after.end());
  rows([&](size_t at, size_t) { std::memcpy(&around[at], &bytes_[at], row_bytes_); });
  compare(Trespass::Where::around, around);
  if (tensor_->part == Part::in) {
    std::vector<std::byte> inside = bytes_;
    rows([&](size_t at, size_t) { std::memcpy(&inside[at], &after[at], row_bytes_); });
    compare(Trespass::Where::input, inside);
  }
  return found;
}

std::string Image::place(size_t at) const {
  if (at < first_) return cat(first_ - at, " bytes before the first element");
  size_t end = first_;
  rows([&](size_t row, size_t) { end = row + row_bytes_; });
  if (at >= end) return cat(at - end, " bytes after the last element");
  size_t row = 0;
  size_t of = 0, n = 0;
  rows([&](size_t start, size_t) {
    if (start <= at) row = start, of = n;
    ++n;
  });
  if (at < row + row_bytes_)
    return cat("in row ", of, ", element ", (at - row) / static_cast<size_t>(element_));
  return cat(at - row - row_bytes_, " bytes after the end of row ", of);
}

}  // namespace kigo::test
