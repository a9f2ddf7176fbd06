// A kernel agrees with its twin: every element of every output within its derived bound. And the comparison
// can fail: the truth passes, and each wrong twin of the pair is told from it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/compare/close.h"
#include "tests/laws/drawn.h"
#include "tests/support/machine.h"

namespace kigo::laws {

/// How a set of cases went.
struct Outcome {
  std::vector<std::string> failures = {};   // reports, or what kept a case from running
  std::vector<compare::Report> wrong = {};  // the reports among them
  double worst_share = 0;                   // of outputs that have bounds
  std::string worst = {};                   // the report of the element with it
  bool bounded = false;                     // whether any output has bounds
};

/// The line that runs a case again; without choices, the edges.
using ReplayLine = std::function<std::string(const pairs::AnyPair&, const std::vector<int64_t>* choices)>;

/// Every edge on both sides.
Outcome run_edges(const pairs::AnyPair& pair, const test::Machine& machine, const ReplayLine& replay);

/// effort.cases arbitrary cases. The first that fails is made as small as it goes and ends the run.
Outcome run_arbitrary(const pairs::AnyPair& pair, const test::Machine& machine, const Effort& effort,
                      const ReplayLine& replay);

/// The one case that these choices make.
Outcome run_replayed(const pairs::AnyPair& pair, const test::Machine& machine,
                     const std::vector<int64_t>& choices, const ReplayLine& replay);

/// Of all outputs with a bound, the worst error exceeds 1 % of it: a looser bound would see nothing.
Complaints bounds_are_tight(const Outcome& edges, const Outcome& arbitrary);

/// The truth, rounded to the outputs' types, passes on every edge.
Complaints accepts_the_truth(const pairs::AnyPair& pair);
/// There are mutants, and the comparison rejects each on at least one edge.
Complaints rejects_every_mutant(const pairs::AnyPair& pair);

}  // namespace kigo::laws
