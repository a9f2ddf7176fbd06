#include "tools/lib/perf/report_tables.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <tuple>

#include "core/base/cat.h"
#include "tools/lib/perf/report_text.h"
#include "tools/lib/perf/svg.h"

namespace kigo::tools::perf {
namespace {

constexpr size_t kMostRows = 500;

std::string head(std::string_view caption, std::initializer_list<std::string_view> columns) {
  std::string out = "<div class=\"wide\"><table>";
  if (!caption.empty()) out += cat("<caption>", caption, "</caption>");
  out += "<thead><tr>";
  for (const std::string_view column : columns) out += cat("<th scope=\"col\">", column, "</th>");
  return out + "</tr></thead><tbody>\n";
}

constexpr std::string_view kFoot = "</tbody></table></div>\n";

std::string cell(std::string_view escaped_text) { return cat("<td>", escaped_text, "</td>"); }
std::string number(std::string_view text) { return cat("<td class=\"number\">", text, "</td>"); }
std::string row_head(std::string_view text) {
  return cat("<th scope=\"row\" class=\"case\">", html(text), "</th>");
}

std::string rows_left_out(size_t all) {
  return all <= kMostRows ? "" : cat("<p>", grouped(all - kMostRows), " more rows are not shown here.</p>\n");
}

std::string share_cell(const RunPoint& point) {
  const Share share = share_of_limit(point);
  if (!std::isfinite(share.value)) return number(kUnknown);
  const double bar = std::clamp(100 * share.value, 0.0, 100.0);
  return cat("<td class=\"number share\" style=\"--share:", coordinate(bar), "%\">",
             percent_text(share.value), share.of_flops ? " of products" : " of memory", "</td>");
}

/// The kernel that uses most of it says how many fit.
std::string resource_cells(const Record& record) {
  if (record.kernels.empty())
    return number(kUnknown) + number(kUnknown) + number(kUnknown) + number(kUnknown);
  KernelUse most;
  most.occupancy = std::numeric_limits<double>::infinity();
  for (const KernelUse& use : record.kernels) {
    most.registers = std::max(most.registers, use.registers);
    most.spill_bytes = std::max(most.spill_bytes, use.spill_bytes);
    most.shared_bytes = std::max(most.shared_bytes, use.shared_bytes);
    most.occupancy = std::min(most.occupancy, use.occupancy);
  }
  return number(grouped(static_cast<uint64_t>(std::max<int64_t>(most.registers, 0)))) +
         number(most.spill_bytes == 0 ? "0" : bytes_text(static_cast<double>(most.spill_bytes))) +
         number(most.shared_bytes == 0 ? "0" : bytes_text(static_cast<double>(most.shared_bytes))) +
         number(percent_text(most.occupancy));
}

/// The mark and the word of a record that is not ok.
std::string bad_words(const Record& record) {
  const bool invalid = record.state == State::invalid;
  return cat(mark_alone(invalid ? Mark::cross : Mark::square, name_of(record.state)),
             invalid ? " INVALID" : " TIMED OUT");
}

/// What is said of the newest run: its verdict, or why it is bad.
std::string verdict_cell(const Curve& curve, const VerdictIndex& verdicts) {
  const RunPoint& newest = curve.newest();
  std::string text;
  if (newest.state != State::ok) text = cat(bad_words(*newest.newest), ": ", html(newest.newest->why));
  if (const ShownVerdict* verdict = verdicts.find(curve, newest)) {
    text += cat(text.empty() ? "" : "<br>", verdict_words(verdict->verdict), ' ',
                change_text(verdict->change), " <span class=\"soft\">(", change_text(verdict->low), " to ",
                change_text(verdict->high), ") ", html(verdict->reason), "</span>");
  }
  if (newest.state == State::ok && newest.bad_blocks > 0)
    text += cat(text.empty() ? "" : "<br>", newest.bad_blocks, " more blocks invalid or timed out");
  if (newest.newest->subject.kind == Kind::op && newest.state == State::ok && !newest.verified)
    text += cat(text.empty() ? "" : "<br>", "<span class=\"soft\">values not compared</span>");
  return cat("<td class=\"verdict\">", text.empty() ? "<span class=\"soft\">not compared</span>" : text,
             "</td>");
}

std::string drawing_cell(const Curve& curve, const VerdictIndex& verdicts, DrawingBudget& budget) {
  if (budget.left == 0) {
    ++budget.missed;
    return cell(kUnknown);
  }
  --budget.left;
  return cell(history_drawing(curve, verdicts));
}

std::string measured_cell(const Record& record) {
  return cat("<td class=\"number\">", html(record.time.substr(0, 10)), "<br><span class=\"code\">",
             html(record.commit.substr(0, 12)), "</span></td>");
}

}  // namespace

std::string verdict_words(Verdict verdict) {
  return cat(mark_alone(mark_of(verdict), css_class_of(verdict)), ' ', name_of(verdict));
}

std::string curve_table(std::span<const Curve> curves, bool ops, const VerdictIndex& verdicts,
                        DrawingBudget& budget) {
  std::string out =
      ops ? head("", {"case", "cache", "history", "newest", "middle half", "of the limit", "verdict",
                      "memory", "products", "registers", "spilled", "shared", "occupancy", "measured"})
          : head("", {"case", "history", "newest", "middle half", "verdict", "time", "measured"});
  for (const Curve& curve : curves) {
    const RunPoint& newest = curve.newest();
    out +=
        cat("<tr>", row_head(ops ? curve.subject->text : cat(curve.subject->name, ' ', curve.subject->text)));
    if (ops) out += cell(name_of(curve.subject->cache));
    out += drawing_cell(curve, verdicts, budget) + number(value_text(newest)) + number(interval_text(newest));
    if (ops) out += share_cell(newest);
    out += verdict_cell(curve, verdicts);
    if (ops) {
      out += number(bandwidth_text(newest.bytes_per_s())) + number(flops_text(newest.flops_per_s())) +
             resource_cells(*newest.newest);
    } else {
      out += number(time_text(newest.us));
    }
    out += cat(measured_cell(*newest.newest), "</tr>\n");
  }
  return cat(out, kFoot);
}

std::string kernel_table(std::span<const Curve> curves) {
  std::map<std::string, const KernelUse*> kernels;  // the same name was compiled once
  for (const Curve& curve : curves)
    for (const KernelUse& use : curve.newest().newest->kernels) kernels.try_emplace(use.name, &use);
  if (kernels.empty()) return "";
  std::string out = cat("<details><summary>", kernels.size(),
                        kernels.size() == 1 ? " compiled kernel" : " compiled kernels", "</summary>",
                        head("", {"kernel", "registers", "spilled", "shared", "occupancy"}));
  for (const auto& [name, use] : kernels)
    out += cat("<tr><th scope=\"row\" class=\"code\">", html(name), "</th>",
               number(grouped(static_cast<uint64_t>(std::max<int64_t>(use->registers, 0)))),
               number(use->spill_bytes == 0 ? "0" : bytes_text(static_cast<double>(use->spill_bytes))),
               number(use->shared_bytes == 0 ? "0" : bytes_text(static_cast<double>(use->shared_bytes))),
               number(percent_text(use->occupancy)), "</tr>\n");
  return cat(out, kFoot, "</details>\n");
}

std::string ceiling_table(const Ceilings& ceilings) {
  std::string out = head("What the hardware reached in the same run", {"ceiling", "case", "time", "rate"});
  for (const Record* record : ceilings.records) {
    const double us = median_us(*record);
    const std::string rate = record->flops > 0   ? flops_text(record->flops / us * 1e6)
                             : record->bytes > 0 ? bandwidth_text(record->bytes / us * 1e6)
                                                 : std::string(kUnknown);
    out += cat("<tr>", row_head(record->subject.name), cell(html(record->subject.text)),
               number(time_text(us)), number(rate), "</tr>\n");
  }
  for (const Record* record : ceilings.bad)
    out += cat("<tr>", row_head(record->subject.name), cell(html(record->subject.text)), "<td colspan=\"2\">",
               bad_words(*record), ": ", html(record->why), "</td></tr>\n");
  return cat(out, kFoot);
}

std::string verdict_table(std::span<const ShownVerdict* const> verdicts) {
  std::string out = head("", {"verdict", "what", "device", "change", "interval", "against", "reason"});
  for (const ShownVerdict* row : verdicts.first(std::min(verdicts.size(), kMostRows)))
    out +=
        cat("<tr><td class=\"mark\">", verdict_words(row->verdict), "</td>", row_head(text_of(row->subject)),
            cell(html(row->setting.device)), number(change_text(row->change)),
            number(cat(change_text(row->low), " to ", change_text(row->high))), cell(html(row->base)),
            cell(html(row->reason)), "</tr>\n");
  return cat(out, kFoot, rows_left_out(verdicts.size()));
}

std::string bad_table(std::span<const Record* const> records) {
  std::vector<const Record*> sorted(records.begin(), records.end());
  std::ranges::sort(sorted, [](const Record* a, const Record* b) {
    return std::tie(b->time, a->setting, a->subject, a->run, a->commit, a->block, a->why) <
           std::tie(a->time, b->setting, b->subject, b->run, b->commit, b->block, b->why);
  });
  std::string out = head("", {"state", "what", "device", "time", "commit", "block", "samples", "why"});
  for (const Record* record : std::span(sorted).first(std::min(sorted.size(), kMostRows)))
    out += cat("<tr><td class=\"mark\">", bad_words(*record), "</td>", row_head(text_of(record->subject)),
               cell(html(record->setting.device)), cell(html(record->time)), "<td class=\"code\">",
               html(record->commit), "</td>", number(cat(record->block)), number(cat(record->us.size())),
               cell(html(record->why)), "</tr>\n");
  return cat(out, kFoot, rows_left_out(sorted.size()));
}

}  // namespace kigo::tools::perf
