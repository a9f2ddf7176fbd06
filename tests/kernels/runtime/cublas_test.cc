// The transposition rule: against a plain column-major product, without a GPU, and through cuBLAS.
#include "kernels/runtime/cublas.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "kernels/runtime/copy.h"
#include "kernels/runtime/graph.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

/// Three different sizes, three different paddings: nothing can be swapped unseen.
struct Sizes {
  int64_t tokens;
  int64_t in;
  int64_t out;
  int64_t x_stride;
  int64_t w_stride;
  int64_t y_stride;
};
constexpr Sizes kSizes{.tokens = 3, .in = 5, .out = 7, .x_stride = 6, .w_stride = 8, .y_stride = 11};

/// Small whole numbers, so that every order of sums gives the same bits; no symmetry.
double x_value(int64_t t, int64_t i) { return static_cast<double>((t * 7 + i * 3) % 11 - 4); }
double w_value(int64_t j, int64_t i) { return static_cast<double>((j * 5 + i * i) % 13 - 6); }

template <class T, class Value>
std::vector<T> padded(int64_t rows, int64_t cols, int64_t stride, T padding, Value value) {
  std::vector<T> data(static_cast<size_t>(rows * stride), padding);
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) data[static_cast<size_t>(r * stride + c)] = value(r, c);
  return data;
}

double expected(const Sizes& sizes, int64_t t, int64_t j) {
  double sum = 0;
  for (int64_t i = 0; i < sizes.in; ++i) sum += w_value(j, i) * x_value(t, i);
  return sum;
}

// C[m, n] = op(A) op(B) from the manual: element (i, j) of a matrix is at i + j * its leading dimension.
void column_major_product(const ColumnMajor& gemm, const std::vector<double>& a, const std::vector<double>& b,
                          std::vector<double>& c) {
  const auto at = [](const std::vector<double>& data, bool transpose, int64_t row, int64_t column,
                     int64_t ld) {
    return data[static_cast<size_t>(transpose ? column + row * ld : row + column * ld)];
  };
  for (int64_t i = 0; i < gemm.m; ++i) {
    for (int64_t j = 0; j < gemm.n; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < gemm.k; ++k)
        sum += at(a, gemm.transpose_a, i, k, gemm.lda) * at(b, gemm.transpose_b, k, j, gemm.ldb);
      c[static_cast<size_t>(i + j * gemm.ldc)] = sum;
    }
  }
}

TEST(LinearAsColumnMajor, GivesTheRowMajorProduct) {
  const Sizes& s = kSizes;
  const ColumnMajor gemm = linear_as_column_major(s.tokens, s.in, s.out, s.x_stride, s.w_stride, s.y_stride);
  const auto w = padded<double>(s.out, s.in, s.w_stride, NAN, w_value);
  const auto x = padded<double>(s.tokens, s.in, s.x_stride, NAN, x_value);
  std::vector<double> y(static_cast<size_t>(s.tokens * s.y_stride), -99);
  column_major_product(gemm, w, x, y);
  for (int64_t t = 0; t < s.tokens; ++t) {
    for (int64_t j = 0; j < s.y_stride; ++j) {
      EXPECT_EQ(y[static_cast<size_t>(t * s.y_stride + j)], j < s.out ? expected(s, t, j) : -99)
          << "token " << t << ", output " << j;
    }
  }
}

TEST(LinearAsColumnMajor, LeavesRoomForAColumnWhenASingleRowHasNoStride) {
  const ColumnMajor gemm = linear_as_column_major(1, 5, 7, 0, 5, 0);
  EXPECT_EQ(gemm.ldb, 5);
  EXPECT_EQ(gemm.ldc, 7);
}

