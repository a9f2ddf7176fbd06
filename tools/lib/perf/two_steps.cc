#include "tools/lib/perf/two_steps.h"

#include <utility>
#include <vector>

#include "tools/lib/perf/decide.h"

namespace kigo::tools::perf {
namespace {

/// The first blocks of all, and all of what is open.
std::vector<Record> chosen(std::span<const Record> records, int64_t first, const std::set<Subject>& open) {
  std::vector<Record> some;
  for (const Record& record : records)
    if (record.block < first || open.contains(without_cache(record.subject))) some.push_back(record);
  return some;
}

}  // namespace

Judge judge_of_comparisons() {
  return [](std::span<const Record> base, std::span<const Record> head) {
    Verdicts verdicts;
    for (const Row& row : decide(base, head, {}, {.use_code = false}).rows)
      verdicts[row.subject] = row.judgement.verdict;
    return verdicts;
  };
}

Subject without_cache(Subject subject) {
  subject.cache = Cache::none;
  return subject;
}

std::set<Subject> left_open(const Verdicts& verdicts) {
  std::set<Subject> open;
  for (const auto& [subject, verdict] : verdicts)
    if (verdict != Verdict::same && verdict != Verdict::invalid) open.insert(without_cache(subject));
  return open;
}

Judge in_two_steps(Judge judge, int64_t first) {
  return [judge = std::move(judge), first](std::span<const Record> base, std::span<const Record> head) {
    const std::set<Subject> open = left_open(judge(chosen(base, first, {}), chosen(head, first, {})));
    return judge(chosen(base, first, open), chosen(head, first, open));
  };
}

}  // namespace kigo::tools::perf
