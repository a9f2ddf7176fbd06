// Memory that frees itself: raw and typed on the device, raw and pinned on the host. Vram (vram.h) makes
// them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "core/base/check.h"
#include "core/base/view.h"
#include "kernels/runtime/ledger.h"

namespace kigo::kernels {

/// Owns one allocation and stays in the books until it ends. Move only. Empty by default and after a move: no
/// memory, zero bytes.
template <Space S>
class Buffer {
 public:
  Buffer() = default;
  Buffer(Buffer&& other) noexcept { swap(other); }
  Buffer& operator=(Buffer&& other) noexcept {
    Buffer(std::move(other)).swap(*this);
    return *this;
  }
  ~Buffer() {
    if (data_ != nullptr) ledger_->give_back(S, data_);
  }

  std::byte* data() { return data_; }
  const std::byte* data() const { return data_; }
  int64_t bytes() const { return bytes_; }
  Purpose purpose() const { return purpose_; }

  /// Host memory only: a span invites subscripts.
  std::span<std::byte> span()
    requires(S == Space::Host)
  {
    return {data_, static_cast<size_t>(bytes_)};
  }

 private:
  friend class Vram;
  Buffer(std::shared_ptr<Ledger> ledger, std::byte* data, int64_t bytes, Purpose purpose)
      : ledger_(std::move(ledger)), data_(data), bytes_(bytes), purpose_(purpose) {}
  void swap(Buffer& other) noexcept {
    std::swap(ledger_, other.ledger_);
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    std::swap(purpose_, other.purpose_);
  }

  std::shared_ptr<Ledger> ledger_;
  std::byte* data_ = nullptr;
  int64_t bytes_ = 0;
  Purpose purpose_ = Purpose::workspace;
};

using DeviceBuffer = Buffer<Space::Device>;
using PinnedBuffer = Buffer<Space::Host>;

/// `count` elements of T on the device.
template <class T>
class DeviceArray {
  static_assert(std::is_trivially_copyable_v<T> && !std::is_const_v<T>);

 public:
  DeviceArray() = default;
  DeviceArray(DeviceBuffer buffer, int64_t count) : buffer_(std::move(buffer)), count_(count) {}

  T* data() const { return reinterpret_cast<T*>(const_cast<std::byte*>(buffer_.data())); }
  int64_t size() const { return buffer_.data() == nullptr ? 0 : count_; }
  int64_t bytes() const { return buffer_.bytes(); }
  Purpose purpose() const { return buffer_.purpose(); }

  /// All elements in a row. Like a pointer's, the constness is not deep.
  View<T, 1, Space::Device> view() const { return {data(), {size()}}; }
  /// The first elements, in a dense shape that must fit.
  template <int Rank>
  View<T, Rank, Space::Device> view(const std::array<int64_t, static_cast<size_t>(Rank)>& shape) const {
    const View<T, Rank, Space::Device> view(data(), shape);
    KIGO_CHECK(view.size() <= size());
    return view;
  }

 private:
  DeviceBuffer buffer_;
  int64_t count_ = 0;
};

}  // namespace kigo::kernels
