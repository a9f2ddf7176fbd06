#include "core/gguf/name_index.h"

#include <bit>

namespace kigo::gguf {

void NameIndex::reserve(size_t count) { slots_.assign(count == 0 ? 0 : std::bit_ceil(2 * count), Slot()); }

}  // namespace kigo::gguf
