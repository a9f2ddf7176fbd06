// Keys and values of all sequences in pages of 16 positions: who has which page, and where the pages lie.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/base/half.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/kv_cache.h"
#include "kernels/runtime/buffer.h"
#include "kernels/runtime/stream.h"
#include "kernels/runtime/vram.h"

namespace kigo::kernels {

/// How keys and values are kept: each rounded to f16 once, or as computed.
enum class Kv : uint8_t { half, floating };

/// Pages that hold `positions` positions.
constexpr int64_t pages_for(int64_t positions) {
  return (positions + ops::kPagePositions - 1) / ops::kPagePositions;
}

/// Which pages of a pool are free. Host numbers only: no memory is touched. A page belongs to one holder at a
/// time; the pages of a holder come in any order.
class PageBook {
 public:
  explicit PageBook(int64_t pages);

  int64_t pages() const { return pages_; }
  int64_t free_pages() const { return static_cast<int64_t>(free_.size()); }

  /// Appends pages to `held` until it holds `positions`; what is held already stays where it is. Needs no
  /// memory beyond what `held` has reserved. Errors: out_of_memory with the pages required and available;
  /// then nothing has changed.
  Status grow(std::vector<int32_t>& held, int64_t positions);

  /// Takes back all but the first `keep` pages of `held`.
  void shrink(std::vector<int32_t>& held, int64_t keep);

 private:
  int64_t pages_;
  std::vector<int32_t> free_;  // the next page to go is the last
  std::vector<bool> is_free_;
};

/// The sizes of a pool. A page number counts in every layer: page 7 of layer 0 and page 7 of layer 1 belong
/// to the same sequence.
struct KvShape {
  int64_t layers = 0;
  int64_t pages = 0;
  int64_t kv_heads = 0;
  int64_t head_dim = 0;
  Kv kv = Kv::half;

  int64_t element_bytes() const { return kv == Kv::half ? 2 : 4; }
  /// Of the keys, or of the values, of one page in one layer.
  int64_t page_elements() const { return kv_heads * ops::kPagePositions * head_dim; }
  /// Of the keys, or of the values, of all pages of one layer.
  int64_t plane_bytes() const { return pages * page_elements() * element_bytes(); }
  int64_t bytes() const { return 2 * layers * plane_bytes(); }
};

/// The device memory of all pages, allocated at once: for each layer first all keys, then all values.
class KvPool {
 public:
  /// The memory starts as zeros. Errors: out_of_memory, cuda.
  static Result<KvPool> create(Vram& vram, const KvShape& shape, Stream stream);

  const KvShape& shape() const { return shape_; }
  /// Shared with the sessions that hold pages.
  const std::shared_ptr<PageBook>& book() const { return book_; }

  /// The cache of a layer as a sequence with this table sees it. T is float or f16 as the pool keeps them,
  /// const or not.
  template <class T>
  ops::KvCache<T, Space::Device> cache(int64_t layer, View<const int32_t, 1, Space::Device> table) const {
    using Element = std::remove_const_t<T>;
    KIGO_CHECK((std::is_same_v<Element, f16>) == (shape_.kv == Kv::half) && 0 <= layer &&
               layer < shape_.layers);
    const std::array<int64_t, 4> shape = {shape_.pages, shape_.kv_heads, ops::kPagePositions,
                                          shape_.head_dim};
    return {.k = {reinterpret_cast<Element*>(plane(layer, 0)), shape},
            .v = {reinterpret_cast<Element*>(plane(layer, 1)), shape},
            .table = table};
  }

  /// Where the keys (0) or values (1) of a layer start.
  std::byte* plane(int64_t layer, int64_t which) const {
    const int64_t at = KIGO_FAULT(F29) ? which : 2 * layer + which;
    KvShape shape = shape_;
    if (KIGO_FAULT(F30)) shape.pages = book_->pages() - book_->free_pages();
    return const_cast<std::byte*>(memory_.data()) + at * shape.plane_bytes();
  }

 private:
  KvShape shape_;
  DeviceBuffer memory_;
  std::shared_ptr<PageBook> book_;
};

}  // namespace kigo::kernels
