// The cases that laws run, and what they say about results that differ.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tests/pairs/any_pair.h"
#include "tests/support/machine.h"

namespace kigo::laws {

/// How many cases, and which.
struct Effort {
  uint64_t seed = 1;    // other seeds draw other arbitrary cases
  uint64_t cases = 40;  // arbitrary cases of a law that compares with the twin

  /// The defaults, but for KIGO_SEED and KIGO_CASES where they are set.
  static Effort from_environment();
};

struct Drawn {
  pairs::CasePtr one;
  std::vector<int64_t> choices;
};
/// Case number `n` of those that arbitrary() draws.
Drawn drawn_case(const pairs::AnyPair& pair, uint64_t n, uint64_t seed);
Drawn replayed_case(const pairs::AnyPair& pair, const std::vector<int64_t>& choices);

/// Edges and a few arbitrary cases: what the laws run that need no twin.
std::vector<pairs::CasePtr> some_cases(const pairs::AnyPair& pair, uint64_t seed);

/// One line for each breach; empty when the pair keeps the law.
using Complaints = std::vector<std::string>;

/// "y: 12 of 64 elements differ in their bits, first at 3: 0.5 and 0.25", or nothing when all are equal.
std::string difference(std::span<const pairs::Tensor> tensors, const test::Held& a, const test::Held& b);

}  // namespace kigo::laws
