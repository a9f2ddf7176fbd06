// What pairs are made of: tensors drawn from a seed, their values read back, and the bound of one rounding.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <vector>

#include "core/base/half.h"
#include "core/base/random.h"
#include "core/compare/bound.h"
#include "tests/pairs/pair.h"

namespace kigo::pairs {

/// What the harness knows of an element type: its Type, its name in test names, and, where it rounds, its
/// unit roundoff and its smallest positive number.
template <class T>
struct TypeOf;
template <>
struct TypeOf<float> {
  static constexpr Type type = Type::f32;
  static constexpr const char* name = "f32";
  static constexpr double unit = compare::kUnitFloat, least = 0x1p-149;
};
template <>
struct TypeOf<double> {
  static constexpr Type type = Type::f64;
  static constexpr const char* name = "f64";
  static constexpr double unit = compare::kUnitDouble, least = 0x1p-1074;
};
template <>
struct TypeOf<f16> {
  static constexpr Type type = Type::f16;
  static constexpr const char* name = "f16";
  static constexpr double unit = compare::kUnitHalf, least = 0x1p-24;
};
template <>
struct TypeOf<bf16> {
  static constexpr Type type = Type::bf16;
  static constexpr const char* name = "bf16";
  static constexpr double unit = compare::kUnitBf16, least = 0x1p-133;
};
template <>
struct TypeOf<uint32_t> {
  static constexpr Type type = Type::u32;
  static constexpr const char* name = "u32";
};
template <>
struct TypeOf<int32_t> {
  static constexpr Type type = Type::i32;
  static constexpr const char* name = "i32";
};
template <>
struct TypeOf<int64_t> {
  static constexpr Type type = Type::i64;
  static constexpr const char* name = "i64";
};
template <>
struct TypeOf<uint64_t> {
  static constexpr Type type = Type::u64;
  static constexpr const char* name = "u64";
};
template <>
struct TypeOf<std::byte> {
  static constexpr Type type = Type::bytes;
  static constexpr const char* name = "bytes";
};

/// "f16", for names of pairs.
template <class T>
std::string type_name() {
  return TypeOf<T>::name;
}

/// "Q4_K" -> "q4_k", for names of pairs.
std::string lower(std::string_view name);

/// The bytes of one element.
int64_t element_bytes(Type type);

/// A value rounded to T, once, to nearest even.
template <class T>
T narrowed(double value) {
  if constexpr (std::is_same_v<T, f16>) {
    return to_f16(value);
  } else if constexpr (std::is_same_v<T, bf16>) {
    return to_bf16(static_cast<float>(value));
  } else {
    return static_cast<T>(value);
  }
}

/// A tensor with the given elements, in order.
template <class T>
Tensor given(std::string name, std::vector<int64_t> shape, std::span<const T> values, Part part = Part::in) {
  Tensor tensor{std::move(name), part, TypeOf<T>::type, std::move(shape), {}};
  KIGO_CHECK(tensor.elements() == static_cast<int64_t>(values.size()));
  tensor.data.resize(values.size_bytes());
  if (!values.empty()) std::memcpy(tensor.data.data(), values.data(), values.size_bytes());
  return tensor;
}

/// Large tensors are drawn up to here and then repeat themselves, because drawing takes longer than all else.
/// A prime: rows of any length follow each other with a shift, and of fewer rows than this no two are equal.
inline constexpr size_t kDrawnAtMost = 262139;

/// Fills all of `values` with its first `count`, over and over. Nothing when count is 0.
template <class T>
void repeat(std::span<T> values, size_t count) {
  for (size_t i = count; count > 0 && i < values.size(); ++i) values[i] = values[i - count];
}

/// Elements normal with mean 0 and deviation `scale`, rounded to T; T = float, double, f16, bf16. Those
/// beyond kDrawnAtMost repeat the first.
template <class T>
Tensor drawn(std::string name, std::vector<int64_t> shape, double scale, Random& random,
             Part part = Part::in) {
  Tensor tensor{std::move(name), part, TypeOf<T>::type, std::move(shape), {}};
  std::vector<T> values(static_cast<size_t>(tensor.elements()));
  const size_t count = std::min(values.size(), kDrawnAtMost);
  for (size_t i = 0; i < count; ++i) values[i] = narrowed<T>(scale * random.normal());
  repeat(std::span(values), count);
  return given<T>(std::move(tensor.name), std::move(tensor.shape), values, part);
}

/// Divisors of rope's frequencies, [pairs]: from 1 to 8, as published models have them.
Tensor drawn_divisors(std::string name, int64_t pairs, Random& random);

/// Whole numbers from low to high, both included; T = uint32_t, int32_t, int64_t, uint64_t, std::byte.
template <class T>
Tensor drawn_between(std::string name, std::vector<int64_t> shape, int64_t low, int64_t high, Random& random,
                     Part part = Part::in) {
  Tensor tensor{std::move(name), part, TypeOf<T>::type, std::move(shape), {}};
  std::vector<T> values(static_cast<size_t>(tensor.elements()));
  for (T& value : values)
    value = static_cast<T>(low + static_cast<int64_t>(random.below(static_cast<uint64_t>(high - low) + 1)));
  return given<T>(std::move(tensor.name), std::move(tensor.shape), values, part);
}

/// The same value everywhere, rounded to T.
template <class T>
Tensor constant(std::string name, std::vector<int64_t> shape, double value, Part part = Part::in) {
  Tensor tensor{std::move(name), part, TypeOf<T>::type, std::move(shape), {}};
  const std::vector<T> values(static_cast<size_t>(tensor.elements()), narrowed<T>(value));
  return given<T>(std::move(tensor.name), std::move(tensor.shape), values, part);
}

/// An output: every element is written, none is read.
template <class T>
Tensor written(std::string name, std::vector<int64_t> shape) {
  return {std::move(name), Part::out, TypeOf<T>::type, std::move(shape), {}};
}

/// A kernel's workspace: dense, aligned, its contents nobody's business.
template <class T>
Tensor scratch(std::string name, std::vector<int64_t> shape) {
  return {std::move(name), Part::scratch, TypeOf<T>::type, std::move(shape), {}, false};
}

/// The elements as they are; T must be the tensor's type. The tensor must outlive the span.
template <class T>
std::span<const T> elements(const Tensor& tensor) {
  KIGO_CHECK(tensor.type == TypeOf<T>::type);
  return {reinterpret_cast<const T*>(tensor.data.data()), tensor.data.size() / sizeof(T)};
}

/// The elements of any type as double; exact but for 64-bit integers beyond 2^53.
std::vector<double> widened(const Tensor& tensor);
/// The elements of an f32, f16 or bf16 tensor, exact.
std::vector<float> floats(const Tensor& tensor);
/// As an argument that may be left out: no data and size 0 where there are no values.
inline View<const float, 1> row_of(const std::vector<float>& values) {
  return {values.empty() ? nullptr : values.data(), {static_cast<int64_t>(values.size())}};
}
/// Token ids and other u32.
inline std::vector<uint32_t> ids(const Tensor& tensor) {
  const auto values = elements<uint32_t>(tensor);
  return {values.begin(), values.end()};
}
/// The elements of an i32 or i64 tensor.
std::vector<int64_t> ints(const Tensor& tensor);

/// What an output of this type holds after `values` were rounded to it, widened again.
std::vector<double> rounded_to(Type type, std::span<const double> values);
/// The bytes of an output of this type, widened.
std::vector<double> widened(Type type, std::span<const std::byte> data);

/// 1 mostly; else powers of two and ten from 1e-3 to 1e4: far enough from 1 that a wrong factor shows, and
/// far enough from the ends of float that squares neither overflow nor lose bits.
double draw_scale(const Draw& draw);
uint64_t draw_seed(const Draw& draw);

/// How far a stored result may be from `want` when the value before the rounding to T is within
/// relative * |want| of it: u (1 + relative) |want| more, or half of the smallest number of T.
template <class T>
double rounded_bound(double relative, double want) {
  const double magnitude = std::abs(want);
  return (relative + TypeOf<T>::unit * (1 + relative)) * magnitude + TypeOf<T>::least / 2;
}
/// The same for a value that is within `absolute` of want.
template <class T>
double rounded_bound_absolute(double absolute, double want) {
  return absolute + TypeOf<T>::unit * (std::abs(want) + absolute) + TypeOf<T>::least / 2;
}

}  // namespace kigo::pairs
