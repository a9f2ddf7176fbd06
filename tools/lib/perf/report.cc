#include "tools/lib/perf/report.h"

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/perf/report_curves.h"
#include "tools/lib/perf/report_environment.h"
#include "tools/lib/perf/report_history.h"
#include "tools/lib/perf/report_roofline.h"
#include "tools/lib/perf/report_style.h"
#include "tools/lib/perf/report_tables.h"
#include "tools/lib/perf/report_text.h"

namespace kigo::tools::perf {
namespace {

constexpr size_t kMostBrokenLines = 50;

/// Everything of one setting.
struct Section {
  Setting setting;
  Environment all;     // of every record
  Environment newest;  // of the newest run
  std::string newest_run;
  const Ceilings* ceilings = nullptr;  // of the newest run that has any
  std::span<const Curve> curves;
  std::string id;
};

std::string plural(size_t count, std::string_view one, std::string_view many) {
  return cat(grouped(count), ' ', count == 1 ? one : many);
}

/// The sections in the order of the page: those with kernels before others, each newest first.
std::vector<Section> sections_of(std::span<const Record> records, const Curves& curves) {
  std::map<Setting, Section> sections;
  std::map<Setting, std::pair<std::string, std::string>> newest;  // time and run
  for (const Record& record : records) {
    sections[record.setting].all.add(record);
    auto& last = newest[record.setting];
    last = std::max(last, std::pair(record.time, record.run));
  }
  for (const Record& record : records) {
    Section& section = sections[record.setting];
    section.newest_run = newest[record.setting].second;
    if (record.run == section.newest_run) section.newest.add(record);
  }
  std::map<Setting, std::string> time_of_ceilings;
  for (const auto& [key, ceilings] : curves.ceilings) {
    const auto& any = ceilings.records.empty() ? ceilings.bad : ceilings.records;
    if (any.empty()) continue;
    const std::string& time = any.front()->time;
    if (Section& section = sections[key.first];
        section.ceilings == nullptr || time_of_ceilings[key.first] <= time) {
      section.ceilings = &ceilings;
      time_of_ceilings[key.first] = time;
    }
  }
  std::vector<Section> out;
  for (auto& [setting, section] : sections) {
    section.setting = setting;
    const auto own = std::ranges::equal_range(
        curves.curves, setting, {}, [](const Curve& curve) -> const Setting& { return *curve.setting; });
    section.curves = std::span(own.begin(), own.end());
    out.push_back(section);
  }
  const auto has_kernels = [](const Section& section) {
    return std::ranges::any_of(section.curves,
                               [](const Curve& curve) { return curve.subject->kind == Kind::op; });
  };
  std::ranges::stable_sort(out, std::ranges::greater{}, [&](const Section& section) {
    return std::pair(has_kernels(section), section.all.last_time);
  });
  for (size_t i = 0; i < out.size(); ++i) out[i].id = cat("setting", i);
  return out;
}

std::string device_text(const Section& section) {
  return section.setting.device.empty() ? "Device not known" : html(section.setting.device);
}

std::string environment_table(const Section& section) {
  std::string out = "<div class=\"wide\"><table><caption>The newest run</caption><tbody>\n";
  for (const auto& [name, value] : rows_of(section.setting, section.newest))
    out += cat("<tr><th scope=\"row\">", name, "</th><td>", html(value), "</td></tr>\n");
  return out + "</tbody></table></div>\n";
}

/// What the heading of a group says of its newest points: shares of the limit, verdicts but SAME, and bad
/// ones.
struct GroupNotes {
  std::string shares;
  std::string alarms;  // empty: nothing to look at
};

GroupNotes notes_of(std::span<const Curve> curves, const VerdictIndex& verdicts) {
  std::map<Verdict, size_t> counts;
  size_t bad = 0;
  Range shares;
  for (const Curve& curve : curves) {
    if (const ShownVerdict* verdict = verdicts.find(curve, curve.newest())) ++counts[verdict->verdict];
    bad += curve.newest().state == State::ok ? 0 : 1;
    shares.add(share_of_limit(curve.newest()).value);
  }
  GroupNotes notes;
  if (!shares.empty())
    notes.shares = cat(", ", percent_text(shares.low), " to ", percent_text(shares.high), " of the limit");
  for (const Verdict verdict : kVerdicts)
    if (verdict != Verdict::same && counts[verdict] > 0)
      notes.alarms += cat(", ", verdict_words(verdict), ' ', counts[verdict]);
  if (bad > 0)
    notes.alarms += cat(", ", mark_alone(Mark::cross, "invalid"), ' ', bad, " without a good newest value");
  return notes;
}

/// All curves of one name, folded unless something is to be seen.
std::string group(std::span<const Curve> curves, bool ops, const VerdictIndex& verdicts,
                  DrawingBudget& budget, const std::string& id) {
  const GroupNotes notes = notes_of(curves, verdicts);
  return cat("<details id=\"", id, '"', notes.alarms.empty() && ops ? "" : " open", "><summary><h3>",
             html(curves.front().subject->name), "</h3> <span class=\"soft\">",
             plural(curves.size(), "curve", "curves"), notes.shares, "</span>", notes.alarms, "</summary>\n",
             curve_table(curves, ops, verdicts, budget), kernel_table(curves), "</details>\n");
}

/// The groups of one kind under a heading; nothing where there is none.
std::string kind_part(const Section& section, Kind kind, std::string_view heading,
                      const VerdictIndex& verdicts, DrawingBudget& budget) {
  const auto own =
      std::ranges::equal_range(section.curves, kind, {}, [](const Curve& c) { return c.subject->kind; });
  if (own.empty()) return "";
  std::string out = cat("<h3>", heading, "</h3>\n");
  for (auto first = own.begin(); first != own.end();) {
    const auto last = std::find_if(
        first, own.end(), [&](const Curve& curve) { return curve.subject->name != first->subject->name; });
    const auto index = first - section.curves.begin();
    out += group(std::span(first, last), kind == Kind::op, verdicts, budget, cat(section.id, '-', index));
    first = last;
  }
  return out;
}

std::string section_text(const Section& section, bool open, const VerdictIndex& verdicts,
                         DrawingBudget& budget) {
  std::string out = cat("<details id=\"", section.id, '"', open ? " open" : "", "><summary><h2>",
                        device_text(section), "</h2> <span class=\"soft\">", html(section.all.last_time),
                        ", ", html(section.setting.flags), "</span></summary>\n");
  out += cat("<div class=\"beside\">", environment_table(section));
  out += section.ceilings == nullptr
             ? "<p>No ceilings were measured: no share of the hardware's limit is known.</p>\n"
             : ceiling_table(*section.ceilings);
  out += "</div>\n";
  if (std::ranges::any_of(section.curves, [](const Curve& curve) { return curve.subject->kind == Kind::op; }))
    out += cat(
        "<h3>Roofline</h3>\n<p>Every kernel and case at its newest good measurement, in a row where that was "
        "measured, else cold. Lines: what the hardware reached in the newest run that measured it.</p>\n",
        roofline(roofline_points(section.curves), section.ceilings));
  out += kind_part(section, Kind::model, "Models", verdicts, budget);
  out += kind_part(section, Kind::op, "Kernels", verdicts, budget);
  out += kind_part(section, Kind::serve, "Worker", verdicts, budget);
  out += kind_part(section, Kind::cpu, "Host", verdicts, budget);
  return out + "</details>\n";
}

std::string verdict_part(std::span<const ShownVerdict> verdicts, std::span<const std::string> notes) {
  std::string out = "<h2 id=\"verdicts\">Verdicts</h2>\n";
  for (const std::string& note : notes) out += cat("<p>", html(note), "</p>\n");
  if (verdicts.empty()) return out + "<p>Nothing was compared.</p>\n";
  std::map<Verdict, size_t> counts;
  for (const ShownVerdict& verdict : verdicts) ++counts[verdict.verdict];
  out += "<ul class=\"counts\">";
  for (const Verdict verdict : kVerdicts)
    out += cat("<li>", verdict_words(verdict), " <strong>", grouped(counts[verdict]), "</strong></li>");
  out += "</ul>\n";
  const SortedVerdicts sorted = sorted_for_reading(verdicts);
  if (!sorted.open.empty()) out += verdict_table(sorted.open);
  if (!sorted.ambiguous.empty())
    out += cat("<details><summary>", grouped(sorted.ambiguous.size()), " AMBIGUOUS</summary>\n",
               verdict_table(sorted.ambiguous), "</details>\n");
  if (sorted.open.empty() && sorted.ambiguous.empty())
    out += "<p>Everything that was compared is the same.</p>\n";
  return out;
}

std::string bad_part(std::span<const Record> records) {
  std::vector<const Record*> bad;
  for (const Record& record : records)
    if (record.state != State::ok) bad.push_back(&record);
  std::string out = "<h2 id=\"bad\">Invalid and timed out</h2>\n";
  if (bad.empty()) return out + "<p>No measurement is.</p>\n";
  return cat(out, "<details><summary>", plural(bad.size(), "measurement", "measurements"),
             " without a value that counts</summary>\n", bad_table(bad), "</details>\n");
}

std::string broken_part(std::span<const Error> broken) {
  if (broken.empty()) return "";
  std::set<std::string> lines;
  for (const Error& error : broken) lines.insert(error.message());
  std::string out = cat("<h2>", plural(broken.size(), "line", "lines"), " could not be read</h2>\n<ul>\n");
  size_t shown = 0;
  for (const std::string& line : lines) {
    if (++shown > kMostBrokenLines) break;
    out += cat("<li class=\"code\">", html(line), "</li>\n");
  }
  out += "</ul>\n";
  if (lines.size() > kMostBrokenLines) out += cat("<p>", lines.size() - kMostBrokenLines, " more.</p>\n");
  return out;
}

std::string legend() {
  std::string out = "<ul class=\"legend\" aria-label=\"Marks\">";
  for (const Verdict verdict : kVerdicts)
    if (verdict != Verdict::same) out += cat("<li>", verdict_words(verdict), "</li>");
  return cat(out, "<li>", mark_alone(Mark::square, "timed_out"), " TIMED OUT</li><li>",
             mark_alone(Mark::circle, "last"), " newest run</li></ul>\n");
}

std::string how_to_read() {
  return cat(
      "<details><summary>How to read this page</summary>\n<p>A curve is one case of one kernel, or one "
      "figure of "
      "a model, at one setting (device, driver, CUDA, clocks, build, method); settings are never mixed. It "
      "shows "
      "the newest ",
      kDrawnRuns,
      " runs, the newest at the right, at equal distances: the line is the middle one of a run's samples, "
      "the "
      "band their middle half, the figures beside it the largest and smallest value drawn. Time: lower is "
      "better; tokens a second: higher is. Point at a mark for what it stands for.</p>\n<p>Cold: one launch, "
      "nothing in the second-level cache. Row: many launches one after another, each on memory of its own. "
      "Hot: "
      "the same memory again and again; it has no share of the memory's bandwidth, as the cache may hold all "
      "of it. Of the limit: the larger one of the shares of bandwidth and products that the same run reached "
      "at "
      "most.</p>\n",
      legend(), "</details>\n");
}

std::string contents(std::span<const Section> sections) {
  std::string out =
      "<nav aria-label=\"Contents\"><ul><li><a href=\"#verdicts\">Verdicts</a></li>"
      "<li><a href=\"#bad\">Invalid and timed out</a></li>";
  for (const Section& section : sections)
    out += cat("<li><a href=\"#", section.id, "\">", device_text(section), "</a> <span class=\"soft\">",
               html(cat("driver ", section.setting.driver.empty() ? "none" : section.setting.driver,
                        ", CUDA ", section.setting.cuda.empty() ? "none" : section.setting.cuda, ", method ",
                        section.setting.method, ", last ", section.all.last_time)),
               "</span></li>");
  return out + "</ul></nav>\n";
}

}  // namespace

std::string report_page(const ReportInput& input) {
  const Curves curves = curves_of(input.records);
  const auto sections = sections_of(input.records, curves);
  std::vector<ShownVerdict> marked(input.verdicts.begin(), input.verdicts.end());
  marked.insert(marked.end(), input.past.begin(), input.past.end());
  const VerdictIndex verdicts(marked);
  std::set<std::string_view> commits;
  for (const Record& record : input.records) commits.insert(record.commit);
  std::string out =
      cat("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
          "content=\"width=device-width, initial-scale=1\"><title>kigo performance</title><style>",
          kReportStyle, "</style></head><body><main>\n<h1>kigo performance</h1>\n<p>",
          plural(input.records.size(), "measurement", "measurements"), " of ",
          plural(commits.size(), "commit", "commits"), ", ", plural(curves.curves.size(), "curve", "curves"),
          ", ", plural(sections.size(), "setting", "settings"), ".</p>\n");
  if (curves.with_delay > 0)
    out += cat("<p>", plural(static_cast<size_t>(curves.with_delay), "measurement", "measurements"),
               " with a delay put in on purpose (kigo perf selftest): in no curve.</p>\n");
  out += contents(sections) + how_to_read() + verdict_part(input.verdicts, input.notes) +
         bad_part(input.records) + broken_part(input.broken);
  DrawingBudget budget;
  for (size_t i = 0; i < sections.size(); ++i) out += section_text(sections[i], i == 0, verdicts, budget);
  if (budget.missed > 0)
    out += cat("<p>", plural(budget.missed, "curve is", "curves are"),
               " not drawn, so that the page stays usable; their rows are complete.</p>\n");
  return out + "</main></body></html>\n";
}

}  // namespace kigo::tools::perf
