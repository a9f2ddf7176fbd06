// Writing GGUF files in the canonical layout.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "core/gguf/file.h"

namespace kigo::gguf {

/// The bytes of a file with the given version, pairs and tensors (name, dims, type, data), in the given
/// order. Everything else is computed: the alignment comes from the pair general.alignment, offsets follow
/// from the sizes, padding is zero bytes, also after the last tensor (a file without tensors ends with its
/// metadata). The same input gives the same bytes. What the reader would refuse is refused with the reader's
/// own error. Errors: those of read; bad_tensor_type for a tensor without a type; bad_shape for data of
/// another size than type and shape require; bad_value for an array whose count is not the number of its
/// elements. Memory: one copy of the whole file.
Result<std::vector<std::byte>> write(const File& file);

/// Writes the same bytes to disk, through a temporary name. Errors: those of write, io.
Status save(const File& file, const std::string& path);

}  // namespace kigo::gguf
