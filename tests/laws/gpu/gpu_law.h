// What the laws on a GPU share: the fixture, the cases they run, and how many.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/laws/pairs.h"
#include "tests/support/choices.h"
#include "tests/support/device.h"
#include "tests/support/gpu.h"

namespace kigo::laws {

/// Skips without a GPU, and fails where an earlier test has left it unusable.
struct OnGpu : OverPairs {
  void SetUp() override;
  const test::TestStream& stream() const { return *stream_; }

 private:
  std::unique_ptr<test::TestStream> stream_;
};

/// Case number `n` of those that arbitrary() draws. KIGO_SEED (default 1) chooses other ones.
struct Drawn {
  pairs::CasePtr one;
  std::vector<int64_t> choices;
};
Drawn drawn_case(const pairs::AnyPair& pair, uint64_t n);
Drawn replayed_case(const pairs::AnyPair& pair, const std::vector<int64_t>& choices);

/// KIGO_CASES, by default 40: how many arbitrary cases a law that compares with the twin tries.
uint64_t case_count();

/// Edges and a few arbitrary cases: what the laws run that need no twin.
std::vector<pairs::CasePtr> some_cases(const pairs::AnyPair& pair);

/// "KIGO_REPLAY=3,0,17 laws_gpu_test --gtest_filter=Agrees.OnArbitraryCases/rmsnorm_f16"
std::string replay_line(const pairs::AnyPair& pair, const std::vector<int64_t>& choices);

/// "y: 12 of 64 elements differ in their bits, first at 3: 0.5 and 0.25", or nothing when all are equal.
std::string difference(std::span<const pairs::Tensor> tensors, const test::Held& a, const test::Held& b);

}  // namespace kigo::laws
