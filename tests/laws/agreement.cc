#include "tests/laws/agreement.h"

#include "tests/pairs/data.h"
#include "tests/support/choices.h"

namespace kigo::laws {
namespace {

using namespace pairs;

constexpr int kShrinkSteps = 60;

/// What the outputs hold before a kernel runs on them.
Outputs before_the_run(std::span<const Tensor> tensors, const test::Layout& layout) {
  Outputs before;
  for (const Tensor* out : outputs_of(tensors)) {
    const auto size = static_cast<size_t>(out->elements() * element_bytes(out->type));
    const bool filled = out->part == Part::out;
    before.push_back(filled ? widened(out->type, std::vector(size, layout.fill)) : widened(*out));
  }
  return before;
}

/// Runs a case on both sides and adds to the outcome. Whether all is well.
bool compare_case(const AnyPair& pair, const AnyCase& one, const test::Machine& machine,
                  const std::string& replay, Outcome& outcome) {
  const std::vector<Tensor> tensors = one.arguments();
  const auto fails = [&](const std::string& what) {
    outcome.failures.push_back(cat(pair.name(), ' ', one.text(), ": ", what, "\n  replay     ", replay));
    return false;
  };
  const Result<Outputs> truth = one.reference(tensors);
  if (!truth) return fails(cat("the twin refuses: ", truth.error().message()));
  const test::Layout layout;
  const Result<test::Held> held = test::run_kernel(one, tensors, layout, machine);
  if (!held) return fails(held.error().message());
  const std::vector<compare::Report> reports =
      judge(pair, one, tensors, *truth, held->values, replay, before_the_run(tensors, layout));
  const Outputs bounds = one.bound(tensors, *truth);
  bool pass = true;
  for (size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i].pass) {
      outcome.failures.push_back(reports[i].text());
      outcome.wrong.push_back(reports[i]);
    }
    pass = pass && reports[i].pass;
    outcome.bounded = outcome.bounded || !bounds[i].empty();
    if (!bounds[i].empty() && reports[i].worst_share > outcome.worst_share) {
      outcome.worst_share = reports[i].worst_share;
      outcome.worst = reports[i].text();
    }
  }
  return pass;
}

/// The smallest case that still fails, compared once more for its report.
void add_shrunk(const AnyPair& pair, const Drawn& failing, const test::Machine& machine,
                const ReplayLine& replay, Outcome& outcome) {
  const test::Fails fails = [&](const std::vector<int64_t>& choices) -> std::optional<std::vector<int64_t>> {
    const Drawn drawn = replayed_case(pair, choices);
    Outcome ignored;
    if (compare_case(pair, *drawn.one, machine, "", ignored)) return std::nullopt;
    return drawn.choices;
  };
  const std::vector<int64_t> small = test::shrunk(failing.choices, fails, kShrinkSteps);
  const Drawn drawn = replayed_case(pair, small);
  if (compare_case(pair, *drawn.one, machine, replay(pair, &drawn.choices), outcome))
    outcome.failures.push_back(cat(pair.name(), ' ', failing.one->text(), ": failed once, and not again"));
}

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

  std::vector<compare::Report> reports(const AnyPair& pair, const Outputs& values) const {
    return judge(pair, *one, tensors, truth, stored(tensors, values), "");
  }
};
Result<Solved> solve(const CasePtr& one) {
  Solved solved{one, one->arguments(), {}};
  KIGO_ASSIGN(solved.truth, one->reference(solved.tensors));
  return solved;
}

/// A mutant that no edge has rejected yet, and the closest that the comparison came to seeing it.
struct Unseen {
  size_t index;
  std::string closest = "no edge has an output";
};

/// Whether the comparison rejects the mutant on this edge. Errors: those of the mutant.
Result<bool> rejects(const AnyPair& pair, const Solved& edge, Unseen& mutant) {
  KIGO_ASSIGN(const Outputs wrong, edge.one->mutant(mutant.index, edge.tensors));
  for (const compare::Report& report : edge.reports(pair, wrong)) {
    if (!report.pass) return true;
    if (report.compared != 0) mutant.closest = report.text();
  }
  return false;
}

}  // namespace

Outcome run_edges(const AnyPair& pair, const test::Machine& machine, const ReplayLine& replay) {
  Outcome outcome;
  for (const CasePtr& one : pair.edges()) compare_case(pair, *one, machine, replay(pair, nullptr), outcome);
  return outcome;
}

Outcome run_arbitrary(const AnyPair& pair, const test::Machine& machine, const Effort& effort,
                      const ReplayLine& replay) {
  Outcome outcome;
  for (uint64_t n = 0; n < effort.cases; ++n) {
    const Drawn drawn = drawn_case(pair, n, effort.seed);
    Outcome found = outcome;
    if (!compare_case(pair, *drawn.one, machine, replay(pair, &drawn.choices), found)) {
      add_shrunk(pair, drawn, machine, replay, outcome);
      break;
    }
    outcome = found;
  }
  return outcome;
}

Outcome run_replayed(const AnyPair& pair, const test::Machine& machine, const std::vector<int64_t>& choices,
                     const ReplayLine& replay) {
  Outcome outcome;
  const Drawn drawn = replayed_case(pair, choices);
  compare_case(pair, *drawn.one, machine, replay(pair, &drawn.choices), outcome);
  return outcome;
}

Complaints bounds_are_tight(const Outcome& edges, const Outcome& arbitrary) {
  if (!edges.bounded && !arbitrary.bounded) return {};  // equal values are asked for: no bound to be loose
  const Outcome& worst = edges.worst_share > arbitrary.worst_share ? edges : arbitrary;
  if (worst.worst_share > 0.01) return {};
  return {
      cat("the bound is too loose to see anything: at worst ", worst.worst_share, " of it; ", worst.worst)};
}

Complaints accepts_the_truth(const AnyPair& pair) {
  Complaints complaints;
  for (const CasePtr& one : pair.edges()) {
    const Result<Solved> solved = solve(one);
    if (!solved) {
      complaints.push_back(cat(one->text(), ": ", solved.error().message()));
      continue;
    }
    for (const compare::Report& report : solved->reports(pair, solved->truth)) {
      if (!report.pass) complaints.push_back(report.text());
    }
  }
  return complaints;
}

Complaints rejects_every_mutant(const AnyPair& pair) {
  const std::vector<std::string> names = pair.mutants();
  if (names.empty()) return {"a pair must list at least one wrong twin"};
  std::vector<Unseen> unseen;
  for (size_t i = 0; i < names.size(); ++i) unseen.push_back({i});
  for (const CasePtr& one : pair.edges()) {
    if (unseen.empty()) return {};
    const Result<Solved> solved = solve(one);
    if (!solved) return {cat(one->text(), ": ", solved.error().message())};
    std::vector<Unseen> left;
    for (Unseen& mutant : unseen) {
      const Result<bool> rejected = rejects(pair, *solved, mutant);
      if (!rejected) return {cat(names[mutant.index], ", ", one->text(), ": ", rejected.error().message())};
      if (!*rejected) left.push_back(mutant);
    }
    unseen = std::move(left);
  }
  Complaints complaints;
  for (const Unseen& mutant : unseen)
    complaints.push_back(cat('"', names[mutant.index], "\" passes: ", mutant.closest));
  return complaints;
}

}  // namespace kigo::laws
