// The comparison of every pair is seen to fail: each of its wrong twins is told from the truth.
#include <map>

#include "tests/laws/pairs.h"
#include "tests/pairs/data.h"

namespace kigo::laws {
namespace {

using namespace pairs;

struct Comparison : OverPairs {};

/// What a faultless kernel would store.
Outputs stored(std::span<const Tensor> tensors, const Outputs& values) {
  const std::vector<const Tensor*> outputs = outputs_of(tensors);
  Outputs out;
  for (size_t i = 0; i < values.size(); ++i) out.push_back(rounded_to(outputs.at(i)->type, values[i]));
  return out;
}

/// An edge with its tensors and its truth.
struct Solved {
  CasePtr one;
  std::vector<Tensor> tensors;
  Outputs truth;
};
Result<Solved> solve(const CasePtr& one) {
  Solved solved{one, one->arguments(), {}};
  KIGO_ASSIGN(solved.truth, one->reference(solved.tensors));
  return solved;
}

TEST_P(Comparison, AcceptsTheTruth) {
  for (const CasePtr& one : pair().edges()) {
    const auto solved = solve(one);
    ASSERT_TRUE(solved) << one->text() << ": " << solved.error().message();
    const Outputs exact = stored(solved->tensors, solved->truth);
    for (const auto& report : judge(pair(), *one, solved->tensors, solved->truth, exact, ""))
      EXPECT_TRUE(report.pass) << report.text();
  }
}

TEST_P(Comparison, RejectsEveryMutant) {
  const std::vector<std::string> names = pair().mutants();
  ASSERT_FALSE(names.empty()) << "a pair must list at least one wrong twin";
  std::map<std::string, std::string> missed;  // by mutant: the closest that the comparison came to seeing it
  for (const std::string& name : names) missed[name] = "no edge has an output";
  for (const CasePtr& one : pair().edges()) {
    if (missed.empty()) break;
    const auto solved = solve(one);
    ASSERT_TRUE(solved) << one->text() << ": " << solved.error().message();
    for (size_t i = 0; i < names.size(); ++i) {
      if (!missed.contains(names[i])) continue;
      const auto wrong = one->mutant(i, solved->tensors);
      ASSERT_TRUE(wrong) << names[i] << ", " << one->text() << ": " << wrong.error().message();
      for (const auto& report :
           judge(pair(), *one, solved->tensors, solved->truth, stored(solved->tensors, *wrong), "")) {
        if (!report.pass) missed.erase(names[i]);
        if (report.pass && report.compared != 0 && missed.contains(names[i]))
          missed[names[i]] = report.text();
      }
    }
  }
  for (const auto& [name, closest] : missed) ADD_FAILURE() << "\"" << name << "\" passes: " << closest;
}

KIGO_FOR_ALL_PAIRS(Comparison);

}  // namespace
}  // namespace kigo::laws
