#include "bench/ops_selection.h"

#include <algorithm>

#include "core/base/cat.h"

namespace kigo::bench {
namespace {

pairs::CasePtr quick_case(std::vector<pairs::CasePtr> cases) {
  std::ranges::stable_sort(cases, {}, [](const pairs::CasePtr& one) { return one->cost().bytes; });
  pairs::CasePtr chosen;
  for (const pairs::CasePtr& one : cases) {
    const pairs::Cost cost = one->cost();
    if (cost.bytes > kMostQuickBytes || cost.flops > kMostQuickFlops) continue;
    chosen = one;
    if (cost.bytes >= kWorthwhileBytes) break;
  }
  return chosen ? chosen : cases.front();
}

}  // namespace

std::string Selected::name() const { return cat("op/", pair->name(), "/", one->text()); }

std::vector<Selected> selected(bool quick) {
  std::vector<Selected> all;
  for (const pairs::PairPtr& pair : pairs::all_pairs()) {
    const std::vector<pairs::CasePtr> cases = pair->bench();
    if (cases.empty()) continue;
    if (quick) {
      all.push_back({pair, quick_case(cases)});
    } else {
      for (const pairs::CasePtr& one : cases) all.push_back({pair, one});
    }
  }
  return all;
}

}  // namespace kigo::bench
