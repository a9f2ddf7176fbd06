// What the GPU made of every stage's input, against the stage's recipe: tools/lib/compare/stages.h, as a
// test.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "tools/lib/compare/stages.h"

namespace kigo::test {

struct StagesCase {
  const model::Model* file = nullptr;
  const tools::Checkpoints* got = nullptr;
  const tools::Checkpoints* before = nullptr;  // of the call before, when there is one
  std::vector<uint32_t> tokens;                // of this call
  int64_t first = 0;                           // position of the first
  tools::Arithmetic how;
};

/// Compares every checkpoint of these layers, and what comes before and after them. Each difference fails the
/// test with the comparator's report, and so does a stage whose input is not there. Returns how many
/// checkpoints were compared.
int64_t expect_stages(const StagesCase& c, std::span<const int64_t> layers);

}  // namespace kigo::test
