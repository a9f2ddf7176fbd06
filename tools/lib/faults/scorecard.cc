// How the card is filled: every fault, pair and control, and the clean runs around them.
#include "tools/lib/faults/scorecard.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "tools/lib/faults/checks.h"
#include "tools/lib/faults/copies.h"
#include "tools/lib/faults/judge.h"
#include "tools/lib/faults/runner.h"

namespace kigo::tools {
namespace {

using fault::Fault;
using fault::Site;

bool needs_gpu(const Fault& fault) { return fault.site == Site::load || fault.site == Site::device; }

FaultLine judge_copy(const Fault& fault) {
  FaultLine line;
  const CopyResult result = run_on_copy(fault.name);
  line.detail = result.detail;
  line.reached = result.possible ? 1 : 0;
  if (!result.possible) return line;
  if (result.red) {
    for (const char kind : result.kinds) line.caught_by.push_back(cat(std::string(1, kind), ":", result.by));
    line.named = result.checkpoint;
  }
  for (const char kind : fault.kinds)
    if (!result.red || result.kinds.find(kind) == std::string::npos) line.kinds_missing += kind;
  line.verdict = !result.red                      ? FaultVerdict::survived
                 : !line.kinds_missing.empty()    ? FaultVerdict::partial
                 : line.named == fault.checkpoint ? FaultVerdict::killed
                                                  : FaultVerdict::misnamed;
  return line;
}

/// A line with what it was made of: empty for a fault that was not run in processes of its own.
struct Judged {
  FaultLine line;
  Outcome outcome;
};

Judged judge_fault(const Runner& runner, const Fault& fault) {
  const auto start = std::chrono::steady_clock::now();
  Judged judged;
  FaultLine& line = judged.line;
  if (fault.site == Site::none) {
    line.verdict = FaultVerdict::no_site;
  } else if (needs_gpu(fault) && !runner.gpu()) {
    line.verdict = FaultVerdict::not_run;
    line.detail = "no GPU";
  } else if (fault.site == Site::copy) {
    line = judge_copy(fault);
  } else {
    const std::string name(fault.name);
    judged.outcome = runner.run(name, {name});
    line.reached = judged.outcome.reached.at(name);
    line.nmse = judged.outcome.nmse;
    if (const Json* verdict = line.nmse.find("nmse_verdict")) line.nmse_verdict = *verdict->string();
    decide(line, fault, judged.outcome);
  }
  line.fault = fault.name;
  line.level = fault.level;
  line.expected = fault.checkpoint;
  line.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return judged;
}

bool is(const Outcome& outcome, const Fault& fault) {
  return outcome.named(fault.checkpoint).starts_with(fault.checkpoint);
}

/// Whether a check accuses the part of the harness that the fault breaks.
bool is_accused(const Outcome& both, const Fault& harness) {
  return std::ranges::any_of(both.red,
                             [&](const Red& each) { return each.checkpoint == harness.checkpoint; });
}

/// Whether what is named with both on is the one that comes first: the earlier stage, and within the blocks
/// either. A fault of the harness has to be accused whatever else is: no verdict of a broken comparison
/// counts.
bool is_named_together(const Outcome& both, const Fault& a, const Fault& b) {
  if (a.level == 'H' || b.level == 'H') return is_accused(both, a.level == 'H' ? a : b);
  const int stage_a = stage_of(a.checkpoint), stage_b = stage_of(b.checkpoint);
  return stage_a == stage_b ? is(both, a) || is(both, b) : is(both, stage_a < stage_b ? a : b);
}

/// `judged`: what each fault came to by itself.
PairLine judge_pair(const Runner& runner, const fault::MaskingPair& pair,
                    const std::map<std::string, Outcome>& judged) {
  const Fault& first = fault::row(pair.first);
  const Fault& second = fault::row(pair.second.value_or(pair.first));
  PairLine line;
  line.pair = pair.second ? cat(first.name, "+", second.name) : cat(first.name, ", alone");
  for (const Fault* each : {&first, &second}) {
    if (each->site == Site::none) line.detail = cat(each->name, " has no site yet");
    if (needs_gpu(*each) && !runner.gpu()) line.detail = "no GPU";
  }
  if (!line.detail.empty()) {
    line.verdict = "not run";
    return line;
  }
  const std::string a(first.name), b(second.name);
  const Outcome &only_a = judged.at(a), &only_b = judged.at(b);
  const Outcome both = pair.second ? runner.run(cat(a, "+", b), {a, b}) : only_a;
  line.good = is_named_together(both, first, second) && is(only_a, first) && is(only_b, second) &&
              both.crashed.empty();
  line.verdict = line.good ? "both seen" : "MASKED";
  const auto named = [](const Outcome& outcome, const Fault& fault) {
    const std::string checkpoint = outcome.named(fault.checkpoint);
    return checkpoint.empty() ? std::string("clean") : checkpoint;
  };
  line.detail = cat("together ", named(both, first), ", ", a, " ", named(only_a, first), ", ", b, " ",
                    named(only_b, second));
  return line;
}

ControlLine judge_control(const Runner& runner, const Control& control) {
  ControlLine line{std::string(control.name), "quiet", "", true};
  if (!runner.here(control.program)) return {line.control, "not run", cat("no ", control.program), true};
  const Ended ended = runner.control(control);
  if (ended.exit == 0 && !no_test_ran(ended.out)) return line;
  line.good = false;
  line.verdict = "FLAGGED";
  for (const std::string& test : failed_tests(ended.out)) line.detail += cat(test, " ");
  if (line.detail.empty()) line.detail = no_test_ran(ended.out) ? "no such test" : "crash or timeout";
  return line;
}

/// Calls `work(i)` for 0 <= i < count on some threads; the results come in order.
template <class Result, class Work>
std::vector<Result> in_parallel(size_t count, int jobs, const Work& work) {
  std::vector<Result> results(count);
  std::atomic<size_t> next = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < std::max(jobs, 1); ++i) {
    threads.emplace_back([&] {
      for (size_t at = next++; at < count; at = next++) results[at] = work(at);
    });
  }
  threads.clear();  // waits
  return results;
}

}  // namespace

