// The comparison of every pair is seen to fail: each of its wrong twins is told from the truth.
#include "tests/laws/agreement.h"
#include "tests/laws/pairs.h"

namespace kigo::laws {
namespace {

struct Comparison : OverPairs {
  static void expect_none(const Complaints& complaints) {
    for (const std::string& complaint : complaints) ADD_FAILURE() << complaint;
  }
};

TEST_P(Comparison, AcceptsTheTruth) { expect_none(accepts_the_truth(pair())); }
TEST_P(Comparison, RejectsEveryMutant) { expect_none(rejects_every_mutant(pair())); }

KIGO_FOR_ALL_PAIRS(Comparison);

}  // namespace
}  // namespace kigo::laws
