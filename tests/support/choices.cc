#include "tests/support/choices.h"

#include <algorithm>
#include <charconv>

#include "core/base/cat.h"

namespace kigo::test {

int64_t Choices::operator()(int64_t low, int64_t high) {
  int64_t choice = low;
  if (!given_) {
    choice = low + static_cast<int64_t>(random_.below(static_cast<uint64_t>(high - low) + 1));
  } else if (taken_.size() < given_->size()) {
    choice = std::clamp((*given_)[taken_.size()], low, high);
  }
  taken_.push_back(choice);
  return choice;
}

std::vector<int64_t> shrunk(std::vector<int64_t> failing, const Fails& fails, int budget) {
  const auto try_with = [&](size_t at, int64_t value) {
    if (budget-- <= 0) return false;
    std::vector<int64_t> smaller = failing;
    smaller[at] = value;
    const std::optional<std::vector<int64_t>> taken = fails(smaller);
    // A choice below its range is moved back into it: no progress.
    if (!taken || *taken == failing) return false;
    failing = *taken;
    return true;
  };
  for (bool progress = true; progress && budget > 0;) {
    progress = false;
    for (size_t at = 0; at < failing.size(); ++at) {
      const int64_t value = failing[at];
      if (value <= 0) continue;
      const bool smaller = try_with(at, 0) || try_with(at, value / 2) || try_with(at, value - 1);
      progress = progress || smaller;
    }
  }
  return failing;
}

std::string text_of(const std::vector<int64_t>& choices) {
  std::string text;
  for (const int64_t choice : choices) text += cat(text.empty() ? "" : ",", choice);
  return text;
}

std::optional<std::vector<int64_t>> choices_of(std::string_view text) {
  std::vector<int64_t> choices;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    int64_t choice = 0;
    const auto [after, error] = std::from_chars(at, end, choice);
    if (error != std::errc{}) return std::nullopt;
    choices.push_back(choice);
    at = after;
    if (at == end) break;
    if (*at++ != ',' || at == end) return std::nullopt;
  }
  return choices;
}

}  // namespace kigo::test
