#include "core/backend.h"

#include <algorithm>

namespace kigo {

Result<std::unique_ptr<model::Session>> Backend::open_session() {
  return fail(Code::unsupported, "backend", "one sequence only", "a backend with more");
}

Result<model::Rows> Backend::prefill(model::Session& sequence, std::span<const uint32_t> prompt) const {
  const auto chunk = static_cast<size_t>(std::max<int64_t>(prompt_chunk(), 0));
  for (; chunk != 0 && prompt.size() > chunk; prompt = prompt.subspan(chunk))
    KIGO_TRY(sequence.forward(prompt.first(chunk), model::Logits::Last));
  return sequence.forward(prompt, model::Logits::Last);
}

}  // namespace kigo
