#include "tools/lib/perf/selftest.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <numeric>
#include <random>
#include <set>
#include <utility>

#include "core/base/cat.h"

namespace kigo::tools::perf {
namespace {

using Engine = std::mt19937_64;
using Records = std::vector<Record>;
using Blocks = std::vector<const Record*>;  // of one subject, in the order of their numbers

/// The blocks of every subject of one side.
std::map<Subject, Blocks> by_subject(const Records& records) {
  std::map<Subject, Blocks> all;
  for (const Record& record : records)
    if (record.subject.kind != Kind::ceiling) all[record.subject].push_back(&record);
  for (auto& [subject, blocks] : all)
    std::ranges::stable_sort(blocks, {}, [](const Record* record) { return record->block; });
  return all;
}

double middle(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto half = values.begin() + static_cast<int64_t>(values.size() / 2);
  std::ranges::nth_element(values, half);
  return *half;
}

/// The middle of the blocks' medians.
double median_of(const Blocks& blocks) {
  std::vector<double> medians;
  for (const Record* record : blocks) medians.push_back(median_us(*record));
  return middle(std::move(medians));
}

/// A subject of one run: what two processes of the same program measured of it.
struct Pair {
  size_t run = 0;
  Blocks base, head;
};

const Pair* pair_of(const std::vector<Pair>& pairs, size_t run) {
  const auto found = std::ranges::find(pairs, run, &Pair::run);
  return found == pairs.end() ? nullptr : &*found;
}

/// What runs and subjects can be drawn from. A run that was stopped counts for what it has whole.
class Pool {
 public:
  Pool(std::span<const SelftestRun> runs, int64_t blocks) : blocks_(static_cast<size_t>(blocks)) {
    for (size_t run = 0; run < runs.size(); ++run) {
      const auto base = by_subject(runs[run].same.base), head = by_subject(runs[run].same.head);
      for (const auto& [subject, of_base] : base)
        if (const auto of_head = head.find(subject); of_head != head.end())
          pairs_[subject].push_back({run, of_base, of_head->second});
    }
    for (auto& [subject, pairs] : pairs_) {
      std::string why = what_failed(pairs);
      std::erase_if(pairs, [&](const Pair& pair) { return whole(pair) < blocks_; });
      if (why.empty() && pairs.empty()) why = cat("no run with ", blocks_, " blocks on each side");
      if (!why.empty()) left_out_.push_back(cat(text_of(subject), ": ", why));
      if (!why.empty()) pairs.clear();
    }
    std::erase_if(pairs_, [](const auto& each) { return each.second.empty(); });
  }

  /// Of each subject the runs that have enough of it: one at least.
  const std::map<Subject, std::vector<Pair>>& pairs() const { return pairs_; }
  const std::vector<std::string>& left_out() const { return left_out_; }
  /// Two fours give four blocks on each side.
  size_t blocks() const { return blocks_; }
  /// Blocks that both sides have.
  static size_t whole(const Pair& pair) { return std::min(pair.base.size(), pair.head.size()); }

 private:
  static std::string what_failed(const std::vector<Pair>& pairs) {
    for (const Pair& pair : pairs)
      for (const Blocks* side : {&pair.base, &pair.head})
        for (const Record* record : *side)
          if (record->state != State::ok) return record->why;
    return {};
  }

