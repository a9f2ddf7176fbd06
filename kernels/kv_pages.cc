#include "kernels/kv_pages.h"

#include "core/base/cat.h"
#include "kernels/runtime/copy.h"

namespace kigo::kernels {

PageBook::PageBook(int64_t pages) : pages_(pages), is_free_(static_cast<size_t>(pages), true) {
  KIGO_CHECK(0 <= pages && pages <= INT32_MAX);
  for (int64_t page = pages; page-- > 0;) free_.push_back(static_cast<int32_t>(page));
}

Status PageBook::grow(std::vector<int32_t>& held, int64_t positions) {
  const int64_t missing = pages_for(positions) - static_cast<int64_t>(held.size());
  if (missing > free_pages()) {
    return fail(Code::out_of_memory, "kv pages", cat(free_pages(), " of ", pages_, " pages available"),
                cat(missing, " more required for ", positions, " positions"));
  }
  for (int64_t i = 0; i < missing; ++i) {
    const int32_t page = free_.back();
    held.push_back(page);  // first: if the list cannot grow, the page is still free
    free_.pop_back();
    is_free_[static_cast<size_t>(page)] = false;
  }
  return {};
}

void PageBook::shrink(std::vector<int32_t>& held, int64_t keep) {
  while (static_cast<int64_t>(held.size()) > keep) {
    const int32_t page = held.back();
    KIGO_CHECK(0 <= page && page < pages_ && !is_free_[static_cast<size_t>(page)]);
    free_.push_back(page);
    is_free_[static_cast<size_t>(page)] = true;
    held.pop_back();
  }
}

Result<KvPool> KvPool::create(Vram& vram, const KvShape& shape, Stream stream) {
  KvPool pool;
  pool.shape_ = shape;
  KIGO_ASSIGN(pool.memory_, vram.allocate(Purpose::kv, shape.bytes(), "kv pages"));
  KIGO_TRY(fill(pool.memory_.data(), pool.memory_.bytes(), std::byte{0}, stream));
  pool.book_ = std::make_shared<PageBook>(shape.pages);
  return pool;
}

}  // namespace kigo::kernels
