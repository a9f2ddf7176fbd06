#include "tools/lib/perf/measure.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <iterator>
#include <map>
#include <optional>
#include <set>

#include "core/base/cat.h"
#include "tools/lib/perf/contender.h"
#include "tools/lib/perf/decide.h"
#include "tools/lib/perf/two_steps.h"

namespace kigo::tools::perf {
namespace {

using Names = std::vector<std::string>;
using Clock = std::chrono::steady_clock;

const std::string kCeilings = "ceilings";

bool has(const Names& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

Names missing_in(const Names& these, const Names& names) {
  Names missing;
  std::ranges::copy_if(names, std::back_inserter(missing),
                       [&](const std::string& name) { return !has(these, name); });
  return missing;
}

/// Counts records, and keeps the first reason for each subject of each side.
class Tally {
 public:
  explicit Tally(MeasureSummary& summary) : summary_(summary) {}
  void count(const std::string& side, const std::vector<Record>& records) {
    for (const Record& record : records) {
      ++summary_.records;
      if (record.state == State::ok) continue;
      ++(record.state == State::invalid ? summary_.invalid : summary_.timed_out);
      const std::string subject = cat(side, ": ", text_of(record.subject));
      if (told_.insert(subject).second)
        summary_.problems.push_back(cat(subject, ": ", name_of(record.state), ", ", record.why));
    }
  }

 private:
  MeasureSummary& summary_;
  std::set<std::string> told_;
};

/// Whether another of some equal parts is over in time, when it takes as long as the slowest so far.
class Budget {
 public:
  Budget(double seconds, Clock::time_point begun) : seconds_(seconds), begun_(begun) {}
  void begin() {
    last_ = Clock::now();
    slowest_ = {};
  }
  bool allows_another() {
    const Clock::time_point now = Clock::now();
    slowest_ = std::max(slowest_, now - last_);
    last_ = now;
    return seconds_ <= 0 || std::chrono::duration<double>(now + slowest_ - begun_).count() <= seconds_;
  }

 private:
  double seconds_;
  Clock::time_point begun_, last_ = begun_;
  Clock::duration slowest_{};
};

/// The contenders, and what they have said so far.
class Measurement {
 public:
  Measurement(const MeasureOptions& options, Clock::time_point begun, Contender* base, Contender& head,
              MeasureSummary& summary)
      : options_(options), base_(base), head_(head), summary_(summary), budget_(options.seconds, begun) {}

  Status take_turns() {
    const std::vector<Turn> all =
        turns(base_ == nullptr ? Names{} : base_->names(), head_.names(), options_.blocks);
    total_ = static_cast<int64_t>(all.size());
    if (base_ != nullptr) KIGO_TRY(ask(Which::base, kCeilings, 0));
    KIGO_TRY(ask(Which::head, kCeilings, 0));
    budget_.begin();
    for (const Turn& turn : all) {
      if (turn.block >= summary_.blocks) {
        if (turn.block > 0 && turn.block % 2 == 0 && !budget_.allows_another()) break;
        summary_.blocks = std::min(options_.blocks, turn.block / 2 * 2 + 2);
      }
      KIGO_TRY(ask(turn.side, turn.name, turn.block));
      ++done_;
    }
    KIGO_TRY(take_rest());
    return base_ != nullptr && options_.more > summary_.blocks ? look_again() : Status{};
  }

 private:
  /// The second step.
  Status look_again() {
    const Names open = open_names();
    const int64_t first = summary_.blocks;
    total_ += static_cast<int64_t>(open.size()) * 2 * (options_.more - first);
    budget_.begin();
    for (int64_t block = first; block < options_.more; block += 2) {
      for (size_t i = 0; i < open.size(); ++i) {
        if (!budget_.allows_another()) return {};
        if (block == first) ++summary_.open;
        const std::string next = i + 1 < open.size() ? open[i + 1] : "";
        for (Turn turn : turns({open[i]}, {open[i]}, 2)) {
          KIGO_TRY(ask(turn.side, open[i], block + turn.block, next));
          ++done_;
        }
      }
    }
    return {};
  }

  /// Those that the verdicts leave open; first where a change stands out most from what noise alone makes.
  Names open_names() const {
    Verdicts verdicts;
    std::map<std::string, double> ranks;
    for (const Row& row : decide(records_[0], records_[1], {}, {.use_code = false}).rows) {
      verdicts[row.subject] = row.judgement.verdict;
      const auto name = names_.find(without_cache(row.subject));
      const double width = row.judgement.high - row.judgement.low;
      if (name == names_.end() || !(width > 0)) continue;
      double& rank = ranks[name->second];
      rank = std::max(rank, std::abs(row.judgement.change) / width);
    }
    Names names;
    for (const Subject& subject : left_open(verdicts))
      if (const auto name = names_.find(subject); name != names_.end()) names.push_back(name->second);
    std::ranges::stable_sort(names, std::greater(), [&](const std::string& name) { return ranks[name]; });
    return names;
  }

  /// Values of the first block are compared while others take their turns.
  Status ask(Which side, const std::string& name, int64_t block, const std::string& next = {}) {
    if (name != name_) KIGO_TRY(take_rest());
    name_ = name;
    Contender& contender = contender_of(side);
    if (options_.progress) options_.progress(done_, total_, cat(contender.side(), " ", name));
    const bool first = block == 0;
    // In one process the next block would wait for it.
    const bool announce = first && name != kCeilings && !options_.long_lived;
    KIGO_ASSIGN(const std::vector<Record> records,
                contender.ask({name, block, summary_.run, std::nullopt, first, announce, next}));
    return keep(side, name, records);
  }

  /// The records of the last name whose values were still being compared.
  Status take_rest() {
    for (const Which side : {Which::base, Which::head}) {
      if (side == Which::base && base_ == nullptr) continue;
      KIGO_ASSIGN(const std::vector<Record> records, contender_of(side).rest());
      KIGO_TRY(keep(side, name_, records));
    }
    return {};
  }

  Contender& contender_of(Which side) { return side == Which::base ? *base_ : head_; }

  Status keep(Which side, const std::string& name, const std::vector<Record>& records) {
    tally_.count(contender_of(side).side(), records);
    if (options_.more == 0) return {};
    for (const Record& record : records) names_[without_cache(record.subject)] = name;
    std::vector<Record>& kept = records_[side == Which::base ? 0 : 1];
    kept.insert(kept.end(), records.begin(), records.end());
    return {};
  }

  const MeasureOptions& options_;
  Contender* base_;  // null: none
  Contender& head_;
  MeasureSummary& summary_;
  Tally tally_{summary_};
  Budget budget_;
  int64_t done_ = 0, total_ = 0;
  std::string name_;                            // asked last
  std::array<std::vector<Record>, 2> records_;  // base's and head's
  std::map<Subject, std::string> names_;        // that gave them
};

}  // namespace

std::vector<Turn> turns(const Names& base, const Names& head, int64_t blocks) {
  Names all = head;
  std::ranges::copy(missing_in(head, base), std::back_inserter(all));
  std::vector<Turn> order;
  for (int64_t block = 0; block < blocks; block += 2) {
    for (const std::string& name : all) {
      const bool in_base = has(base, name), in_head = has(head, name);
      if (in_base) order.push_back({Which::base, name, block});
      if (in_head) order.push_back({Which::head, name, block});
      if (block + 1 == blocks) continue;
      if (in_head) order.push_back({Which::head, name, block + 1});
      if (in_base) order.push_back({Which::base, name, block + 1});
    }
  }
  return order;
}

Result<MeasureSummary> measure(const MeasureOptions& options) {
  if (options.more > options.blocks && (options.blocks % 2 != 0 || options.more % 2 != 0))
    return fail(Code::invalid_request, "blocks", cat(options.blocks, " and ", options.more), "even numbers");
  const Clock::time_point begun = Clock::now();
  MeasureSummary summary;
  summary.run = new_run_name();
  const bool paired = !options.base.empty();
  std::optional<Contender> base;
  for (const char* side : {"base", "head"}) KIGO_TRY(check_new(options, side));
  if (paired) {
    KIGO_ASSIGN(Contender started, Contender::start(options, options.base, "base"));
    base.emplace(std::move(started));
  }
  KIGO_ASSIGN(Contender head, Contender::start(options, options.head, "head"));
  if (paired) {
    summary.only_base = missing_in(head.names(), base->names());
    summary.only_head = missing_in(base->names(), head.names());
  }
  summary.names = static_cast<int64_t>(head.names().size() + summary.only_base.size());

  if (paired) KIGO_TRY(make_new(options, "base"));
  KIGO_TRY(make_new(options, "head"));
  KIGO_TRY(Measurement(options, begun, base ? &*base : nullptr, head, summary).take_turns());
  for (Contender* contender : {base ? &*base : nullptr, &head}) {
    if (contender == nullptr) continue;
    contender->finish();
    summary.restarts += contender->restarts();
    for (const std::string& problem : contender->bad_ends()) summary.problems.push_back(problem);
  }
  summary.seconds = std::chrono::duration<double>(Clock::now() - begun).count();
  return summary;
}

}  // namespace kigo::tools::perf
