#include "core/compare/damage.h"

#include <algorithm>
#include <array>
#include <numeric>
#include <utility>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::compare {
namespace {

constexpr size_t kListed = 16;

/// The tiles whose last, partial one begins at `first`, which is neither 0 nor the end: "8, 16", or nothing.
std::string partial_tiles(int64_t first, int64_t size) {
  std::string text;
  for (const int64_t tile : {8, 16, 32, 64, 128, 256, 512, 1024}) {
    if (first == size / tile * tile) text += cat(text.empty() ? "" : ", ", tile);
  }
  return text;
}

AxisDamage describe_axis(const std::vector<bool>& hit, bool last_axis) {
  using Kind = AxisDamage::Kind;
  const auto size = static_cast<int64_t>(hit.size());
  AxisDamage axis;
  int64_t count = 0, step = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (!hit[static_cast<size_t>(i)]) continue;
    if (count++ == 0) axis.first = i;
    step = std::gcd(step, i - axis.first);
    axis.last = i;
    if (axis.indices.size() < kListed) axis.indices.push_back(i);
  }
  const bool gapless = axis.last - axis.first + 1 == count;
  const bool to_the_end = axis.last == size - 1;
  const auto kind = [&] {
    if (count == size) return Kind::all;
    if (last_axis && gapless && to_the_end && !partial_tiles(axis.first, size).empty())
      return Kind::partial_tile;
    if (count == 1) return Kind::one;
    if (gapless) return to_the_end ? Kind::from : axis.first == 0 ? Kind::up_to : Kind::range;
    if (count >= 3 && step >= 2 && (axis.last - axis.first) / step + 1 == count) return Kind::every;
    return Kind::some;
  };
  axis.kind = kind();
  if (axis.kind == Kind::every) axis.step = step;
  if (axis.kind != Kind::some) axis.indices.clear();
  return axis;
}

std::string ordinal(int64_t n) {
  static constexpr std::array<const char*, 10> kEndings{"th", "st", "nd", "rd", "th",
                                                        "th", "th", "th", "th", "th"};
  const bool teen = n / 10 % 10 == 1;
  return cat(n, teen ? "th" : kEndings[static_cast<size_t>(n % 10)]);
}

std::string words(const AxisDamage& axis, const std::string& one, int64_t size, size_t count) {
  using Kind = AxisDamage::Kind;
  switch (axis.kind) {
    case Kind::all:
      return {};
    case Kind::one:
      return cat(one, ' ', axis.first);
    case Kind::from:
      return cat(one, "s from ", axis.first, " on");
    case Kind::partial_tile:
      return cat(one, "s ", axis.first, "..", axis.last, " (the last partial tile of ",
                 partial_tiles(axis.first, size), ")");
    case Kind::up_to:
      return cat(one, "s up to ", axis.last);
    case Kind::range:
      return cat(one, "s ", axis.first, "..", axis.last);
    case Kind::every:
      return cat("every ", ordinal(axis.step), ' ', one, " from ", axis.first);
    case Kind::some:
      break;
  }
  std::string text = cat(one, "s");
  for (const int64_t index : axis.indices) text += cat(' ', index);
  if (count > axis.indices.size()) text += cat(" ... (", count, ")");
  return cat(text, " of ", size);
}

}  // namespace

std::string_view name(Damage::Kind kind) {
  static constexpr std::array<std::string_view, 7> kNames{"none",      "one_element", "whole_tensor", "block",
                                                          "flat_from", "flat_every",  "scattered"};
  return kNames.at(static_cast<size_t>(kind));
}

std::vector<std::string> axis_names(size_t rank, std::vector<std::string> given) {
  if (!given.empty()) {
    KIGO_CHECK(given.size() == rank);
    return given;
  }
  if (rank == 1) return {"element"};
  if (rank == 2) return {"row", "column"};
  if (rank == 3) return {"token", "head", "element"};
  for (size_t axis = 0; axis < rank; ++axis) given.push_back(cat("index of axis ", axis));
  return given;
}

std::vector<int64_t> coordinates(int64_t flat, std::span<const int64_t> shape) {
  std::vector<int64_t> at(shape.size());
  for (size_t axis = shape.size(); axis-- > 0; flat /= shape[axis]) at[axis] = flat % shape[axis];
  return at;
}

DamageMap::DamageMap(std::vector<int64_t> shape, std::vector<std::string> axes)
    : shape_(std::move(shape)), names_(axis_names(shape_.size(), std::move(axes))) {
  for (const int64_t size : shape_) hit_.emplace_back(static_cast<size_t>(size));
}

void DamageMap::add(int64_t flat) {
  if (wrong_++ == 0) first_ = flat;
  step_ = std::gcd(step_, flat - first_);
  last_ = flat;
  for (size_t axis = shape_.size(); axis-- > 0; flat /= shape_[axis])
    hit_[axis][static_cast<size_t>(flat % shape_[axis])] = true;
}

Damage DamageMap::describe() const {
  using Kind = Damage::Kind;
  Damage damage;
  damage.wrong = wrong_;
  damage.first = first_;
  damage.last = last_;
  damage.elements = 1;
  for (const int64_t size : shape_) damage.elements *= size;
  if (wrong_ == 0) return damage;

  int64_t product = 1;
  bool all = true;
  for (size_t axis = 0; axis < shape_.size(); ++axis) {
    const auto count = static_cast<size_t>(std::count(hit_[axis].begin(), hit_[axis].end(), true));
    damage.axes.push_back(describe_axis(hit_[axis], axis + 1 == shape_.size()));
    const AxisDamage& found = damage.axes.back();
    product *= static_cast<int64_t>(count);
    all = all && found.kind == AxisDamage::Kind::all;
    const std::string text = words(found, names_[axis], shape_[axis], count);
    if (!text.empty()) damage.text += cat(damage.text.empty() ? "" : ", ", text);
    damage.ranges += cat(axis == 0 ? "" : ", ", names_[axis], "s ", found.first, "..", found.last);
  }

  const int64_t span = last_ - first_;
  const Kind block = all ? Kind::whole_tensor : Kind::block;
  if (all) damage.text = cat("whole tensor");
  if (wrong_ == 1) {
    damage.kind = Kind::one_element;
    damage.text = cat("one element");
  } else if (wrong_ == product) {
    damage.kind = block;
  } else if (span + 1 == wrong_ && last_ == damage.elements - 1) {
    damage.kind = Kind::flat_from;
    damage.text = cat("all elements from flat index ", first_, " on");
  } else if (wrong_ >= 3 && step_ >= 2 && span / step_ + 1 == wrong_) {
    damage.kind = Kind::flat_every;
    damage.step = step_;
    damage.text = cat("every ", ordinal(step_), " element from flat index ", first_);
  } else if (2 * wrong_ > product) {
    damage.kind = block;
    damage.text += cat(" (", wrong_, " of ", product, " elements there)");
  } else {
    damage.kind = Kind::scattered;
    damage.text = cat("scattered, ", wrong_, " of ", damage.elements);
  }
  return damage;
}

}  // namespace kigo::compare
