#include "kernels/forward/half_weights.h"

#include <cuda_runtime_api.h>

#include <array>

#include "core/base/check.h"
#include "kernels/dequantise.h"
#include "kernels/runtime/owned_stream.h"
#include "kernels/runtime/status.h"

namespace kigo::kernels {
namespace {

using model::Role;

constexpr std::array kQkv = {Role::attn_q, Role::attn_k, Role::attn_v};
constexpr std::array kOutput = {Role::attn_output};
constexpr std::array kGateUp = {Role::ffn_gate, Role::ffn_up};
constexpr std::array kDown = {Role::ffn_down};
constexpr std::array kHead = {Role::output};
constexpr std::array kLayerProducts = {Product::qkv, Product::attn_output, Product::gate_up,
                                       Product::ffn_down};

constexpr int64_t kAlignment = 256;

Status expand_matrix(const ops::Matrix<Space::Device>& w, f16* y, Stream stream) {
  return dequantise<f16>({.w = w, .y = {y, {w.rows, w.cols}}}, stream);
}

}  // namespace

std::span<const Role> roles(Product product) {
  switch (product) {
    case Product::qkv:
      return kQkv;
    case Product::attn_output:
      return kOutput;
    case Product::gate_up:
      return kGateUp;
    case Product::ffn_down:
      return kDown;
    case Product::head:
      return kHead;
  }
  KIGO_CHECK(false);
}

ProductShape shape(Product product, const model::Config& config) {
  ProductShape shape;
  for (const Role role : roles(product)) {
    const std::vector<uint64_t> dims = model::tensor_dims(role, config);  // fastest first
    shape.in = static_cast<int64_t>(dims[0]);
    shape.out += static_cast<int64_t>(dims[1]);
  }
  return shape;
}

Status expand(Product product, int64_t layer, const DeviceWeights& packed, View<f16, 2, Space::Device> y,
              Stream stream) {
  f16* next = y.data;
  for (const Role role : roles(product)) {
    const ops::Matrix<Space::Device> w =
        product == Product::head ? packed.head() : packed.matrix(role, layer);
    KIGO_CHECK(w.cols == y.shape[1] && next + w.rows * w.cols <= y.data + y.size());
    KIGO_TRY(expand_matrix(w, next, stream));
    next += w.rows * w.cols;
  }
  return {};
}

size_t HalfWeights::Layout::product(Product product, int64_t layer, int64_t layers) {
  constexpr auto kEach = static_cast<int64_t>(kLayerProducts.size());
  return static_cast<size_t>(product == Product::head ? layers * kEach
                                                      : layer * kEach + static_cast<int64_t>(product));
}

size_t HalfWeights::Layout::vector(Role role, int64_t layer) {
  return static_cast<size_t>(layer * model::kRoles + static_cast<int64_t>(role));
}

HalfWeights::Layout HalfWeights::lay_out(const model::Config& config, const model::Weights& weights) {
  Layout layout;
  const auto cell = [&layout](int64_t count, int64_t element_bytes) {
    const Cell made{layout.bytes, count};
    layout.bytes += (count * element_bytes + kAlignment - 1) / kAlignment * kAlignment;
    return made;
  };
  const auto product = [&](Product which) {
    const ProductShape sizes = shape(which, config);
    return cell(sizes.out * sizes.in, sizeof(f16));
  };
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    for (const Product which : kLayerProducts) layout.products.push_back(product(which));
    for (int role = 0; role < model::kRoles; ++role) {
      const bool of_this_layer = role >= model::kModelRoles || layer == 0;
      const gguf::Tensor* tensor = of_this_layer ? weights.find(static_cast<Role>(role), layer) : nullptr;
      const bool is_vector = tensor != nullptr && tensor->dims.size() == 1;
      layout.vectors.push_back(is_vector ? cell(static_cast<int64_t>(tensor->elements()), sizeof(float))
                                         : Cell{});
    }
  }
  layout.products.push_back(product(Product::head));
  layout.embedding = weights.tied() ? layout.products.back() : cell(config.vocab * config.width, sizeof(f16));
  return layout;
}

int64_t HalfWeights::bytes(const model::Config& config, const model::Weights& weights) {
  return lay_out(config, weights).bytes;
}

Result<HalfWeights> HalfWeights::make(const DeviceWeights& packed, const model::Config& config,
                                      const model::Weights& weights, Vram& vram, Stream stream) {
  HalfWeights half;
  half.config_ = config;
  half.layout_ = lay_out(config, weights);
  KIGO_ASSIGN(half.arena_, vram.allocate(Purpose::weights, half.layout_.bytes, "weights in half"));
  const auto expand_product = [&](Product product, int64_t layer) {
    const Cell& cell = half.layout_.products[Layout::product(product, layer, config.layers)];
    const ProductShape sizes = shape(product, config);
    return expand(product, layer, packed, {reinterpret_cast<f16*>(half.at(cell)), {sizes.out, sizes.in}},
                  stream);
  };
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    for (const Product product : kLayerProducts) KIGO_TRY(expand_product(product, layer));
    for (int index = 0; index < model::kRoles; ++index) {
      const auto role = static_cast<Role>(index);
      const Cell& cell = half.layout_.vectors[Layout::vector(role, layer)];
      if (cell.count == 0) continue;
      KIGO_TRY(status_of(
          cudaMemcpyAsync(half.at(cell), packed.vector(role, layer).data,
                          static_cast<size_t>(cell.count) * sizeof(float), cudaMemcpyDeviceToDevice, stream),
          "copy of a vector"));
    }
  }
  KIGO_TRY(expand_product(Product::head, 0));
  if (!weights.tied()) {
    KIGO_TRY(expand_matrix(packed.matrix(Role::token_embd),
                           reinterpret_cast<f16*>(half.at(half.layout_.embedding)), stream));
  }
  KIGO_TRY(synchronize(stream));
  return half;
}

View<const f16, 2, Space::Device> HalfWeights::matrices(Product product, int64_t layer) const {
  const ProductShape sizes = shape(product, config_);
  const Cell& cell = layout_.products[Layout::product(product, layer, config_.layers)];
  return {reinterpret_cast<const f16*>(at(cell)), {sizes.out, sizes.in}};
}

View<const float, 1, Space::Device> HalfWeights::vector(Role role, int64_t layer) const {
  const Cell& cell = layout_.vectors[Layout::vector(role, layer)];
  if (cell.count == 0) return {nullptr, {0}};
  return {reinterpret_cast<const float*>(at(cell)), {cell.count}};
}

ops::Matrix<Space::Device> HalfWeights::embedding() const {
  return {.data = at(layout_.embedding),
          .type = quant::find_tensor_type("F16"),
          .rows = config_.vocab,
          .cols = config_.width};
}

}  // namespace kigo::kernels
