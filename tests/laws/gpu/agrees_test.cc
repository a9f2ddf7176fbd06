// The kernel agrees with its twin: every element of every output within its derived bound. The worst share of
// the bounds is kept, for the figure that is tracked and to see bounds that are too loose to mean anything.
#include <cstdlib>
#include <iostream>
#include <map>

#include "tests/laws/gpu/gpu_law.h"

namespace kigo::laws {
namespace {

using namespace pairs;

constexpr int kShrinkSteps = 60;

/// How a set of cases went.
struct Outcome {
  std::vector<std::string> failures = {};
  double worst_share = 0;  // of outputs that have bounds
  std::string worst = {};  // the report of the element with it
  bool bounded = false;    // whether any output has bounds
};

/// Runs a case on both sides and adds to the outcome. Whether all is well.
bool compare_case(const AnyPair& pair, const AnyCase& one, const test::TestStream& stream,
                  const std::string& replay, Outcome& outcome) {
  const std::vector<Tensor> tensors = one.arguments();
  const auto fails = [&](const std::string& what) {
    outcome.failures.push_back(cat(pair.name(), ' ', one.text(), ": ", what, "\n  replay     ", replay));
    return false;
  };
  const Result<Outputs> truth = one.reference(tensors);
  if (!truth) return fails(cat("the twin refuses: ", truth.error().message()));
  const Result<test::Held> held = test::run_kernel(one, tensors, {}, stream);
  if (!held) return fails(held.error().message());
  const std::vector<compare::Report> reports = judge(pair, one, tensors, *truth, held->values, replay);
  const Outputs bounds = one.bound(tensors, *truth);
  bool pass = true;
  for (size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i].pass) outcome.failures.push_back(reports[i].text());
    pass = pass && reports[i].pass;
    outcome.bounded = outcome.bounded || !bounds[i].empty();
    if (!bounds[i].empty() && reports[i].worst_share > outcome.worst_share) {
      outcome.worst_share = reports[i].worst_share;
      outcome.worst = reports[i].text();
    }
  }
  return pass;
}

Outcome run_edges(const AnyPair& pair, const test::TestStream& stream) {
  Outcome outcome;
  const std::string replay = cat("laws_gpu_test --gtest_filter=Agrees.OnEdges/", pair.name());
  for (const CasePtr& one : pair.edges()) compare_case(pair, *one, stream, replay, outcome);
  return outcome;
}

/// The smallest case that still fails, compared once more for its report.
void add_shrunk(const AnyPair& pair, const Drawn& failing, const test::TestStream& stream, Outcome& outcome) {
  const test::Fails fails = [&](const std::vector<int64_t>& choices) -> std::optional<std::vector<int64_t>> {
    const Drawn drawn = replayed_case(pair, choices);
    Outcome ignored;
    if (compare_case(pair, *drawn.one, stream, "", ignored)) return std::nullopt;
    return drawn.choices;
  };
  const std::vector<int64_t> small = test::shrunk(failing.choices, fails, kShrinkSteps);
  const Drawn drawn = replayed_case(pair, small);
  if (compare_case(pair, *drawn.one, stream, replay_line(pair, drawn.choices), outcome))
    outcome.failures.push_back(cat(pair.name(), ' ', failing.one->text(), ": failed once, and not again"));
}

Outcome run_arbitrary(const AnyPair& pair, const test::TestStream& stream) {
  Outcome outcome;
  if (const char* replay = std::getenv("KIGO_REPLAY")) {
    const auto choices = test::choices_of(replay);
    if (!choices) return {.failures = {cat("KIGO_REPLAY is no list of numbers: ", replay)}};
    const Drawn drawn = replayed_case(pair, *choices);
    std::cout << "replay: " << drawn.one->text() << '\n';
    compare_case(pair, *drawn.one, stream, replay_line(pair, drawn.choices), outcome);
    return outcome;
  }
  for (uint64_t n = 0; n < case_count(); ++n) {
    const Drawn drawn = drawn_case(pair, n);
    Outcome found = outcome;
    if (!compare_case(pair, *drawn.one, stream, replay_line(pair, drawn.choices), found)) {
      add_shrunk(pair, drawn, stream, outcome);
      break;
    }
    outcome = found;
  }
  return outcome;
}

/// Each pair's cases are run once in a process, whichever test asks first.
using Runs = std::map<std::string, Outcome>;
const Outcome& once(Runs& runs, Outcome (*run)(const AnyPair&, const test::TestStream&), const AnyPair& pair,
                    const test::TestStream& stream) {
  const auto known = runs.find(pair.name());
  return known != runs.end() ? known->second : runs.emplace(pair.name(), run(pair, stream)).first->second;
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
  const Outcome& edges() const { return once(edge_runs, run_edges, pair(), stream()); }
  const Outcome& arbitrary() const { return once(arbitrary_runs, run_arbitrary, pair(), stream()); }
};

TEST_P(Agrees, OnEdges) {
  for (const std::string& failure : edges().failures) ADD_FAILURE() << failure;
}

TEST_P(Agrees, OnArbitraryCases) {
  for (const std::string& failure : arbitrary().failures) ADD_FAILURE() << failure;
}

TEST_P(Agrees, SoTightlyThatTheWorstShareExceedsOnePercent) {
  const Outcome& worst = edges().worst_share > arbitrary().worst_share ? edges() : arbitrary();
  RecordProperty("worst_share", cat(worst.worst_share));
  if (!worst.bounded && !edges().bounded) return;  // equal values are asked for: no bound to be loose
  EXPECT_GT(worst.worst_share, 0.01) << "the bound is too loose to see anything: " << worst.worst;
  EXPECT_LE(worst.worst_share, 1) << worst.worst;
}

KIGO_FOR_ALL_PAIRS(Agrees);

}  // namespace
}  // namespace kigo::laws
