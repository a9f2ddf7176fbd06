// Stop strings, matched on text: what can still become one is held back, the rest passes at once.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kigo::sample {

/// At most 4 stop strings of 1..100 bytes. Errors: invalid_request, subject "stop".
/// Source: docs/worker.md, section 2.1.
Status check_stops(std::span<const std::string> stops);

/// Cuts a stream of text before the first stop string in it.
///
/// The match that completes first wins; of those that complete together, the longest, of equal ones the
/// first. Until one does, the longest suffix that could begin a stop string is held. Text comes and goes in
/// whole code points: a held suffix begins where a stop string begins. The pieces in which text arrives do
/// not matter.
class StopMatcher {
 public:
  /// Stop strings as check_stops lets them through.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Takes the next piece and returns the text that may be sent now; after a match that is always empty.
  std::string push(std::string_view text);
  /// No more text comes: what was held is harmless and is returned. Empty after a match.
  std::string finish();

  /// The index of the stop string that was found.
  std::optional<size_t> matched() const { return matched_; }
  size_t held_bytes() const { return held_.size(); }

 private:
  std::optional<size_t> completed() const;
  size_t possible_beginning() const;

  std::vector<std::string> stops_;
  std::string held_;
  std::optional<size_t> matched_;
};

}  // namespace kigo::sample