class GpuCublas : public testing::Test {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

/// Operands on the device, y full of `y_before`.
struct Product {
  Product(Context& owner, const Sizes& sizes, float y_before) : context(owner), s(sizes) {
    const auto half = [](double value) { return to_f16(value); };
    const f16 nan{0x7E00};
    place(x,
          padded<f16>(s.tokens, s.in, s.x_stride, nan, [&](auto t, auto i) { return half(x_value(t, i)); }));
    place(w, padded<f16>(s.out, s.in, s.w_stride, nan, [&](auto j, auto i) { return half(w_value(j, i)); }));
    place(y, std::vector<float>(static_cast<size_t>(s.tokens * s.y_stride), y_before));
  }
  template <class T>
  void place(DeviceArray<T>& array, const std::vector<T>& values) {
    auto made = context.vram().array<T>(Purpose::activations, static_cast<int64_t>(values.size()), "operand");
    KIGO_CHECK(made.has_value());
    array = std::move(*made);
    KIGO_CHECK(upload_and_wait<T>(array.view(), std::span<const T>(values), context.stream()).has_value());
  }
  Status run(const Cublas& cublas, float beta) {
    return matmul_half(cublas, {x.data(), {s.tokens, s.in}, {s.x_stride, 1}},
                       {w.data(), {s.out, s.in}, {s.w_stride, 1}},
                       {y.data(), {s.tokens, s.out}, {s.y_stride, 1}}, beta, context.stream());
  }
  void expect(double beta_times_y, float untouched) {
    const auto found = download_and_wait<float>(y.view(), context.stream());
    ASSERT_TRUE(found) << found.error().message();
    for (int64_t t = 0; t < s.tokens; ++t) {
      for (int64_t j = 0; j < s.y_stride; ++j) {
        const auto want = j < s.out ? static_cast<float>(expected(s, t, j) + beta_times_y) : untouched;
        ASSERT_EQ((*found)[static_cast<size_t>(t * s.y_stride + j)], want)
            << "token " << t << ", output " << j;
      }
    }
  }

  Context& context;
  Sizes s;
  DeviceArray<f16> x;
  DeviceArray<f16> w;
  DeviceArray<float> y;
};

TEST_F(GpuCublas, MultipliesMatricesOfThreeDifferentSizes) {
  Context context = test::make_context();
  const auto cublas = Cublas::create(context.vram());
  ASSERT_TRUE(cublas) << cublas.error().message();
  for (const Sizes& sizes :
       {kSizes, Sizes{.tokens = 1, .in = 5, .out = 7, .x_stride = 5, .w_stride = 5, .y_stride = 7},
        Sizes{.tokens = 65, .in = 896, .out = 130, .x_stride = 904, .w_stride = 896, .y_stride = 132}}) {
    Product product(context, sizes, -99);
    const Status status = product.run(*cublas, 0);
    ASSERT_TRUE(status) << status.error().message();
    product.expect(0, -99);
  }
}

TEST_F(GpuCublas, AddsToWhatIsThereWhenBetaIsOne) {
  Context context = test::make_context();
  const auto cublas = Cublas::create(context.vram());
  ASSERT_TRUE(cublas) << cublas.error().message();
  Product product(context, kSizes, 10);
  ASSERT_TRUE(product.run(*cublas, 1));
  product.expect(10, 10);
}

TEST_F(GpuCublas, WorksInsideAGraph) {
  Context context = test::make_context();
  const auto cublas = Cublas::create(context.vram());
  ASSERT_TRUE(cublas) << cublas.error().message();
  Product product(context, kSizes, -99);
  const auto graph = Graph::capture(context.stream(), [&] { return product.run(*cublas, 0); });
  ASSERT_TRUE(graph) << graph.error().message();
  const auto exec = GraphExec::create(*graph);
  ASSERT_TRUE(exec) << exec.error().message();
  ASSERT_TRUE(exec->launch(context.stream()));
  product.expect(0, -99);
}

TEST_F(GpuCublas, RefusesShapesThatDoNotMeet) {
  Context context = test::make_context();
  const auto cublas = Cublas::create(context.vram());
  ASSERT_TRUE(cublas) << cublas.error().message();
  Product product(context, kSizes, -99);
  product.s.out = 6;  // w and y agree, x does not
  product.s.in = 9;   // longer than the stride between rows
  const Status status = product.run(*cublas, 0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::bad_shape);
}

}  // namespace
}  // namespace kigo::kernels
