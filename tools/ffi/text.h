// From a caller's text to ids.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "tools/ffi/objects.h"

namespace kigo::ffi {

/// As it is, or as one user message with WORKER_CHAT. Errors: invalid_request without a tokenizer or a chat
/// format that is known; those of Tokenizer::encode and text::render.
Result<std::vector<uint32_t>> ids_of(const Model& model, std::string_view text, uint32_t flags);

}  // namespace kigo::ffi
