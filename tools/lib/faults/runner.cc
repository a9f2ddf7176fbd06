#include "tools/lib/faults/runner.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/lib/faults/nmse.h"

namespace kigo::tools {
namespace {

/// The last line that is a JSON object.
std::optional<Json> last_object(const std::string& out) {
  const size_t at = out.rfind("\n{");
  const auto json = Json::parse(out.substr(at == std::string::npos ? 0 : at + 1), "probe");
  return json ? std::optional(*json) : std::nullopt;
}

Environment environment(const std::string& on, const std::string& report) {
  return {{"KIGO_FAULT", on},
          {"KIGO_FAULT_REPORT", report},
          {"RC_PARAMS", cat("seed=", kCardSeed)},
          {"KIGO_CASES", "20"},
          {"OMP_WAIT_POLICY", "passive"}};
}

}  // namespace

int stage_of(std::string_view checkpoint) {
  constexpr std::array<std::string_view, 9> kStages{"file:",        "weight:",      "golden blocks",
                                                    "tokens",       "text",         "stop",
                                                    "sample:probs", "sample:token", "harness:"};
  for (size_t i = 0; i < kStages.size(); ++i)
    if (checkpoint.starts_with(kStages[i])) return static_cast<int>(i < 6 ? i : i + 2);
  return checkpoint == "logits" ? 7 : 6;  // embed to output_norm
}

bool Outcome::reached_all() const {
  return std::ranges::all_of(reached, [](const auto& each) { return each.second != 0; });
}

const Red* Outcome::first() const {
  const Red* best = nullptr;
  for (const Red& each : red) {
    if (each.checkpoint.empty()) continue;
    if (best == nullptr || stage_of(each.checkpoint) < stage_of(best->checkpoint)) best = &each;
  }
  return best;
}

std::string Outcome::named(std::string_view expected) const {
  const auto by_law = [](const Red& each) { return each.by.find("laws_gpu_test") != std::string::npos; };
  const bool of_an_op = expected == "the op" || expected == "attn_mix";
  const bool law = std::ranges::any_of(red, by_law) || !crashed_kinds.empty();
  if (of_an_op && law) return std::string(expected);
  return first() == nullptr ? std::string() : first()->checkpoint;
}

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

void add_end(Outcome& outcome, char kind, const std::string& program, const Ended& ended) {
  std::vector<std::string> tests = failed_tests(ended.out);
  if (ended.crashed()) {
    outcome.crashed_kinds += kind;
    outcome.crashed.push_back(cat(program, ended.timed_out ? ": timeout" : cat(": signal ", ended.signal)));
  } else if (no_test_ran(ended.out)) {
    outcome.crashed.push_back(cat(program, ": no such test"));
  } else if (ended.exit != 0 && tests.empty()) {
    outcome.crashed.push_back(cat(program, ": exit status ", ended.exit));
  } else {
    for (const std::string& test : tests)
      outcome.red.push_back({kind, cat(std::string(1, kind), ":", program, ".", test),
                             std::string(harness_part(program, test)), -1, 0});
  }
}

Runner::Runner(const ScorecardOptions& options) : options_(options) {
  const Ended device = program("kernels_runtime_test", "GpuContext.KnowsItsDevice", "", "");
  gpu_ = device.exit == 0 && device.out.find("NOT RUN") == std::string::npos && !no_test_ran(device.out);
}

Outcome Runner::run(const std::string& on, const std::vector<std::string>& faults) const {
  const TemporaryFolder folder;
  const std::string report = folder.path() + "/reached";
  const auto meant = [&](const FaultCheck& check) {
    return std::ranges::find(faults, check.fault) != faults.end();
  };
  Outcome outcome;
  for (const std::string& each : faults) outcome.reached[each] = 0;
  probe(on, report, outcome);
  for (const FaultCheck& check : checks())
    if (meant(check) && !here(check.program)) outcome.crashed.push_back(cat(check.program, " is not built"));
  for (const FaultCheck* check : all_checks()) {
    if (meant(*check))
      add_end(outcome, check->kind, std::string(check->program),
              program(check->program, check->filter, on, report));
  }
  if (gpu_) add_nmse_of_operation(on, faults, outcome);
  std::istringstream lines(read_text_file(report).value_or(""));
  uint64_t times = 0;
  for (std::string name; lines >> name >> times;) outcome.reached[name] += times;
  return outcome;
}

void Runner::add_nmse_of_operation(const std::string& on, const std::vector<std::string>& faults,
                                   Outcome& outcome) const {
  const auto law_of = [&](const FaultCheck& check) {
    return check.program == "laws_gpu_test" && check.kind != 'r' && faults.size() == 1 &&
           check.fault == faults.front() && check.fault != "F85";  // which never ends
  };
  const auto check = std::ranges::find_if(gpu_checks(), law_of);
  if (check == gpu_checks().end()) return;
  NmseScore score;
  if (const Json* model = outcome.nmse.find("nmse_model")) score.model = model->number();
  take_operation(program(check->program, nmse_filter(check->filter), on, {}).out, score);
  outcome.nmse = score.json();
}

std::vector<const FaultCheck*> Runner::distinct_checks() const {
  std::set<std::pair<std::string_view, std::string_view>> seen;
  std::vector<const FaultCheck*> all = all_checks();
  std::erase_if(all,
                [&](const FaultCheck* check) { return !seen.emplace(check->program, check->filter).second; });
  return all;
}

std::string Runner::clean(const FaultCheck* check) const {
  Outcome outcome;
  if (check == nullptr)
    probe("", {}, outcome);
  else
    add_end(outcome, check->kind, std::string(check->program),
            program(check->program, check->filter, "", ""));
  std::string bad;
  for (const Red& red : outcome.red) bad += cat(red.by, " ");
  for (const std::string& crash : outcome.crashed) bad += cat(crash, " ");
  return bad;
}

Ended Runner::control(const Control& control) const {
  return program(control.program, control.filter, "", "");
}

/// Those that can be made here.
std::vector<const FaultCheck*> Runner::all_checks() const {
  std::vector<const FaultCheck*> all;
  for (const FaultCheck& check : checks())
    if (here(check.program)) all.push_back(&check);
  for (const FaultCheck& check : gpu_checks())
    if (gpu_ && here(check.program)) all.push_back(&check);
  return all;
}

std::string Runner::path_of(std::string_view program) const {
  for (const char* folder : {"", "laws/", "laws/gpu/"}) {
    std::string path = cat(options_.tests, "/", folder, program);
    if (std::filesystem::is_regular_file(path)) return path;
  }
  return {};
}

Ended Runner::program(std::string_view name, std::string_view filter, const std::string& on,
                      const std::string& report) const {
  return run_child({path_of(name), cat("--gtest_filter=", filter), "--gtest_brief=1"},
                   environment(on, report), limit_s(on));
}

double Runner::limit_s(const std::string& on) const {
  constexpr double kEndless_s = 20;  // many times what the checks of F85 take
  return on == "F85" ? kEndless_s : options_.limit_s;
}

void Runner::probe(const std::string& on, const std::string& report, Outcome& outcome) const {
  const Ended ended =
      run_child({options_.program, "faults", "--probe"}, environment(on, report), limit_s(on));
  const std::optional<Json> json = ended.crashed() ? std::nullopt : last_object(ended.out);
  if (!json || json->find("seen") == nullptr) {
    outcome.crashed.push_back(cat("probe: ", ended.timed_out ? "timeout" : ended.out.substr(0, 200)));
    return;
  }
  for (const Json& each : *json->find("seen")->items()) {
    outcome.red.push_back({each.find("kind")->string()->front(), *each.find("by")->string(),
                           *each.find("checkpoint")->string(), each.find("position")->integer().value_or(-1),
                           each.find("over")->number().value_or(INFINITY)});
  }
  if (const Json* nmse = json->find("nmse")) outcome.nmse = *nmse;
  if (const Json* error = json->find("error")) outcome.crashed.push_back(cat("probe: ", *error->string()));
}

}  // namespace kigo::tools
