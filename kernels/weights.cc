#include "kernels/weights.h"

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/ops/packing.h"

namespace kigo::kernels {
namespace {

constexpr int64_t kTensorAlignment = 256;  // of every tensor: that of the planes in it

int64_t aligned(int64_t bytes) {
  return (bytes + kTensorAlignment - 1) / kTensorAlignment * kTensorAlignment;
}

size_t slot(model::Role role, int64_t layer) {
  const int index = static_cast<int>(role);
  if (index < model::kModelRoles) return static_cast<size_t>(index);
  return static_cast<size_t>(model::kModelRoles + layer * (model::kRoles - model::kModelRoles) + index -
                             model::kModelRoles);
}

Result<Place> measured(const gguf::Tensor& tensor, model::Role role, int64_t layer) {
  Place place{.role = role, .layer = layer, .tensor = &tensor};
  place.matrix = tensor.dims.size() == 2;
  place.cols = static_cast<int64_t>(tensor.dims[0]);
  place.rows = place.matrix ? static_cast<int64_t>(tensor.dims[1]) : 1;
  if (!place.matrix) {
    place.bytes = place.cols * static_cast<int64_t>(sizeof(float));
    return place;
  }
  if (ops::find_packing(tensor.type->id) == nullptr) {
    return fail(Code::unsupported, escaped(tensor.name), cat("type ", tensor.type->name),
                "a type with a packed form", tensor.entry_offset);
  }
  place.bytes = ops::packed_bytes(*tensor.type, place.rows, place.cols);
  return place;
}

}  // namespace

Result<WeightsLayout> WeightsLayout::make(const model::Weights& weights, const model::Config& config) {
  WeightsLayout layout;
  const auto add = [&](int index, int64_t layer) -> Status {
    const auto role = static_cast<model::Role>(index);
    const gguf::Tensor* tensor = weights.find(role, layer);
    layout.by_slot_.push_back(tensor == nullptr ? -1 : static_cast<int>(layout.places_.size()));
    if (tensor == nullptr) return {};
    KIGO_ASSIGN(Place place, measured(*tensor, role, layer));
    place.offset = layout.bytes_;
    layout.bytes_ += aligned(place.bytes);
    layout.places_.push_back(place);
    return {};
  };
  for (int role = 0; role < model::kModelRoles; ++role) KIGO_TRY(add(role, 0));
  for (int64_t layer = 0; layer < config.layers; ++layer)
    for (int role = model::kModelRoles; role < model::kRoles; ++role) KIGO_TRY(add(role, layer));
  return layout;
}

const Place* WeightsLayout::find(model::Role role, int64_t layer) const {
  const size_t at = slot(role, layer);
  KIGO_CHECK(layer >= 0 && at < by_slot_.size());
  return by_slot_[at] < 0 ? nullptr : &places_[static_cast<size_t>(by_slot_[at])];
}

ops::Matrix<Space::Device> DeviceWeights::matrix(model::Role role, int64_t layer) const {
  using model::Role;
  if (layer == 3 && (role == Role::ffn_gate || role == Role::ffn_up) && KIGO_FAULT(F14a))
    role = role == Role::ffn_gate ? Role::ffn_up : Role::ffn_gate;
  if (layer == 3 && (role == Role::attn_k || role == Role::attn_v) && KIGO_FAULT(F14b))
    role = role == Role::attn_k ? Role::attn_v : Role::attn_k;
  const Place* place = layout_.find(role, layer);
  if (place == nullptr) return {};
  KIGO_CHECK(place->matrix);
  return {.data = data(*place), .type = place->tensor->type, .rows = place->rows, .cols = place->cols};
}

View<const float, 1, Space::Device> DeviceWeights::vector(model::Role role, int64_t layer) const {
  const Place* place = layout_.find(role, layer);
  if (place == nullptr) return {nullptr, {0}};
  KIGO_CHECK(!place->matrix);
  return {reinterpret_cast<const float*>(data(*place)), {place->cols}};
}

ops::Matrix<Space::Device> DeviceWeights::head() const {
  const ops::Matrix<Space::Device> output = matrix(model::Role::output);
  return output.data != nullptr ? output : matrix(model::Role::token_embd);
}

}  // namespace kigo::kernels
