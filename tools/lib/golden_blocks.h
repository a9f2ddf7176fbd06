// The decoders against golden/blocks: pseudo-random blocks of every format, decoded by gguf-py and by ggml.
#pragma once

#include <cstdint>
#include <string>

#include "core/base/result.h"
#include "core/quant/tensor_type.h"

namespace kigo::tools {

struct BlockComparison {
  uint64_t blocks = 0;
  uint64_t wrong_groups = 0;  // groups of blocks whose values hash to something else
};

/// Decodes the blocks that golden/blocks/<format>.json describes and compares the hashes of all values; F32
/// has no record, since its bytes are the value. Errors: io, bad_value of a broken record.
Result<BlockComparison> compare_golden_blocks(const std::string& golden_folder,
                                              const quant::TensorType& type);

}  // namespace kigo::tools
