// What stands before the weights of a seeded model: header, metadata with a synthetic vocabulary, tensor
// infos.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/seeded_model.h"

namespace kigo::tools {

inline constexpr uint64_t kAlignment = 32;  // the default of the format

/// Bytes up to the data section, its alignment included; tensors follow each other there, each padded to the
/// alignment.
Result<std::vector<std::byte>> make_head(const Shape& shape, std::string_view name,
                                         std::span<const PlannedTensor> tensors);

}  // namespace kigo::tools
