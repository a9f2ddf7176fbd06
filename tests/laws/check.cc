// Which laws there are, and running them.
#include <array>
#include <chrono>
#include <functional>

#include "tests/laws/agreement.h"
#include "tests/laws/check_pairs.h"
#include "tests/laws/memory_laws.h"
#include "tests/support/choices.h"
#if KIGO_CUDA
#include "kernels/runtime/context.h"
#include "tests/laws/gpu/laws.h"
#include "tests/support/device.h"
#endif

namespace kigo::laws {
namespace {

using Verdict = LawResult::Verdict;

struct NamedMemoryLaw {
  const char* name;
  MemoryLaw* law;
};
constexpr std::array kMemoryLaws{
    NamedMemoryLaw{"Kernel.WritesOnlyItsOutput", writes_only_its_output},
    NamedMemoryLaw{"Kernel.LeavesInputsAlone", leaves_inputs_alone},
    NamedMemoryLaw{"Kernel.AcceptsPaddedAndMisalignedRows", accepts_padded_and_misaligned_rows},
    NamedMemoryLaw{"Kernel.GivesTheSameBitsTwice", gives_the_same_bits_twice},
    NamedMemoryLaw{"Kernel.TakesItsOwnWorkspaceAgain", takes_its_own_workspace_again}};

/// The results of one pair on one machine.
class Run {
 public:
  Run(const pairs::AnyPair& pair, std::string machine, std::vector<LawResult>& out)
      : pair_(pair), machine_(std::move(machine)), out_(out) {}

  /// Runs one law, with its time.
  void law(const char* name, const std::function<Complaints(LawResult&)>& run) {
    LawResult result{pair_.name(), machine_, name};
    const auto start = std::chrono::steady_clock::now();
    result.complaints = run(result);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    result.verdict = result.complaints.empty() ? Verdict::pass : Verdict::fail;
    out_.push_back(std::move(result));
  }
  void not_run(const char* name, const std::string& why) {
    out_.push_back({pair_.name(), machine_, name, Verdict::not_run, {why}});
  }

 private:
  const pairs::AnyPair& pair_;
  std::string machine_;
  std::vector<LawResult>& out_;
};

/// What an outcome says, kept in the result.
Complaints told(const Outcome& outcome, LawResult& result) {
  if (outcome.bounded) result.share = outcome.worst_share;
  result.reports = outcome.wrong;
  return outcome.failures;
}

void add_twin_laws(const pairs::AnyPair& pair, std::vector<LawResult>& out) {
  Run run(pair, "twin", out);
  run.law("Comparison.AcceptsTheTruth", [&](LawResult&) { return accepts_the_truth(pair); });
  run.law("Comparison.RejectsEveryMutant", [&](LawResult&) { return rejects_every_mutant(pair); });
}

void add_kernel_laws(const pairs::AnyPair& pair, const test::Machine& machine, const Request& request,
                     std::vector<LawResult>& out) {
  Run run(pair, std::string(machine.name()), out);
  const ReplayLine replay = [&](const pairs::AnyPair& of, const std::vector<int64_t>* choices) {
    return cat(request.program, " --pair ", of.name(), choices == nullptr ? "" : " --replay ",
               choices == nullptr ? "" : test::text_of(*choices));
  };
  if (request.replay) {
    run.law("Agrees.OnTheReplayedCase", [&](LawResult& result) {
      return told(run_replayed(pair, machine, *request.replay, replay), result);
    });
    return;
  }
  Outcome edges, arbitrary;
  run.law("Agrees.OnEdges", [&](LawResult& result) {
    edges = run_edges(pair, machine, replay);
    return told(edges, result);
  });
  run.law("Agrees.OnArbitraryCases", [&](LawResult& result) {
    arbitrary = run_arbitrary(pair, machine, request.effort, replay);
    return told(arbitrary, result);
  });
  run.law("Agrees.SoTightlyThatTheWorstShareExceedsOnePercent",
          [&](LawResult&) { return bounds_are_tight(edges, arbitrary); });
  for (const NamedMemoryLaw& one : kMemoryLaws)
    run.law(one.name, [&](LawResult&) { return one.law(pair, machine, request.effort); });
}

#if KIGO_CUDA
struct NamedLaunchLaw {
  const char* name;
  LaunchLaw* law;
};
constexpr std::array kLaunchLaws{
    NamedLaunchLaw{"Kernel.LaunchesNothingWhenEmpty", launches_nothing_when_empty},
    NamedLaunchLaw{"Kernel.RunsOnTheGivenStream", runs_on_the_given_stream},
    NamedLaunchLaw{"Kernel.CanBeCaptured", can_be_captured}};

/// Why nothing can run on a GPU; empty when it can.
std::string why_no_gpu() {
  const Result<int> devices = kernels::device_count();
  if (!devices) return cat("no CUDA device (", devices.error().message(), ")");
  return *devices > 0 ? "" : "no CUDA device";
}

void add_device_laws(const pairs::AnyPair& pair, const Request& request, std::vector<LawResult>& out) {
  static const std::string missing = why_no_gpu();
  if (!missing.empty()) {
    Run(pair, "cuda", out).not_run("Kernel", missing);
    return;
  }
  const test::TestStream stream;
  add_kernel_laws(pair, test::GpuMachine(stream), request, out);
  if (request.replay) return;
  Run run(pair, "cuda", out);
  for (const NamedLaunchLaw& one : kLaunchLaws)
    run.law(one.name, [&](LawResult&) { return one.law(pair, stream, request.effort); });
}
#endif

}  // namespace

std::vector<LawResult> check(const std::vector<pairs::PairPtr>& pairs, const Request& request) {
  std::vector<LawResult> results;
  for (const pairs::PairPtr& pair : pairs) {
    if (!request.pair.empty() && pair->name() != request.pair) continue;
    if (!request.replay) add_twin_laws(*pair, results);
    if (pair->runs_on_host()) add_kernel_laws(*pair, test::host_machine(), request, results);
#if KIGO_CUDA
    if (pair->runs_on_device()) add_device_laws(*pair, request, results);
#endif
    if (!pair->runs_on_host() && !pair->runs_on_device())
      Run(*pair, "cuda", results).not_run("Kernel", "this build of kigo has no CUDA");
  }
  return results;
}

}  // namespace kigo::laws
