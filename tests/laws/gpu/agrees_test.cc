// The kernel agrees with its twin, over all pairs. The worst share of the bounds is kept, for the figure that
// is tracked and to see bounds that are too loose to mean anything.
#include <cstdlib>
#include <iostream>
#include <map>

#include "tests/laws/agreement.h"
#include "tests/laws/gpu/gpu_law.h"
#include "tests/support/choices.h"

namespace kigo::laws {
namespace {

using namespace pairs;

std::string replay_line(const AnyPair& pair, const std::vector<int64_t>* choices) {
  if (choices == nullptr) return cat("laws_gpu_test --gtest_filter=Agrees.OnEdges/", pair.name());
  return cat("KIGO_REPLAY=", test::text_of(*choices),
             " laws_gpu_test --gtest_filter=Agrees.OnArbitraryCases/", pair.name());
}

Outcome edges_of(const AnyPair& pair, const test::Machine& machine) {
  return run_edges(pair, machine, replay_line);
}

Outcome arbitrary_of(const AnyPair& pair, const test::Machine& machine) {
  const char* replay = std::getenv("KIGO_REPLAY");
  if (replay == nullptr) return run_arbitrary(pair, machine, Effort::from_environment(), replay_line);
  const auto choices = test::choices_of(replay);
  if (!choices) return {.failures = {cat("KIGO_REPLAY is no list of numbers: ", replay)}};
  std::cout << "replay: " << replayed_case(pair, *choices).one->text() << '\n';
  return run_replayed(pair, machine, *choices, replay_line);
}

/// Each pair's cases are run once in a process, whichever test asks first.
using Runs = std::map<std::string, Outcome>;
const Outcome& once(Runs& runs, Outcome (*run)(const AnyPair&, const test::Machine&), const AnyPair& pair,
                    const test::Machine& machine) {
  const auto known = runs.find(pair.name());
  return known != runs.end() ? known->second : runs.emplace(pair.name(), run(pair, machine)).first->second;
}
Runs edge_runs, arbitrary_runs;

/// Prints the worst shares when all tests have run.
struct ShareTable : testing::Environment {
  void TearDown() override {
    if (arbitrary_runs.empty()) return;
    std::cout << "worst share of the bound, edges and arbitrary cases:\n";
    for (const auto& [name, outcome] : arbitrary_runs) {
      const auto edges = edge_runs.find(name);
      const double share =
          std::max(outcome.worst_share, edges == edge_runs.end() ? 0 : edges->second.worst_share);
      std::cout << "  " << name << std::string(name.size() < 40 ? 40 - name.size() : 1, ' ')
                << (outcome.bounded ? cat(share) : "equal values") << '\n';
    }
  }
};
[[maybe_unused]] const auto* const kTable = testing::AddGlobalTestEnvironment(new ShareTable);

struct Agrees : OnGpu {
  const Outcome& edges() const { return once(edge_runs, edges_of, pair(), test::GpuMachine(stream())); }
  const Outcome& arbitrary() const {
    return once(arbitrary_runs, arbitrary_of, pair(), test::GpuMachine(stream()));
  }
};

TEST_P(Agrees, OnEdges) {
  for (const std::string& failure : edges().failures) ADD_FAILURE() << failure;
}

TEST_P(Agrees, OnArbitraryCases) {
  for (const std::string& failure : arbitrary().failures) ADD_FAILURE() << failure;
}

TEST_P(Agrees, SoTightlyThatTheWorstShareExceedsOnePercent) {
  RecordProperty("worst_share", cat(std::max(edges().worst_share, arbitrary().worst_share)));
  for (const std::string& complaint : bounds_are_tight(edges(), arbitrary())) ADD_FAILURE() << complaint;
  EXPECT_LE(edges().worst_share, 1) << edges().worst;
  EXPECT_LE(arbitrary().worst_share, 1) << arbitrary().worst;
}

KIGO_FOR_ALL_PAIRS(Agrees);

}  // namespace
}  // namespace kigo::laws