  size_t blocks_;
  std::map<Subject, std::vector<Pair>> pairs_;
  std::vector<std::string> left_out_;
};

/// Appends copies that look as if they had been measured one after another in one run.
void append(Records& to, const Blocks& blocks, size_t first, size_t count) {
  for (size_t i = first; i < first + count; ++i) {
    to.push_back(*blocks[i]);
    to.back().run = "selftest";
    to.back().block = static_cast<int64_t>(i);
    to.back().delay_us = 0;  // nobody tells the judge
  }
}

void append_ceilings(Records& to, const Records& from) {
  for (const Record& record : from) {
    if (record.subject.kind != Kind::ceiling) continue;
    to.push_back(record);
    to.back().run = "selftest";
  }
}

/// The first blocks of one run, as `kigo perf measure` would have measured them.
Sides real_comparison(const Pool& pool, const SelftestRun& run, size_t index) {
  Sides sides;
  append_ceilings(sides.base, run.same.base);
  append_ceilings(sides.head, run.same.head);
  for (const auto& [subject, pairs] : pool.pairs()) {
    const Pair* const pair = pair_of(pairs, index);
    if (pair == nullptr) continue;
    append(sides.base, pair->base, 0, pool.blocks());
    append(sides.head, pair->head, 0, pool.blocks());
  }
  return sides;
}

/// A run that could have been: see evaluate().
Sides drawn_comparison(const Pool& pool, const SelftestRun& run, Engine& engine) {
  Sides sides;
  append_ceilings(sides.base, run.same.base);
  append_ceilings(sides.head, run.same.head);
  for (const auto& [subject, pairs] : pool.pairs()) {
    const Pair& pair = pairs[std::uniform_int_distribution<size_t>(0, pairs.size() - 1)(engine)];
    const bool turned = std::bernoulli_distribution()(engine);
    std::vector<size_t> fours(Pool::whole(pair) / 2), drawn;
    std::iota(fours.begin(), fours.end(), size_t{0});
    std::ranges::sample(fours, std::back_inserter(drawn), static_cast<int64_t>(pool.blocks() / 2), engine);
    Records& base = turned ? sides.head : sides.base;
    Records& head = turned ? sides.base : sides.head;
    for (size_t place = 0; place < drawn.size(); ++place) {
      append(base, pair.base, 2 * drawn[place], 2);
      append(head, pair.head, 2 * drawn[place], 2);
      for (Records* side : {&base, &head})
        for (size_t i = 0; i < 2; ++i)
          (*side)[side->size() - 2 + i].block = static_cast<int64_t>(2 * place + i);
    }
  }
  return sides;
}

void count_alarms(const Verdicts& said, Findings& findings) {
  bool slow = false, fast = false;
  for (const auto& [subject, word] : said) {
    if (subject.kind == Kind::ceiling) continue;
    slow = slow || word == Verdict::slow;
    fast = fast || word == Verdict::fast;
    findings.subject_alarms.add(word == Verdict::slow);
    findings.undecided.add(word == Verdict::ambiguous || word == Verdict::invalid);
  }
  findings.alarms.add(slow);
  findings.fast_alarms.add(fast);
}

bool found(const Verdicts& said, const Subject& subject) {
  const auto word = said.find(subject);
  return word != said.end() && word->second == Verdict::slow;
}

/// The subject's records on one side.
Blocks blocks_in(const Records& records, const Subject& subject) {
  Blocks blocks;
  for (const Record& record : records)
    if (record.subject == subject) blocks.push_back(&record);
  return blocks;
}

/// The kernel with its delays in place of what was measured without: in the subject whose own time they are a
/// share of, and in those that take longer, of which they are less. Returns these.
std::vector<Subject> put_in(const Pool& pool, size_t index, const Subject& subject,
                            const std::map<Subject, Blocks>& bases, const std::map<Subject, Blocks>& heads,
                            Sides& sides) {
  const double own = median_us(*pair_of(pool.pairs().at(subject), index)->base.front());
  std::vector<Subject> delayed;
  for (const auto& entry : pool.pairs()) {
    const Subject& other = entry.first;
    const Pair* const pair = pair_of(entry.second, index);
    const auto base = bases.find(other), head = heads.find(other);
    if (without_cache(other) != without_cache(subject) || pair == nullptr || base == bases.end() ||
        head == heads.end() || std::min(base->second.size(), head->second.size()) < pool.blocks() ||
        median_us(*pair->base.front()) < own)
      continue;
    for (auto& [records, slow] : {std::pair{&sides.base, &base->second}, {&sides.head, &head->second}}) {
      std::erase_if(*records, [&](const Record& record) { return record.subject == other; });
      append(*records, *slow, 0, pool.blocks());
    }
    delayed.push_back(other);
  }
  return delayed;
}

/// Judges each kernel with a delay that is a share of one of its subjects' time, among the others without
/// one.
void judge_delays(const Pool& pool, const SelftestRun& run, size_t index, size_t size, const Judge& judge,
                  Power& power, std::vector<double>& realised) {
  const Sides same = real_comparison(pool, run, index);
  const auto bases = by_subject(run.slow[size].base), heads = by_subject(run.slow[size].head);
  for (const auto& [subject, pairs] : pool.pairs()) {
    const auto base = bases.find(subject), head = heads.find(subject);
    const Pair* const pair = pair_of(pairs, index);
    if (base == bases.end() || head == heads.end() || pair == nullptr) continue;
    const double own = median_us(*pair->base.front());
    if (std::abs(head->second.front()->delay_us / (kSlowdowns[size] * own) - 1) > 0.001)
      continue;  // another's
    Sides sides = same;
    const std::vector<Subject> delayed = put_in(pool, index, subject, bases, heads, sides);
    if (delayed.empty()) continue;
    const Verdicts said = judge(sides.base, sides.head);
    (own >= kLongUs ? power.long_found : power.short_found)
        .add(std::ranges::any_of(delayed, [&](const Subject& each) { return found(said, each); }));
    realised.push_back(median_of(head->second) / median_of(base->second) - 1);
  }
}

void judge_runs(const Pool& pool, std::span<const SelftestRun> runs, const Judge& judge, Findings& findings) {
  for (size_t index = 0; index < runs.size(); ++index) {
    const Sides sides = real_comparison(pool, runs[index], index);
    const auto said = judge(sides.base, sides.head);
    if (!said.empty()) count_alarms(said, findings);
  }
  for (size_t size = 0; size < kSlowdowns.size(); ++size) {
    std::vector<double> realised;
    for (size_t index = 0; index < runs.size(); ++index)
      judge_delays(pool, runs[index], index, size, judge, findings.power[size], realised);
    findings.power[size].realised = middle(std::move(realised));
  }
}

/// A kernel as its caches show it: a change of its code is in all of them, and found when one says so.
using Kernel = std::vector<Subject>;

/// The kernels of the pool, those of at least kLongUs and the others: by the time in a row, which is that of
/// real use, or the shortest where there is none.
std::pair<std::vector<Kernel>, std::vector<Kernel>> kernels_of(const Pool& pool) {
  std::map<Subject, Kernel> kernels;
  for (const auto& [subject, pairs] : pool.pairs()) kernels[without_cache(subject)].push_back(subject);
  std::vector<Kernel> long_ones, short_ones;
  for (const auto& [name, subjects] : kernels) {
    double us = std::numeric_limits<double>::infinity();
    for (const Subject& subject : subjects) {
      const double own = median_of(pool.pairs().at(subject).front().base);
      us = subject.cache == Cache::row ? own : std::min(us, own);
      if (subject.cache == Cache::row) break;
    }
    (us >= kLongUs ? long_ones : short_ones).push_back(subjects);
  }
  return {std::move(long_ones), std::move(short_ones)};
}

/// Slows down one kernel of a drawn run by a share of its own time, and judges.
bool finds(const Sides& same, const Kernel& kernel, double share, const Judge& judge) {
  Sides sides = same;
  for (const Subject& subject : kernel) {
    const double delay_us = share * median_of(blocks_in(sides.base, subject));
    for (Record& record : sides.head)
      if (record.subject == subject)
        for (double& us : record.us) us += delay_us;
  }
  const Verdicts said = judge(sides.base, sides.head);
  return std::ranges::any_of(kernel, [&](const Subject& subject) { return found(said, subject); });
}

void judge_draws(const Pool& pool, std::span<const SelftestRun> runs, const Judge& judge,
                 const EstimateOptions& options, Findings& findings) {
  Engine engine(options.seed);
  const auto [long_ones, short_ones] = kernels_of(pool);
  for (int64_t draw = 0; draw < options.resamples; ++draw) {
    if (options.progress) options.progress(draw, options.resamples);
    const SelftestRun& ceilings = runs[static_cast<size_t>(draw) % runs.size()];
    const Sides sides = drawn_comparison(pool, ceilings, engine);
    count_alarms(judge(sides.base, sides.head), findings);
    for (size_t size = 0; size < kSlowdowns.size(); ++size) {
      Power& power = findings.power[size];
      for (const auto& [kernels, rate] :
           {std::pair{&long_ones, &power.long_found}, {&short_ones, &power.short_found}}) {
        if (kernels->empty()) continue;
        const size_t which = std::uniform_int_distribution<size_t>(0, kernels->size() - 1)(engine);
        rate->add(finds(sides, (*kernels)[which], kSlowdowns[size], judge));
      }
    }
  }
  for (size_t size = 0; size < kSlowdowns.size(); ++size) findings.power[size].realised = kSlowdowns[size];
}

}  // namespace

bool Selftest::reaches_goals() const {
  const Rate& found = estimated.power[1].long_found;
  static_assert(kSlowdowns[1] == 0.03);
  return estimated.alarms.share() <= 0.01 && (found.trials == 0 || found.share() >= 0.95);
}

bool Selftest::passes() const { return reaches_goals() && left_out.empty(); }

Result<Selftest> evaluate(std::span<const SelftestRun> runs, const Judge& judge,
                          const EstimateOptions& options) {
  const Pool pool(runs, options.blocks);
  Selftest selftest;
  selftest.left_out = pool.left_out();
  selftest.subjects = static_cast<int64_t>(pool.pairs().size());
  selftest.runs = static_cast<int64_t>(runs.size());
  selftest.blocks = options.blocks;
  if (pool.pairs().empty())
    return fail(Code::bad_value, "self-test", "no subject that was measured in every run",
                cat("one, with ", options.blocks, " blocks on each side"));
  selftest.device = pool.pairs().begin()->second.front().base.front()->setting.device;
  judge_runs(pool, runs, judge, selftest.real);
  judge_draws(pool, runs, judge, options, selftest.estimated);
  return selftest;
}

}  // namespace kigo::tools::perf
