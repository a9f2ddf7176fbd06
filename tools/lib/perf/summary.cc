#include "tools/lib/perf/summary.h"

#include <algorithm>
#include <array>
#include <map>
#include <tuple>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/perf/report_environment.h"
#include "tools/lib/perf/report_text.h"

namespace kigo::tools::perf {
namespace {

constexpr size_t kMostOpenAmbiguous = 20;
constexpr size_t kMostLines = 200;  // a comment of a pull request holds 65,536 characters

struct Look {
  std::string_view css_class;
  Mark mark;
};

const Look& look_of(Verdict verdict) {
  static constexpr std::array<Look, 5> kLooks{{{"fast", Mark::triangle_down},
                                               {"slow", Mark::triangle_up},
                                               {"same", Mark::circle},
                                               {"ambiguous", Mark::diamond},
                                               {"invalid", Mark::cross}}};
  return kLooks.at(static_cast<size_t>(verdict));
}

std::string interval_text(const ShownVerdict& verdict) {
  return cat(change_text(verdict.low), " to ", change_text(verdict.high));
}

using Rows = std::vector<const ShownVerdict*>;

std::string table(const Rows& rows, bool several_settings) {
  if (rows.empty()) return "";
  std::string out = several_settings ? "| verdict | what | device | change | interval | against | reason |\n"
                                       "|---|---|---|---:|---|---|---|\n"
                                     : "| verdict | what | change | interval | against | reason |\n"
                                       "|---|---|---:|---|---|---|\n";
  for (size_t i = 0; i < std::min(rows.size(), kMostLines); ++i) {
    const ShownVerdict& row = *rows[i];
    out += cat("| ", row.verdict == Verdict::same ? "" : "**", name_of(row.verdict),
               row.verdict == Verdict::same ? "" : "**", " | ", markdown(text_of(row.subject)), " | ",
               several_settings ? cat(markdown(row.setting.device), " | ") : "", change_text(row.change),
               " | ", interval_text(row), " | ", markdown(row.base), " | ", markdown(row.reason), " |\n");
  }
  if (rows.size() > kMostLines)
    out += cat("\n", grouped(rows.size() - kMostLines), " more rows are not shown here.\n");
  return out;
}

std::string environment_text(std::span<const Record> records) {
  std::map<Setting, Environment> environments;
  for (const Record& record : records) environments[record.setting].add(record);
  std::string out = "<details><summary>Environment</summary>\n";
  for (const auto& [setting, environment] : environments) {
    out += "\n| | |\n|---|---|\n";
    for (const auto& [name, value] : rows_of(setting, environment))
      out += cat("| ", name, " | ", markdown(value), " |\n");
  }
  if (environments.empty()) out += "\nNo measurement.\n";
  return out + "\n</details>\n";
}

}  // namespace

bool listed_before(const ShownVerdict* a, const ShownVerdict* b) {
  const auto rank_a = std::ranges::find(kVerdicts, a->verdict);
  const auto rank_b = std::ranges::find(kVerdicts, b->verdict);
  if (rank_a != rank_b) return rank_a < rank_b;
  const auto rest = [](const ShownVerdict& v) {
    return std::tie(v.subject, v.setting, v.base, v.run, v.commit, v.reason);
  };
  return rest(*a) < rest(*b);
}

std::string_view css_class_of(Verdict verdict) { return look_of(verdict).css_class; }
Mark mark_of(Verdict verdict) { return look_of(verdict).mark; }

SortedVerdicts sorted_for_reading(std::span<const ShownVerdict> verdicts) {
  SortedVerdicts sorted;
  for (const ShownVerdict& verdict : verdicts) {
    auto& part = verdict.verdict == Verdict::same        ? sorted.same
                 : verdict.verdict == Verdict::ambiguous ? sorted.ambiguous
                                                         : sorted.open;
    part.push_back(&verdict);
  }
  if (sorted.ambiguous.size() <= kMostOpenAmbiguous) {
    sorted.open.insert(sorted.open.end(), sorted.ambiguous.begin(), sorted.ambiguous.end());
    sorted.ambiguous.clear();
  }
  for (auto* part : {&sorted.open, &sorted.ambiguous, &sorted.same})
    std::ranges::stable_sort(*part, listed_before);
  return sorted;
}

std::string markdown_summary(const SummaryInput& input) {
  std::map<Verdict, size_t> counts;
  bool several_settings = false;
  for (const ShownVerdict& verdict : input.verdicts) {
    ++counts[verdict.verdict];
    several_settings = several_settings || verdict.setting != input.verdicts.front().setting;
  }
  std::string out = "## kigo performance\n\n";
  for (const Verdict verdict : kVerdicts)
    out += cat(verdict == kVerdicts[0] ? "" : ", ", grouped(counts[verdict]), ' ', name_of(verdict));
  out += input.verdicts.empty() ? ": nothing was compared.\n\n" : ".\n\n";
  for (const std::string& note : input.notes) out += cat("> ", markdown(note), "\n\n");
  const SortedVerdicts sorted = sorted_for_reading(input.verdicts);
  out += table(sorted.open, several_settings);
  for (const Rows& rows : {sorted.ambiguous, sorted.same}) {
    if (rows.empty()) continue;
    out += cat("\n<details><summary>", grouped(rows.size()), ' ', name_of(rows.front()->verdict),
               "</summary>\n\n", table(rows, several_settings), "\n</details>\n");
  }
  return cat(out, "\n", environment_text(input.records));
}

}  // namespace kigo::tools::perf
