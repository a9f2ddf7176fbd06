// The card for people and for programs, and the pass rule.
#include <algorithm>
#include <array>
#include <cstdio>

#include "core/base/cat.h"
#include "core/compare/junit.h"
#include "tools/lib/faults/scorecard.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

constexpr std::string_view kLevels = "FLGRBSTWH";

bool was_caught(const FaultLine& line) {
  return line.verdict == FaultVerdict::killed || line.verdict == FaultVerdict::misnamed;
}

/// The letters of the kinds in `caught_by`, each once.
std::string kinds_of(const FaultLine& line) {
  std::string kinds;
  for (const std::string& by : line.caught_by)
    if (kinds.find(by[0]) == std::string::npos) kinds += by[0];
  return kinds;
}

std::string nmse_text(const FaultLine& line) {
  char buffer[32] = "";
  if (const Json* op = line.nmse.find("nmse_op"); op != nullptr && op->number())
    std::snprintf(buffer, sizeof buffer, " %.1e", *op->number());
  return line.nmse_verdict + buffer;
}

std::string notes_of(const FaultLine& line) {
  std::string notes = line.detail;
  if (!line.kinds_missing.empty()) notes += cat(notes.empty() ? "" : "; ", "green: ", line.kinds_missing);
  for (const std::string& kind : line.kinds_not_run)
    notes += cat(notes.empty() ? "" : "; ", "not run ", kind);
  return notes;
}

size_t count(const std::vector<FaultLine>& lines, FaultVerdict verdict) {
  return static_cast<size_t>(std::ranges::count(lines, verdict, &FaultLine::verdict));
}

/// Killed by kigo, by the NMSE style, by kigo only, and the reverse, for each level.
std::string comparison(const std::vector<FaultLine>& lines) {
  std::vector<std::vector<std::string>> rows{
      {"level", "killed by kigo", "by NMSE", "by kigo only", "by NMSE only"}};
  for (const char level : kLevels) {
    std::array<int, 4> sums{};
    for (const FaultLine& line : lines) {
      const bool not_run = line.verdict == FaultVerdict::no_site || line.verdict == FaultVerdict::not_run;
      if (line.level != level || not_run) continue;
      const bool kigo = was_caught(line), nmse = line.nmse_verdict == "caught";
      sums[0] += kigo, sums[1] += nmse, sums[2] += kigo && !nmse, sums[3] += nmse && !kigo;
    }
    if (std::ranges::all_of(sums, [](int sum) { return sum == 0; })) continue;
    std::vector<std::string> row{std::string(1, level)};
    for (const int sum : sums) row.push_back(cat(sum));
    rows.push_back(std::move(row));
  }
  return table(rows, {1, 2, 3, 4});
}

}  // namespace

std::string_view name(FaultVerdict verdict) {
  constexpr std::array<std::string_view, 8> kNames{"killed",      "misnamed", "partial", "survived",
                                                   "not_reached", "error",    "not run", "no site yet"};
  return kNames[static_cast<size_t>(verdict)];
}

Json FaultLine::json() const {
  Json json = Json::object({{"fault", fault},
                            {"level", std::string(1, level)},
                            {"expected", expected},
                            {"reached", reached},
                            {"caught_by", Json::array_of(caught_by)},
                            {"kinds_missing", kinds_missing},
                            {"kinds_not_run", Json::array_of(kinds_not_run)},
                            {"named", named},
                            {"position", position},
                            {"worst_over_bound", over}});
  if (nmse.is_object())
    for (const auto& [key, value] : *nmse.members()) json.set(key, value);
  json.set("verdict", name(verdict));
  json.set("seed", "2026");
  json.set("ms", static_cast<int64_t>(seconds * 1000));
  if (!detail.empty()) json.set("detail", detail);
  return json;
}

bool FaultLine::good() const {
  // What whole-tensor tests see, this harness must see.
  if (nmse_verdict == "caught" && !was_caught(*this)) return false;
  switch (verdict) {
    case FaultVerdict::killed:
    case FaultVerdict::not_run:
    case FaultVerdict::no_site:
      return true;
    case FaultVerdict::misnamed:
      return level != 'G' && level != 'R' && level != 'B';
    default:
      return false;
  }
}

