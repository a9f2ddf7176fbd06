// Random choices that can be written down, replayed and made smaller: how a failing case of a property test
// becomes a line that runs it again, whatever the case is made of.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/random.h"

namespace kigo::test {

/// A source of whole numbers for a generator of cases: drawn from a seed, or given beforehand; taken down
/// either way. Given choices are moved into the range that is asked for, and where they end, the lowest is
/// taken: any list of numbers makes a case.
class Choices {
 public:
  explicit Choices(uint64_t seed) : random_(seed) {}
  explicit Choices(std::vector<int64_t> given) : random_(0), given_(std::move(given)) {}

  int64_t operator()(int64_t low, int64_t high);
  const std::vector<int64_t>& taken() const { return taken_; }

 private:
  Random random_;
  std::optional<std::vector<int64_t>> given_;
  std::vector<int64_t> taken_;
};

/// Makes the choices of a failing case smaller, one at a time and each towards its lowest value, as long as
/// the case still fails. `fails` runs the case that the choices make and returns what it took; nothing when
/// the case passes. Asks at most `budget` times.
using Fails = std::function<std::optional<std::vector<int64_t>>(const std::vector<int64_t>&)>;
std::vector<int64_t> shrunk(std::vector<int64_t> failing, const Fails& fails, int budget);

/// "3,0,17", for a line that replays a case; and back. Nothing for text that is no list of numbers.
std::string text_of(const std::vector<int64_t>& choices);
std::optional<std::vector<int64_t>> choices_of(std::string_view text);

}  // namespace kigo::test
