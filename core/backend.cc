#include "core/backend.h"

#include <algorithm>

namespace kigo {

Result<model::Rows> Backend::prefill(std::span<const uint32_t> prompt) {
  const auto chunk = static_cast<size_t>(std::max<int64_t>(prompt_chunk(), 0));
  for (; chunk != 0 && prompt.size() > chunk; prompt = prompt.subspan(chunk))
    KIGO_TRY(session().forward(prompt.first(chunk), model::Logits::Last));
  return session().forward(prompt, model::Logits::Last);
}

}  // namespace kigo
