#include "tests/pairs/data.h"

#include <algorithm>

namespace kigo::pairs {
namespace {

double widen(float value) { return double{value}; }
double widen(double value) { return value; }
double widen(f16 value) { return double{to_float(value)}; }
double widen(bf16 value) { return double{to_float(value)}; }
template <class T>
  requires(std::is_integral_v<T> || std::is_same_v<T, std::byte>)
double widen(T value) {
  return static_cast<double>(value);
}

/// Calls `use` with a value of the element type, so that every type is handled by one generic lambda.
template <class Use>
auto with_type(Type type, Use use) {
  switch (type) {
    case Type::f32:
      return use(float{});
    case Type::f64:
      return use(double{});
    case Type::f16:
      return use(f16{});
    case Type::bf16:
      return use(bf16{});
    case Type::u32:
      return use(uint32_t{});
    case Type::i32:
      return use(int32_t{});
    case Type::i64:
      return use(int64_t{});
    case Type::u64:
      return use(uint64_t{});
    case Type::bytes:
      break;
  }
  return use(std::byte{});
}

}  // namespace

int64_t Tensor::elements() const {
  int64_t count = 1;
  for (const int64_t size : shape) count *= size;
  return count;
}

int64_t element_bytes(Type type) {
  return with_type(type, [](auto zero) { return static_cast<int64_t>(sizeof zero); });
}

Tensor drawn_divisors(std::string name, int64_t pairs, Random& random) {
  std::vector<float> values;
  for (int64_t i = 0; i < pairs; ++i) values.push_back(static_cast<float>(1 + 7 * random.uniform()));
  return given<float>(std::move(name), {pairs}, std::span<const float>(values));
}

std::string lower(std::string_view name) {
  std::string out(name);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::vector<double> widened(Type type, std::span<const std::byte> data) {
  return with_type(type, [data](auto zero) {
    std::vector<double> out(data.size() / sizeof zero);
    for (size_t i = 0; i < out.size(); ++i) {
      std::memcpy(&zero, data.data() + i * sizeof zero, sizeof zero);
      out[i] = widen(zero);
    }
    return out;
  });
}

std::vector<double> widened(const Tensor& tensor) { return widened(tensor.type, tensor.data); }

std::vector<float> floats(const Tensor& tensor) {
  KIGO_CHECK(tensor.type == Type::f32 || tensor.type == Type::f16 || tensor.type == Type::bf16);
  const std::vector<double> wide = widened(tensor);
  std::vector<float> out(wide.size());
  std::ranges::transform(wide, out.begin(), [](double value) { return static_cast<float>(value); });
  return out;
}

std::vector<int64_t> ints(const Tensor& tensor) {
  if (tensor.type == Type::i32) {
    const auto values = elements<int32_t>(tensor);
    return {values.begin(), values.end()};
  }
  const auto values = elements<int64_t>(tensor);
  return {values.begin(), values.end()};
}

std::vector<double> rounded_to(Type type, std::span<const double> values) {
  return with_type(type, [values](auto zero) {
    std::vector<double> out(values.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = widen(narrowed<decltype(zero)>(values[i]));
    return out;
  });
}

int64_t draw_size(const Draw& draw, int64_t limit, std::span<const int64_t> boundaries) {
  static constexpr std::array<int64_t, 12> kPrimes{2, 3, 5, 7, 11, 13, 37, 61, 127, 257, 509, 1021};
  const auto near = [&](int64_t size) { return size + draw(0, 2) - 1; };
  int64_t size = 1;
  switch (draw(0, 6)) {  // shrinks towards 1
    case 0:
      break;
    case 1:
      size = draw(1, std::min<int64_t>(limit, 9));
      break;
    case 2:
      size = near(int64_t{1} << draw(2, 5));  // a vector of 4 or 8, a warp
      break;
    case 3:
      size = near(int64_t{1} << draw(6, 20));
      break;
    case 4:
      size = kPrimes[static_cast<size_t>(draw(0, kPrimes.size() - 1))];
      break;
    case 5:
      if (!boundaries.empty())
        size = near(boundaries[static_cast<size_t>(draw(0, static_cast<int64_t>(boundaries.size()) - 1))]);
      break;
    default:
      size = draw(1, limit);
  }
  // Sizes beyond the limit are folded back instead of clamped: most would be the limit otherwise.
  return size > limit ? 1 + (size - 1) % limit : std::max<int64_t>(size, 1);
}

double draw_scale(const Draw& draw) {
  static constexpr std::array<double, 10> kScales{1, 1, 1, 0x1p-10, 0x1p-3, 8, 0x1p10, 1e-3, 100, 1e4};
  return kScales[static_cast<size_t>(draw(0, kScales.size() - 1))];
}

uint64_t draw_seed(const Draw& draw) { return static_cast<uint64_t>(draw(1, 1 << 30)); }

}  // namespace kigo::pairs
