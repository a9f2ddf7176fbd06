#include "core/model/session.h"

#include "core/base/cat.h"

namespace kigo::model {

Status Session::check_cancelled() const {
  if (cancel_ == nullptr || !cancel_->load(std::memory_order_relaxed)) return {};
  return fail(Code::cancelled, "forward pass", "cancelled");
}

Status check_tokens(std::span<const uint32_t> tokens, int64_t length, int64_t context, int64_t vocab) {
  if (tokens.empty()) return fail(Code::invalid_request, "prompt", "no tokens", "at least 1");
  const auto space = static_cast<uint64_t>(context - length);
  if (tokens.size() > space) {
    const std::string after = length == 0 ? "" : cat(" after ", length, " positions");
    return fail(Code::context_overflow, "prompt", cat(tokens.size(), " tokens", after),
                cat("at most ", space));
  }
  for (size_t t = 0; t < tokens.size(); ++t) {
    if (tokens[t] >= static_cast<uint64_t>(vocab)) {
      return fail(Code::invalid_request, cat("token ", t), cat("id ", tokens[t]), cat("an id below ", vocab));
    }
  }
  return {};
}

}  // namespace kigo::model
