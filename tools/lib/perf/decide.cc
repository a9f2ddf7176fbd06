#include "tools/lib/perf/decide.h"

#include <algorithm>
#include <map>
#include <set>
#include <string_view>

#include "core/base/cat.h"
#include "tools/lib/perf/validity.h"

namespace kigo::tools::perf {
namespace {

struct BothSides {
  Blocks base, head;
};

/// The one machine code of all blocks, or nothing. A delay is part of what runs.
std::string code_of(const Blocks& blocks) {
  const Record& first = *blocks.front();
  for (const Record* record : blocks) {
    if (record->code != first.code || record->kernels != first.kernels || record->delay_us != first.delay_us)
      return {};
  }
  if (first.code.empty()) return {};
  std::string code = cat(first.code, " ", first.delay_us);
  for (const KernelUse& use : first.kernels)
    code +=
        cat(" ", use.name, " ", use.registers, " ", use.shared_bytes, " ", use.launches, " ", use.occupancy);
  return code;
}

std::vector<Block> blocks_of(const Blocks& records) {
  std::vector<Block> blocks;
  for (const Record* record : records) blocks.push_back(block_of(*record));
  return blocks;
}

Judgement refused(Verdict verdict, std::string why) {
  Judgement judgement;
  judgement.verdict = verdict;
  judgement.why = std::move(why);
  return judgement;
}

/// Why a subject is not judged; empty when it is.
Judgement validity(const BothSides& sides, const std::map<std::string, Limits>& limits, bool allow_new) {
  if (allow_new && sides.base.empty()) {
    std::string why = objection_to("HEAD", sides.head, limits);
    return why.empty() ? refused(Verdict::ambiguous, "new: BASE does not have it")
                       : refused(Verdict::invalid, std::move(why));
  }
  std::string why = objection_to("BASE", sides.base, limits);
  if (why.empty()) why = objection_to("HEAD", sides.head, limits);
  if (why.empty()) why = mismatch(sides.base, sides.head);
  const Verdict verdict = why.empty() ? Verdict::same : Verdict::invalid;
  return refused(verdict, std::move(why));
}

std::map<Subject, BothSides> by_subject(std::span<const Record> base, std::span<const Record> head) {
  std::map<Subject, BothSides> all;
  for (const Record& record : base) {
    if (record.subject.kind != Kind::ceiling) all[record.subject].base.push_back(&record);
  }
  for (const Record& record : head) {
    if (record.subject.kind != Kind::ceiling) all[record.subject].head.push_back(&record);
  }
  for (auto& [subject, sides] : all) sides = {each_once(sides.base), each_once(sides.head)};
  return all;
}

/// Whether both sides have blocks of one run, where they were measured in turns.
bool share_a_run(const BothSides& sides) {
  std::set<std::string_view> runs;
  for (const Record* record : sides.base) runs.insert(record->run);
  runs.erase("");  // not known
  return std::ranges::any_of(sides.head, [&](const Record* record) { return runs.contains(record->run); });
}

/// The share of a ceiling that the head reached: of its fastest block.
void set_shares(Row& row, const Blocks& head, const std::map<std::string, Limits>& limits) {
  for (const Record* record : head) {
    const auto found = limits.find(record->run);
    if (found == limits.end() || record->us.empty()) continue;
    row.bytes_share = std::max(row.bytes_share, bytes_share(*record, found->second));
    row.flops_share = std::max(row.flops_share, flops_share(*record, found->second));
  }
}

void add_drifts(Decision& decision, const std::map<Subject, BothSides>& subjects, const Drifts& drifts) {
  if (!drifts.note.empty()) decision.notes.push_back(drifts.note);
  for (Row& row : decision.rows) {
    const Blocks& head = subjects.at(row.subject).head;
    const Verdict verdict = row.judgement.verdict;
    if (head.empty() || verdict == Verdict::invalid || verdict == Verdict::slow) continue;
    const auto found = drifts.slower.find(place_of(*head.front()));
    if (found == drifts.slower.end()) continue;
    row.judgement.verdict = Verdict::slow;
    row.judgement.why = cat("drift: ", found->second);
  }
}

}  // namespace

Decision decide(std::span<const Record> base, std::span<const Record> head, std::span<const Record> history,
                const DecideOptions& options) {
  std::map<std::string, Limits> limits = limits_of(base);
  for (const auto& [run, of_head] : limits_of(head)) {
    Limits& both = limits[run];
    both.bytes_per_us = std::max(both.bytes_per_us, of_head.bytes_per_us);
    both.flops_per_us = std::max(both.flops_per_us, of_head.flops_per_us);
  }
  const std::map<Subject, BothSides> subjects = by_subject(base, head);
  std::set<std::string> now;  // may stand in the history already
  for (const auto& records : {base, head}) {
    for (const Record& record : records) now.insert(record.run);
  }
  const PastNoise past = past_noise(history, now);
  Decision decision;
  std::vector<Evidence> evidence;
  std::vector<size_t> judged;  // rows that the evidence is of
  int64_t unverified = 0;
  int64_t apart = 0;
  for (const auto& [subject, sides] : subjects) {
    Row& row = decision.rows.emplace_back(subject, validity(sides, limits, options.allow_new));
    if (row.judgement.verdict != Verdict::same) continue;
    set_shares(row, sides.head, limits);
    unverified += subject.kind == Kind::op && !any_verified(sides.head);
    apart += !share_a_run(sides);
    Evidence& each = evidence.emplace_back(blocks_of(sides.base), blocks_of(sides.head));
    const auto found = past.find(place_of(*sides.base.front()));
    if (found != past.end()) each.past = found->second;
    const std::string code = code_of(sides.base);
    each.same_code = options.use_code && !code.empty() && code == code_of(sides.head);
    each.cache = subject.cache;
    judged.push_back(decision.rows.size() - 1);
  }
  Judgements judgements = judge(evidence, options.judge);
  for (size_t i = 0; i < judged.size(); ++i)
    decision.rows[judged[i]].judgement = std::move(judgements.all[i]);
  decision.common = judgements.common;
  decision.process_shift = judgements.process_shift;
  if (judgements.common != 0)
    decision.notes.push_back(cat("all kernels moved together by ", signed_percent(judgements.common), ": ",
                                 judgements.common_is_code
                                     ? "the machine, or what all of them share"
                                     : "the machine, as those with equal code moved too",
                                 "; each is judged against that"));
  if (judged.empty()) decision.notes.emplace_back("nothing was compared");
  if (unverified != 0)
    decision.notes.push_back(
        cat(unverified, " compared whose values were not compared with the twin's on either side"));
  if (apart != 0)
    decision.notes.push_back(cat(apart,
                                 " compared whose sides were not measured in one run: what changed on the "
                                 "machine in between counts as a change of the build"));
  add_drifts(decision, subjects, drifts_of(history, head, options.drift));
  return decision;
}

int64_t Decision::count(Verdict verdict) const {
  return std::ranges::count(rows, verdict, [](const Row& row) { return row.judgement.verdict; });
}

bool Decision::passes() const {
  const bool compared = std::ranges::any_of(rows, [](const Row& row) { return row.judgement.base_us > 0; });
  return compared && count(Verdict::invalid) == 0 && count(Verdict::slow) == 0;
}

}  // namespace kigo::tools::perf