bool Scorecard::pass() const {
  return std::ranges::all_of(clean, &CleanLine::good) && std::ranges::all_of(faults, &FaultLine::good) &&
         std::ranges::all_of(pairs, &PairLine::good) && std::ranges::all_of(controls, &ControlLine::good);
}

std::string Scorecard::junit() const {
  using Outcome = compare::JUnitCase::Outcome;
  std::vector<compare::JUnitCase> cases;
  const auto add = [&](std::string group, std::string what, bool good, bool ran, std::string text,
                       double took = 0) {
    const Outcome outcome = !good ? Outcome::failed : ran ? Outcome::passed : Outcome::skipped;
    cases.push_back({std::move(group), std::move(what), took, outcome,
                     outcome == Outcome::passed ? "" : std::move(text)});
  };
  for (const CleanLine& line : clean) add("clean", line.when, line.good, true, line.detail);
  for (const FaultLine& line : faults) {
    const bool ran = line.verdict != FaultVerdict::no_site && line.verdict != FaultVerdict::not_run;
    add("faults", line.fault, line.good(), ran,
        cat(name(line.verdict), ", expected at ", line.expected, ", named ", line.named, "\n",
            notes_of(line)),
        line.seconds);
  }
  for (const PairLine& line : pairs)
    add("pairs", line.pair, line.good, line.verdict != "not run", cat(line.verdict, ": ", line.detail));
  for (const ControlLine& line : controls)
    add("controls", line.control, line.good, line.verdict != "not run", cat(line.verdict, ": ", line.detail));
  return compare::junit_xml("kigo faults", cases);
}

std::string Scorecard::text() const {
  std::vector<std::vector<std::string>> rows{
      {"fault", "level", "expected", "caught by", "named", "NMSE style", "verdict", ""}};
  for (const FaultLine& line : faults) {
    const bool bad =
        !was_caught(line) && line.verdict != FaultVerdict::no_site && line.verdict != FaultVerdict::not_run;
    std::string verdict(name(line.verdict));
    if (bad || line.verdict == FaultVerdict::misnamed)
      for (char& c : verdict) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    rows.push_back({line.fault, std::string(1, line.level), line.expected, kinds_of(line), line.named,
                    nmse_text(line), verdict, notes_of(line)});
  }
  std::string out = table(rows, {}) + "\n";
  if (!pairs.empty()) {
    rows = {{"masking pair", "verdict", ""}};
    for (const PairLine& line : pairs) rows.push_back({line.pair, line.verdict, line.detail});
    out += table(rows, {}) + "\n";
  }
  if (!controls.empty()) {
    rows = {{"must not be flagged", "verdict", ""}};
    for (const ControlLine& line : controls) rows.push_back({line.control, line.verdict, line.detail});
    out += table(rows, {}) + "\n";
  }
  for (const CleanLine& line : clean)
    out += cat("clean run, ", line.when, ": ", line.good ? "green" : cat("RED: ", line.detail), "\n");
  out += cat("\n", comparison(faults), "\n", faults.size(), " faults:");
  for (int verdict = 0; verdict <= static_cast<int>(FaultVerdict::no_site); ++verdict) {
    const size_t of = count(faults, static_cast<FaultVerdict>(verdict));
    if (of != 0) out += cat(" ", of, " ", name(static_cast<FaultVerdict>(verdict)), ",");
  }
  out.back() = '\n';
  if (!gpu) out += "NOT RUN: faults of kernels and of what is loaded onto a GPU: there is none here\n";
  const size_t ran =
      faults.size() - count(faults, FaultVerdict::no_site) - count(faults, FaultVerdict::not_run);
  return out + cat("verdict: ", pass() ? "pass" : "FAIL", " of what ran, ", ran, " of ", faults.size(),
                   " faults, ", static_cast<int64_t>(seconds), " s\n");
}

}  // namespace kigo::tools
