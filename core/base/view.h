// View: a pointer with shape and stride that knows in its type whether the memory is the host's or a
// device's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace kigo {

enum class Space { Host, Device };

/// A strided, non-owning window on memory: `View<const float, 2, Space::Host> x;  // [tokens, width]`.
///
/// The last axis is contiguous; the others have a stride in elements, so rows may be padded. Sizes are
/// 64-bit. Only a host view can be subscripted: touching device memory from host code does not compile.
template <class T, int Rank, Space S = Space::Host>
struct View {
  static_assert(Rank >= 1 && Rank <= 4);
  T* data = nullptr;
  std::array<int64_t, Rank> shape{};
  std::array<int64_t, Rank> stride{};  // in elements; stride[Rank - 1] == 1

  constexpr View() = default;
  constexpr View(T* data_, std::array<int64_t, Rank> shape_, std::array<int64_t, Rank> stride_)
      : data(data_), shape(shape_), stride(stride_) {}
  /// A dense view, rows one after another.
  constexpr View(T* data_, std::array<int64_t, Rank> shape_) : data(data_), shape(shape_) {
    int64_t step = 1;
    for (int axis = Rank; axis-- > 0;) {
      stride[static_cast<std::size_t>(axis)] = step;
      step *= shape[static_cast<std::size_t>(axis)];
    }
  }
  /// A view to read from is made from a view to write to.
  template <class U>
    requires(std::is_const_v<T> && std::is_same_v<const U, T>)
  constexpr View(const View<U, Rank, S>& other)
      : data(other.data), shape(other.shape), stride(other.stride) {}

  constexpr int64_t size() const {
    int64_t elements = 1;
    for (const int64_t n : shape) elements *= n;
    return elements;
  }

  template <class... Index>
    requires(S == Space::Host && sizeof...(Index) == Rank)
  constexpr T& operator()(Index... index) const {
    int64_t at = 0;
    std::size_t axis = 0;
    ((at += static_cast<int64_t>(index) * stride[axis++]), ...);
    return data[at];
  }
};

}  // namespace kigo
