// Every law is a parameterised test over all pairs: `Agrees.OnEdges/rmsnorm_f16`.
#pragma once

#include <gtest/gtest.h>

#include <ostream>
#include <string>

#include "tests/pairs/any_pair.h"

namespace kigo::pairs {

inline void PrintTo(const PairPtr& pair, std::ostream* out) { *out << pair->name(); }

}  // namespace kigo::pairs

namespace kigo::laws {

struct OverPairs : testing::TestWithParam<pairs::PairPtr> {
  static const pairs::AnyPair& pair() { return *GetParam(); }
};

inline std::string pair_name(const testing::TestParamInfo<pairs::PairPtr>& info) {
  return info.param->name();
}

}  // namespace kigo::laws

/// Runs the tests of `suite`, a struct that derives from OverPairs, for every pair.
#define KIGO_FOR_ALL_PAIRS(suite) \
  INSTANTIATE_TEST_SUITE_P(, suite, testing::ValuesIn(::kigo::pairs::all_pairs()), ::kigo::laws::pair_name)