Scorecard run_scorecard(const ScorecardOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const Runner runner(options);
  Scorecard card;
  card.gpu = runner.gpu();
  std::mutex output;
  const auto tell = [&](const Json& line) {
    const std::scoped_lock lock(output);
    if (options.on_line) options.on_line(line);
  };
  const auto clean = [&](const char* when) {
    const std::vector<const FaultCheck*> checks = runner.distinct_checks();
    std::string bad;
    for (const std::string& part : in_parallel<std::string>(checks.size() + 1, options.jobs, [&](size_t i) {
           return runner.clean(i == 0 ? nullptr : checks[i - 1]);
         }))
      bad += part;
    card.clean.push_back({when, bad.empty(), std::move(bad)});
    tell(Json::object({{"clean", when},
                       {"verdict", card.clean.back().good ? "quiet" : "FLAGGED"},
                       {"detail", card.clean.back().detail}}));
  };
  clean("first");
  std::vector<const Fault*> wanted;
  for (const Fault& each : fault::faults())
    if (options.only.empty() || std::ranges::find(options.only, each.name) != options.only.end())
      wanted.push_back(&each);
  std::vector<Judged> lines = in_parallel<Judged>(wanted.size(), options.jobs, [&](size_t i) {
    Judged judged = judge_fault(runner, *wanted[i]);
    tell(judged.line.json());
    return judged;
  });
  std::map<std::string, Outcome> judged;
  for (Judged& each : lines) {
    judged.emplace(each.line.fault, std::move(each.outcome));
    card.faults.push_back(std::move(each.line));
  }
  if (options.only.empty()) {
    const auto pairs = fault::masking_pairs();
    card.pairs = in_parallel<PairLine>(pairs.size(), options.jobs, [&](size_t i) {
      PairLine line = judge_pair(runner, pairs[i], judged);
      tell(Json::object({{"pair", line.pair}, {"verdict", line.verdict}, {"detail", line.detail}}));
      return line;
    });
    card.controls = in_parallel<ControlLine>(controls().size(), options.jobs, [&](size_t i) {
      ControlLine line = judge_control(runner, controls()[i]);
      tell(Json::object({{"control", line.control}, {"verdict", line.verdict}, {"detail", line.detail}}));
      return line;
    });
  }
  clean("last");
  card.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return card;
}

}  // namespace kigo::tools
