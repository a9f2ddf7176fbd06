// Small owned arrays with padded rows for the tests of the reference.
#pragma once

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <limits>
#include <vector>

#include "core/base/check.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/matrix.h"

namespace kigo::test {

/// What a sampler's filter makes of a logit that it drops.
inline constexpr double kOut = -std::numeric_limits<double>::infinity();

/// Rows of `width` elements, `padding` more between them. All of it starts as NaN, so that an element that is
/// read from the padding, or never written, shows.
template <class T>
class Grid {
 public:
  Grid(int64_t rows, int64_t width, int64_t padding = 0)
      : rows_(rows),
        width_(width),
        stride_(width + padding),
        values_(static_cast<size_t>(rows * stride_), std::numeric_limits<T>::quiet_NaN()) {}
  Grid(int64_t rows, int64_t width, std::initializer_list<double> values, int64_t padding = 0)
      : Grid(rows, width, padding) {
    EXPECT_EQ(static_cast<int64_t>(values.size()), rows * width);
    int64_t n = 0;
    for (const double v : values) (*this)(n / width, n % width) = static_cast<T>(v), ++n;
  }
  static Grid random(int64_t rows, int64_t width, uint64_t seed, int64_t padding = 0) {
    Grid grid(rows, width, padding);
    Random random(seed);
    for (int64_t r = 0; r < rows; ++r) {
      for (int64_t i = 0; i < width; ++i) grid(r, i) = static_cast<T>(random.normal());
    }
    return grid;
  }

  T& operator()(int64_t r, int64_t i) { return values_[static_cast<size_t>(r * stride_ + i)]; }
  const T& operator()(int64_t r, int64_t i) const { return values_[static_cast<size_t>(r * stride_ + i)]; }

  View<T, 2> view() { return {values_.data(), {rows_, width_}, {stride_, 1}}; }
  /// [rows, heads, width / heads]
  View<T, 3> heads(int64_t count) {
    return {values_.data(), {rows_, count, width_ / count}, {stride_, width_ / count, 1}};
  }
  /// The elements without the padding.
  std::vector<T> dense() const {
    std::vector<T> out;
    for (int64_t r = 0; r < rows_; ++r) {
      for (int64_t i = 0; i < width_; ++i) out.push_back((*this)(r, i));
    }
    return out;
  }
  int64_t rows() const { return rows_; }
  int64_t width() const { return width_; }

 private:
  int64_t rows_, width_, stride_;
  std::vector<T> values_;
};

/// A copy of some numbers, fewer than a page of them, whose end is that of the memory that may be read.
class BeforeTheWall {
 public:
  explicit BeforeTheWall(const std::vector<float>& values)
      : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))), bytes_(values.size() * sizeof(float)) {
    pages_ = mmap(nullptr, 2 * page_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    KIGO_CHECK(pages_ != MAP_FAILED && bytes_ <= page_);
    std::memcpy(start(), values.data(), bytes_);
    KIGO_CHECK(mprotect(static_cast<std::byte*>(pages_) + page_, page_, PROT_NONE) == 0);
  }
  BeforeTheWall(const BeforeTheWall&) = delete;
  BeforeTheWall& operator=(const BeforeTheWall&) = delete;
  ~BeforeTheWall() { munmap(pages_, 2 * page_); }
  const std::byte* data() const { return start(); }

 private:
  std::byte* start() const { return static_cast<std::byte*>(pages_) + page_ - bytes_; }
  size_t page_, bytes_;
  void* pages_;
};

template <class T>
View<const T, 1> row_view(const std::vector<T>& values) {
  return {values.data(), {static_cast<int64_t>(values.size())}};
}

/// A matrix of type F32 on a vector that outlives it.
inline ops::Matrix<Space::Host> f32_matrix(const std::vector<float>& values, int64_t rows, int64_t cols) {
  EXPECT_EQ(static_cast<int64_t>(values.size()), rows * cols);
  return {reinterpret_cast<const std::byte*>(values.data()), quant::find_tensor_type("F32"), rows, cols};
}

inline std::vector<float> random_floats(int64_t count, uint64_t seed) {
  std::vector<float> values;
  Random random(seed);
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<float>(random.normal()));
  return values;
}

/// The whole message of a refusal, or "accepted".
inline std::string message(const Status& status) { return status ? "accepted" : status.error().message(); }

}  // namespace kigo::test
