// How the card is filled: processes, and what their ends mean.
#include "tools/lib/faults/scorecard.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <sstream>
#include <thread>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/base/file_map.h"
#include "tools/lib/faults/checks.h"
#include "tools/lib/faults/child.h"
#include "tools/lib/faults/copies.h"

namespace kigo::tools {
namespace {

using fault::Fault;
using fault::Site;

constexpr std::string_view kSeed = "2026";

/// The order in which checkpoints are reached: docs/faults.md, section 1. Those of a model come as they do.
int stage_of(std::string_view checkpoint) {
  constexpr std::array<std::string_view, 9> kStages{"file:",        "weight:",      "golden blocks",
                                                    "tokens",       "text",         "stop",
                                                    "sample:probs", "sample:token", "harness:"};
  for (size_t i = 0; i < kStages.size(); ++i)
    if (checkpoint.starts_with(kStages[i])) return static_cast<int>(i < 6 ? i : i + 2);
  return checkpoint == "logits" ? 7 : 6;  // embed to output_norm
}

/// One red check, as a child reported it.
struct Red {
  char kind = 0;
  std::string by;
  std::string checkpoint;  // empty: the check names none
  int64_t position = -1;
  double over = 0;
};

/// What some processes with the same faults on came to.
struct Outcome {
  std::vector<Red> red;
  std::set<char> run;  // kinds of checks that were run
  std::map<std::string, uint64_t> reached;
  std::vector<std::string> crashed;
  Json nmse;

  bool reached_all() const {
    return std::ranges::all_of(reached, [](const auto& each) { return each.second != 0; });
  }
  /// The first checkpoint in order that is wrong.
  const Red* first() const {
    const Red* best = nullptr;
    for (const Red& each : red) {
      if (each.checkpoint.empty()) continue;
      if (best == nullptr || stage_of(each.checkpoint) < stage_of(best->checkpoint)) best = &each;
    }
    return best;
  }
};

/// Names of the tests that failed, from GoogleTest's output.
std::vector<std::string> failed_tests(const std::string& out) {
  constexpr std::string_view kMark = "[  FAILED  ] ";
  std::vector<std::string> names;
  std::istringstream lines(out);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(kMark) || line.find('.') == std::string::npos) continue;
    const std::string rest = line.substr(kMark.size());
    std::string test = rest.substr(0, rest.find_first_of(" ,"));
    if (std::ranges::find(names, test) == names.end()) names.push_back(std::move(test));
  }
  return names;
}

bool no_test_ran(const std::string& out) {
  return out.find(" 0 tests from 0 test suites") != std::string::npos;
}

/// The last line that is a JSON object.
std::optional<Json> last_object(const std::string& out) {
  const size_t at = out.rfind("\n{");
  const auto json = Json::parse(out.substr(at == std::string::npos ? 0 : at + 1), "probe");
  return json ? std::optional(*json) : std::nullopt;
}

class Runner {
 public:
  explicit Runner(const ScorecardOptions& options) : options_(options) {
    const Ended device = program("kernels_runtime_test", "GpuContext.KnowsItsDevice", "", nullptr);
    gpu_ = device.exit == 0 && device.out.find("NOT RUN") == std::string::npos && !no_test_ran(device.out);
  }

  bool gpu() const { return gpu_; }

  /// All checks that belong to the faults, and the probe. `on` is what KIGO_FAULT says, "F45+F46".
  Outcome run(const std::string& on, const std::vector<std::string>& faults) const {
    const TemporaryFolder folder;
    const std::string report = folder.path() + "/reached";
    Outcome outcome;
    for (const std::string& each : faults) outcome.reached[each] = 0;
    probe(on, report, outcome);
    for (const Check& check : checks()) {
      if (std::ranges::find(faults, check.fault) != faults.end() && !here(check.program))
        outcome.crashed.push_back(cat(check.program, " is not built"));
    }
    for (const Check* check : all_checks()) {
      if (std::ranges::find(faults, check->fault) == faults.end()) continue;
      judge(check->kind, std::string(check->program), program(check->program, check->filter, on, &report),
            outcome);
    }
    std::istringstream lines(read_text_file(report).value_or(""));
    uint64_t times = 0;
    for (std::string name; lines >> name >> times;) outcome.reached[name] += times;
    return outcome;
  }

