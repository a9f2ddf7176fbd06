// The steps of the reader, in file order. Internal to core/gguf.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/base/result.h"
#include "core/gguf/cursor.h"
#include "core/gguf/file.h"

namespace kigo::gguf {

/// The name that opens an entry: 1 to `limit` bytes of printable ASCII. The cursor's errors bear it from here
/// on. Errors, all at the name's length: limit_exceeded, truncated, bad_name.
Result<std::string_view> take_name(Cursor& cursor, std::string_view field, uint64_t limit);

/// The error for a name that an entry at byte `first` bears as well.
tl::unexpected<Error> duplicate(const Cursor& cursor, std::string_view field, uint64_t offset,
                                uint64_t first);

/// Reads `count` metadata pairs into `file`, and what they say about the file itself: alignment, parts.
Status take_metadata(Cursor& cursor, uint64_t count, File& file);

/// Reads `count` tensor infos into `file`; the tensors have no data yet.
Status take_tensor_infos(Cursor& cursor, uint64_t count, File& file);

}  // namespace kigo::gguf
