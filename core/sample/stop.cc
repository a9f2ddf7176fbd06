#include "core/sample/stop.h"

#include <algorithm>
#include <utility>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::sample {

Status check_stops(std::span<const std::string> stops) {
  if (stops.size() > 4)
    return fail(Code::invalid_request, "stop", cat(stops.size(), " strings"), "at most 4");
  for (const std::string& stop : stops) {
    if (stop.empty() || stop.size() > 100)
      return fail(Code::invalid_request, "stop", cat("a string of ", stop.size(), " bytes"), "1..100 bytes");
  }
  return {};
}

StopMatcher::StopMatcher(std::vector<std::string> stops) : stops_(std::move(stops)) {
  for (const std::string& stop : stops_) KIGO_CHECK(!stop.empty());
}

std::string StopMatcher::push(std::string_view text) {
  if (matched_) return {};
  for (const char c : text) {
    held_ += c;
    matched_ = completed();
    if (matched_) {
      held_.resize(held_.size() - stops_[*matched_].size());
      return std::exchange(held_, {});
    }
  }
  std::string free = held_.substr(0, held_.size() - possible_beginning());
  held_.erase(0, free.size());
  return free;
}

std::string StopMatcher::finish() { return std::exchange(held_, {}); }

/// The longest stop string that ends the held text.
std::optional<size_t> StopMatcher::completed() const {
  std::optional<size_t> best;
  for (size_t k = 0; k < stops_.size(); ++k) {
    if (held_.ends_with(stops_[k]) && (!best || stops_[k].size() > stops_[*best].size())) best = k;
  }
  return best;
}

/// The length of the longest suffix of the held text that begins a stop string.
size_t StopMatcher::possible_beginning() const {
  size_t longest = 0;
  for (const std::string& stop : stops_) {
    for (size_t length = std::min(stop.size() - 1, held_.size()); length > longest; --length) {
      if (held_.ends_with(std::string_view(stop).substr(0, length))) longest = length;
    }
  }
  return longest;
}

}  // namespace kigo::sample