  /// Every check, control and probe with nothing on: what is red, empty when all is green.
  std::string clean() const {
    Outcome outcome;
    probe("", {}, outcome);
    std::set<std::pair<std::string_view, std::string_view>> done;
    for (const Check* check : all_checks()) {
      if (done.emplace(check->program, check->filter).second)
        judge(check->kind, std::string(check->program), program(check->program, check->filter, "", nullptr),
              outcome);
    }
    std::string bad;
    for (const Red& red : outcome.red) bad += cat(red.by, " ");
    for (const std::string& crash : outcome.crashed) bad += cat(crash, " ");
    return bad;
  }

  Ended control(const Control& control) const {
    return program(control.program, control.filter, "", nullptr);
  }
  bool here(std::string_view program) const { return !path_of(program).empty(); }

 private:
  /// Those that can be made here.
  std::vector<const Check*> all_checks() const {
    std::vector<const Check*> all;
    for (const Check& check : checks())
      if (here(check.program)) all.push_back(&check);
    for (const Check& check : gpu_checks())
      if (gpu_ && here(check.program)) all.push_back(&check);
    return all;
  }

  std::string path_of(std::string_view program) const {
    for (const char* folder : {"", "laws/", "laws/gpu/", "support/"}) {
      std::string path = cat(options_.tests, "/", folder, program);
      if (std::filesystem::is_regular_file(path)) return path;
    }
    return {};
  }

  Ended program(std::string_view name, std::string_view filter, const std::string& on,
                const std::string* report) const {
    return run_child({path_of(name), cat("--gtest_filter=", filter), "--gtest_brief=1"},
                     environment(on, report == nullptr ? "" : *report), options_.limit_s);
  }

  static Environment environment(const std::string& on, const std::string& report) {
    return {{"KIGO_FAULT", on},
            {"KIGO_FAULT_REPORT", report},
            {"RC_PARAMS", cat("seed=", kSeed)},
            {"KIGO_CASES", "20"},
            {"OMP_WAIT_POLICY", "passive"}};
  }

  static void judge(char kind, const std::string& name, const Ended& ended, Outcome& outcome) {
    outcome.run.insert(kind);
    if (ended.crashed()) {
      outcome.crashed.push_back(cat(name, ended.timed_out ? ": timeout" : cat(": signal ", ended.signal)));
      return;
    }
    if (ended.exit == 0 && !no_test_ran(ended.out)) return;
    std::vector<std::string> tests = failed_tests(ended.out);
    if (tests.empty()) tests.emplace_back(no_test_ran(ended.out) ? "no such test" : "exit status");
    for (const std::string& test : tests)
      outcome.red.push_back({kind, cat(std::string(1, kind), ":", name, ".", test),
                             std::string(harness_part(name, test)), -1, 0});
  }

  void probe(const std::string& on, const std::string& report, Outcome& outcome) const {
    const Ended ended =
        run_child({options_.program, "faults", "--probe"}, environment(on, report), options_.limit_s);
    const std::optional<Json> json = ended.crashed() ? std::nullopt : last_object(ended.out);
    if (!json || json->find("seen") == nullptr) {
      outcome.crashed.push_back(cat("probe: ", ended.timed_out ? "timeout" : ended.out.substr(0, 200)));
      return;
    }
    for (const Json& each : *json->find("seen")->items()) {
      Red red{each.find("kind")->string()->front(), *each.find("by")->string(),
              *each.find("checkpoint")->string(), each.find("position")->integer().value_or(-1),
              each.find("over")->number().value_or(INFINITY)};
      outcome.red.push_back(std::move(red));
    }
    for (const char kind : std::string_view("gldu")) outcome.run.insert(kind);
    if (const Json* nmse = json->find("nmse")) outcome.nmse = *nmse;
    if (const Json* error = json->find("error")) outcome.crashed.push_back(cat("probe: ", *error->string()));
  }

  const ScorecardOptions& options_;
  bool gpu_ = false;
};

bool needs_gpu(const Fault& fault) { return fault.site == Site::load || fault.site == Site::device; }

/// F61, F85 and F86 may end in a crash or never: that is how they show.
bool may_crash(std::string_view fault) { return fault == "F61" || fault == "F85" || fault == "F86"; }

