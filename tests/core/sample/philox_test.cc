// Philox against known answers: words from Random123's test vectors, draws from docs/worker.md.
#include "core/sample/philox.h"

#include <gtest/gtest.h>

#include <set>

namespace kigo::sample {
namespace {

using Words = std::array<uint32_t, 4>;
constexpr uint32_t kOnes = 0xFFFFFFFF;
static_assert(philox4x32_10({0, 0, 0, 0}, {0, 0}) == Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
static_assert(philox4x32_10({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}) ==
              Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
static_assert(uniform(42, 0) == 0x1.39d5e0a6efea9p-1);
static_assert(uniform(42, 1) == 0x1.f9b6424ea774dp-1);
static_assert(uniform(42, 2) == 0x1.a6d8044b510ebp-1);

// The zero and all-ones answers cannot see two words exchanged; different words in every place can.
static_assert(philox4x32_10({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
              Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});

TEST(Uniform, UsesAllBitsOfSeedAndIndex) {
  std::set<double> seen;
  for (int bit = 0; bit < 64; ++bit) {
    seen.insert(uniform(uint64_t{1} << bit, 0));
    seen.insert(uniform(0, uint64_t{1} << bit));
  }
  seen.insert(uniform(0, 0));
  EXPECT_EQ(seen.size(), 129u);
}

TEST(Uniform, FillsTheUnitIntervalEvenly) {
  std::array<int, 16> bins{};
  for (uint64_t index = 0; index < 16000; ++index) {
    const double u = uniform(7, index);
    ASSERT_TRUE(u >= 0 && u < 1);
    ++bins[static_cast<size_t>(u * 16)];
  }
  double chi_square = 0;
  for (const int count : bins) chi_square += (count - 1000) * (count - 1000) / 1000.0;
  EXPECT_LT(chi_square, 44.3);  // 15 degrees of freedom, exceeded by chance once in 10,000
}

}  // namespace
}  // namespace kigo::sample
