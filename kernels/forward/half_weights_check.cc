// Reading expanded weights back and comparing them with the file, value by value.
#include <algorithm>
#include <array>
#include <type_traits>
#include <vector>

#include "core/base/cat.h"
#include "kernels/forward/half_weights.h"
#include "kernels/runtime/copy.h"

namespace kigo::kernels {
namespace {

constexpr int64_t kPieceValues = int64_t{8} << 20;

/// Values of `rows` rows of a tensor from `first` on, as they are expected on the device.
template <class T>
void decode_rows(const gguf::Tensor& tensor, int64_t first, std::span<T> values) {
  const auto cols = static_cast<int64_t>(tensor.dims[0]);
  const int64_t row_bytes = cols / tensor.type->block_values * tensor.type->block_bytes;
  std::vector<float> floats(values.size());
  tensor.type->decode(tensor.data.data() + first * row_bytes, static_cast<int64_t>(floats.size()),
                      floats.data());
  std::transform(floats.begin(), floats.end(), values.begin(), [](float value) {
    if constexpr (std::is_same_v<T, f16>)
      return to_f16(double{value});
    else
      return value;
  });
}

/// A tensor of rows that lie one after another from `data` on, as T.
template <class T>
Status check_tensor(const gguf::Tensor& tensor, const T* data, Stream stream) {
  const auto cols = static_cast<int64_t>(tensor.dims[0]);
  const int64_t rows = static_cast<int64_t>(tensor.elements()) / cols;
  const int64_t piece = std::max<int64_t>(1, kPieceValues / cols);
  for (int64_t first = 0; first < rows; first += piece) {
    const auto count = static_cast<size_t>(std::min(piece, rows - first) * cols);
    std::vector<T> want(count), got(count);
    decode_rows<T>(tensor, first, want);
    KIGO_TRY(download(std::as_writable_bytes(std::span(got)),
                      reinterpret_cast<const std::byte*>(data + first * cols), stream));
    KIGO_TRY(synchronize(stream));
    const auto [g, w] = std::mismatch(got.begin(), got.end(), want.begin(), [](T a, T b) { return a == b; });
    if (g == got.end()) continue;
    const int64_t at = first * cols + (g - got.begin());
    return fail(Code::bad_data, escaped(tensor.name),
                cat("another value at row ", at / cols, ", column ", at % cols),
                "the file's, rounded to half");
  }
  return {};
}

}  // namespace

Status HalfWeights::verify(const model::Weights& weights, Stream stream) const {
  constexpr std::array kProducts = {Product::qkv, Product::attn_output, Product::gate_up, Product::ffn_down};
  for (int64_t layer = 0; layer < config_.layers; ++layer) {
    for (const Product product : kProducts) {
      const f16* data = matrices(product, layer).data;
      for (const model::Role role : roles(product)) {
        const gguf::Tensor& tensor = *weights.find(role, layer);
        KIGO_TRY(check_tensor(tensor, data, stream));
        data += tensor.elements();
      }
    }
    for (int index = 0; index < model::kRoles; ++index) {
      const auto role = static_cast<model::Role>(index);
      if (index < model::kModelRoles && layer > 0) continue;
      const View<const float, 1, Space::Device> loaded = vector(role, layer);
      if (loaded.data != nullptr) KIGO_TRY(check_tensor(*weights.find(role, layer), loaded.data, stream));
    }
  }
  KIGO_TRY(check_tensor(weights.head(), matrices(Product::head).data, stream));
  return check_tensor(*weights.find(model::Role::token_embd), reinterpret_cast<const f16*>(embedding().data),
                      stream);
}

}  // namespace kigo::kernels
