#include "tools/lib/perf/shown_verdicts.h"

#include <algorithm>
#include <iterator>
#include <limits>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace kigo::tools::perf {
namespace {

using Newest = std::map<Subject, const Record*>;

void add_newest(Newest& newest, std::span<const Record> records) {
  for (const Record& record : records) {
    const Record*& place = newest[record.subject];
    if (place == nullptr || place->time <= record.time) place = &record;
  }
}

/// The blocks of a commit in a run, and when the first was taken.
struct Side {
  std::string_view first_time;
  std::vector<const Record*> records;
};

std::vector<Record> copies(const Side& side) {
  std::vector<Record> out;
  for (const Record* record : side.records) out.push_back(*record);
  return out;
}

}  // namespace

std::vector<ShownVerdict> shown(const Decision& decision, std::span<const Record> base,
                                std::span<const Record> head) {
  Newest of_base;
  Newest of_head;
  add_newest(of_base, base);
  add_newest(of_head, head);
  std::vector<ShownVerdict> out;
  for (const Row& row : decision.rows) {
    const auto on_base = of_base.find(row.subject);
    const auto on_head = of_head.find(row.subject);
    if (on_base == of_base.end() && on_head == of_head.end()) continue;
    const Record& record = on_head == of_head.end() ? *on_base->second : *on_head->second;
    const Judgement& judgement = row.judgement;
    const bool measured = judgement.base_us > 0;
    const double unknown = std::numeric_limits<double>::quiet_NaN();
    out.push_back({record.setting, row.subject, record.run, record.commit,
                   on_base == of_base.end() ? "" : on_base->second->commit.substr(0, 12), judgement.verdict,
                   measured ? judgement.change : unknown, measured ? judgement.low : unknown,
                   measured ? judgement.high : unknown, judgement.why});
  }
  return out;
}

std::vector<ShownVerdict> past_verdicts(std::span<const Record> history, const DecideOptions& options) {
  std::map<std::string_view, std::map<std::string_view, Side>> runs;
  for (const Record& record : history) {
    if (record.delay_us > 0 || record.run.empty()) continue;  // a self-test's slowdowns are no news
    Side& side = runs[record.run][record.commit];
    if (side.records.empty() || record.time < side.first_time) side.first_time = record.time;
    side.records.push_back(&record);
  }
  std::vector<ShownVerdict> out;
  for (const auto& [run, sides] : runs) {
    if (sides.size() != 2) continue;
    const Side* base = &sides.begin()->second;
    const Side* head = &std::next(sides.begin())->second;
    if (head->first_time < base->first_time) std::swap(base, head);
    const auto base_records = copies(*base);
    const auto head_records = copies(*head);
    std::ranges::move(shown(decide(base_records, head_records, {}, options), base_records, head_records),
                      std::back_inserter(out));
  }
  return out;
}

}  // namespace kigo::tools::perf
