// Which run a record of the self-test belongs to, and its text.
#include <charconv>
#include <cmath>

#include "core/base/cat.h"
#include "tools/lib/perf/selftest.h"
#include "tools/lib/terminal.h"

namespace kigo::tools::perf {
namespace {

struct Label {
  std::string run;  // "ID/2"
  int percent = 0;
};

/// The number of the slowdown, kSlowdowns.size() for none of them.
size_t slowdown_of(int percent) {
  size_t size = 0;
  while (size < kSlowdowns.size() && std::lround(100 * kSlowdowns[size]) != percent) ++size;
  return size;
}

Result<Label> parse_label(const std::string& text) {
  const size_t slash = text.rfind('/');
  Label label{text.substr(0, slash), -1};
  if (slash != std::string::npos) {
    const char* const end = text.data() + text.size();
    if (std::from_chars(text.data() + slash + 1, end, label.percent).ptr != end) label.percent = -1;
  }
  if (label.percent != 0 && slowdown_of(label.percent) == kSlowdowns.size())
    return fail(Code::bad_value, "run", escaped(text),
                "ID/RUN/0, 1, 3 or 10, as `kigo perf selftest` writes it");
  return label;
}

std::string percent(double share) { return std::isnan(share) ? "-" : cat(brief(100 * share), " %"); }

Json json_of(const Findings& findings) {
  Json power = Json::array();
  for (size_t size = 0; size < kSlowdowns.size(); ++size) {
    const Power& each = findings.power[size];
    power.push(Json::object({{"slowdown", kSlowdowns[size]},
                             {"realised", each.realised},
                             {"long", json_of(each.long_found)},
                             {"short", json_of(each.short_found)}}));
  }
  return Json::object({{"false_alarms", json_of(findings.alarms)},
                       {"false_alarms_of_subjects", json_of(findings.subject_alarms)},
                       {"false_fast", json_of(findings.fast_alarms)},
                       {"undecided_subjects", json_of(findings.undecided)},
                       {"power", power}});
}

}  // namespace

std::string run_label(const std::string& id, int64_t run, double slowdown) {
  return cat(id, "/", run, "/", std::lround(100 * slowdown));
}

Result<std::vector<SelftestRun>> runs_of(std::span<const Record> base, std::span<const Record> head) {
  std::vector<SelftestRun> runs;
  std::map<std::string, size_t> places;
  for (const auto& [records, side] : {std::pair{base, &Sides::base}, {head, &Sides::head}}) {
    for (const Record& record : records) {
      KIGO_ASSIGN(const Label label, parse_label(record.run));
      const auto [place, added] = places.emplace(label.run, runs.size());
      if (added) runs.emplace_back();
      SelftestRun& run = runs[place->second];
      Sides& sides = label.percent == 0 ? run.same : run.slow[slowdown_of(label.percent)];
      (sides.*side).push_back(record);
    }
  }
  if (runs.empty()) return fail(Code::bad_value, "self-test", "no record", "those of one run at least");
  return runs;
}

std::string Selftest::text() const {
  std::string text = cat("self-test on ", device, ": ", subjects, " subjects, ", blocks,
                         " blocks on each side; in brackets where the true rate lies, 95 %\n");
  for (const std::string& each : left_out) text += cat("left out  ", escaped(each, each.size()), "\n");
  std::vector<std::vector<std::string>> rows = {
      {"", cat(runs, runs == 1 ? " real run" : " real runs"),
       cat(estimated.alarms.trials, " runs drawn from their blocks")},
      {"runs with a false SLOW", text_of(real.alarms), text_of(estimated.alarms)},
      {"comparisons with one", text_of(real.subject_alarms), text_of(estimated.subject_alarms)},
      {"runs with a false FAST", text_of(real.fast_alarms), text_of(estimated.fast_alarms)},
      {"comparisons undecided", text_of(real.undecided), text_of(estimated.undecided)}};
  for (size_t size = 0; size < kSlowdowns.size(); ++size) {
    const std::string what = cat(percent(kSlowdowns[size]), " slower found, ");
    const Power &counted = real.power[size], &drawn = estimated.power[size];
    rows.push_back(
        {cat(what, "from ", kLongUs, " us"), text_of(counted.long_found), text_of(drawn.long_found)});
    rows.push_back({cat(what, "below"), text_of(counted.short_found), text_of(drawn.short_found)});
  }
  text += table(rows);
  text += "the delays made the subjects slower by";
  for (const Power& each : real.power) text += cat(" ", percent(each.realised));
  text += cat("\n", reaches_goals() ? "the goals are reached" : "the goals are missed",
              ": at most 1 % of runs with a false SLOW, 95 % of 3 % found\n");
  if (!left_out.empty())
    text += cat(left_out.size(), left_out.size() == 1 ? " subject" : " subjects", " left out: failed\n");
  return text;
}

Json Selftest::json() const {
  return Json::object({{"device", device},
                       {"subjects", subjects},
                       {"runs", runs},
                       {"blocks", blocks},
                       {"left_out", Json::array_of(left_out)},
                       {"real", json_of(real)},
                       {"estimated", json_of(estimated)},
                       {"goals_reached", reaches_goals()},
                       {"passes", passes()}});
}

}  // namespace kigo::tools::perf