void decide(FaultLine& line, const Fault& fault, const Outcome& outcome, bool gpu) {
  std::set<char> red;
  for (const Red& each : outcome.red) {
    red.insert(each.kind);
    line.caught_by.push_back(each.by);
  }
  for (const char kind : fault.kinds) {
    if (red.contains(kind)) continue;
    const std::string_view why = why_not_run(kind, gpu);
    if (outcome.run.contains(kind) || why.empty()) {
      line.kinds_missing += kind;
    } else {
      line.kinds_not_run.push_back(cat(std::string(1, kind), ": ", why));
    }
  }
  if (const Red* first = outcome.first()) {
    line.named = first->checkpoint;
    line.position = first->position;
    line.over = first->over;
  }
  // A law names the operation; where a case of attention is meant, that is its checkpoint.
  const auto by_law = [](const Red& each) { return each.by.find("laws_gpu_test") != std::string::npos; };
  const bool of_an_op = fault.checkpoint == "the op" || fault.checkpoint == "attn_mix";
  if (of_an_op && std::ranges::any_of(outcome.red, by_law)) line.named = fault.checkpoint;
  for (const std::string& crash : outcome.crashed) line.detail += cat(line.detail.empty() ? "" : "; ", crash);
  if (!outcome.crashed.empty() && !may_crash(fault.name)) {
    line.verdict = FaultVerdict::error;
  } else if (!outcome.reached_all()) {
    line.verdict = FaultVerdict::not_reached;
  } else if (outcome.red.empty() && outcome.crashed.empty()) {
    line.verdict = FaultVerdict::survived;
  } else if (!line.kinds_missing.empty()) {
    line.verdict = FaultVerdict::partial;
  } else {
    line.verdict = line.named.starts_with(fault.checkpoint) ? FaultVerdict::killed : FaultVerdict::misnamed;
  }
}

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

FaultLine judge_fault(const Runner& runner, const Fault& fault) {
  const auto start = std::chrono::steady_clock::now();
  FaultLine line;
  if (fault.site == Site::none) {
    line.verdict = FaultVerdict::no_site;
  } else if (needs_gpu(fault) && !runner.gpu()) {
    line.verdict = FaultVerdict::not_run;
    line.detail = "no GPU";
  } else if (fault.site == Site::copy) {
    line = judge_copy(fault);
  } else {
    const std::string name(fault.name);
    const Outcome outcome = runner.run(name, {name});
    line.reached = outcome.reached.at(name);
    line.nmse = outcome.nmse;
    if (const Json* verdict = line.nmse.find("nmse_verdict")) line.nmse_verdict = *verdict->string();
    decide(line, fault, outcome, runner.gpu());
  }
  line.fault = fault.name;
  line.level = fault.level;
  line.expected = fault.checkpoint;
  line.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  return line;
}

PairLine judge_pair(const Runner& runner, const fault::MaskingPair& pair) {
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
  const Outcome both = pair.second ? runner.run(cat(a, "+", b), {a, b}) : runner.run(a, {a});
  const Outcome only_a = runner.run(a, {a}), only_b = runner.run(b, {b});
  const auto is = [](const Outcome& outcome, const Fault& fault) {
    return outcome.first() != nullptr && outcome.first()->checkpoint.starts_with(fault.checkpoint);
  };
  const Fault& sooner = stage_of(second.checkpoint) < stage_of(first.checkpoint) ? second : first;
  line.good = is(both, sooner) && is(only_a, first) && is(only_b, second) && both.crashed.empty();
  line.verdict = line.good ? "both seen" : "MASKED";
  const auto named = [](const Outcome& outcome) {
    return outcome.first() == nullptr ? std::string("clean") : outcome.first()->checkpoint;
  };
  line.detail = cat("together ", named(both), ", ", a, " ", named(only_a), ", ", b, " ", named(only_b));
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
    std::string bad = runner.clean();
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
  card.faults = in_parallel<FaultLine>(wanted.size(), options.jobs, [&](size_t i) {
    FaultLine line = judge_fault(runner, *wanted[i]);
    tell(line.json());
    return line;
  });
  if (options.only.empty()) {
    const auto pairs = fault::masking_pairs();
    card.pairs = in_parallel<PairLine>(pairs.size(), options.jobs, [&](size_t i) {
      PairLine line = judge_pair(runner, pairs[i]);
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
