#include "tools/lib/perf/selftest_measure.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/perf/contender.h"
#include "tools/lib/perf/selftest.h"

namespace kigo::tools::perf {
namespace {

/// The two processes of a run.
class Run {
 public:
  Run(const SelftestMeasureOptions& options, std::string id, int64_t number, Contender base, Contender head)
      : options_(options), id_(std::move(id)), number_(number), sides_{std::move(base), std::move(head)} {}

  Status measure(int64_t& done, int64_t total) {
    const std::vector<std::string>& names = sides_[0].names();
    for (Contender& side : sides_)
      KIGO_TRY(side.ask({"ceilings", 0, run_label(id_, number_, 0), std::nullopt, true}));
    for (int64_t block = 0; block < options_.blocks; block += 2) {
      for (size_t index = 0; index < names.size(); ++index) {
        if (options_.progress) options_.progress(done, total, names[index]);
        KIGO_TRY(measure(names[index], index, block));
        ++done;
      }
    }
    for (Contender& side : sides_) side.finish();
    return {};
  }

 private:
  /// Base, head, head, base; the same with a delay while it is the turn of those blocks.
  Status measure(const std::string& name, size_t index, int64_t block) {
    KIGO_ASSIGN(const std::vector<Record> first, four(name, block, 0, 0));
    if (block == 0) {
      std::vector<double> medians;
      for (const Record& record : first)
        if (record.state == State::ok) medians.push_back(median_us(record));
      if (!medians.empty()) own_us_[name] = medians[slowdown_for(number_, index, medians.size()).subject];
    }
    const auto own = own_us_.find(name);
    if (block >= options_.slow_blocks || own == own_us_.end()) return {};
    const double slowdown = kSlowdowns[slowdown_for(number_, index, 1).size];
    KIGO_TRY(four(name, block, slowdown, slowdown * own->second));
    return {};
  }

  /// What the first of the four gave.
  Result<std::vector<Record>> four(const std::string& name, int64_t block, double slowdown, double delay_us) {
    BenchRequest request{name, block, run_label(id_, number_, slowdown), 0.0, block == 0 && slowdown == 0};
    KIGO_ASSIGN(std::vector<Record> first, sides_[0].ask(request));
    request.delay_us = delay_us;
    KIGO_TRY(sides_[1].ask(request));
    request.verify = false;
    request.block = block + 1;
    KIGO_TRY(sides_[1].ask(request));
    request.delay_us = 0;
    KIGO_TRY(sides_[0].ask(request));
    return first;
  }

  const SelftestMeasureOptions& options_;
  std::string id_;
  int64_t number_;
  std::array<Contender, 2> sides_;
  std::map<std::string, double> own_us_;  // of a name: the subject whose time the delay is a share of
};

}  // namespace

Slowdown slowdown_for(int64_t run, size_t name, size_t subjects) {
  const size_t turn = static_cast<size_t>(run) + name;
  return {turn % kSlowdowns.size(), turn / kSlowdowns.size() % subjects};
}

Result<int64_t> measure_selftest(const SelftestMeasureOptions& options) {
  if (options.slow_blocks > options.blocks)
    return fail(Code::invalid_request, "blocks", cat(options.blocks, " recorded"),
                cat("at least those of a comparison, ", options.slow_blocks));
  if (options.blocks % 2 != 0 || options.slow_blocks % 2 != 0)
    return fail(Code::invalid_request, "blocks", cat(options.blocks, " and ", options.slow_blocks),
                "even numbers: base, head, head, base are two of each side");
  for (const char* side : {"base", "head"}) KIGO_TRY(check_new(options, side));
  const std::string id = new_run_name();
  int64_t done = 0;
  int64_t names = 0;
  const auto begun = std::chrono::steady_clock::now();
  for (int64_t number = 1; number <= options.runs; ++number) {
    // So far each took its share of the time.
    const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begun;
    const auto over = static_cast<double>(number - 1);
    if (options.seconds > 0 && over > 0 && taken.count() * (over + 1) / over > options.seconds) break;
    KIGO_ASSIGN(Contender base, Contender::start(options, options.program, "base"));
    KIGO_ASSIGN(Contender head, Contender::start(options, options.program, "head"));
    if (number == 1)
      for (const char* side : {"base", "head"}) KIGO_TRY(make_new(options, side));
    names = static_cast<int64_t>(base.names().size());
    Run run(options, id, number, std::move(base), std::move(head));
    KIGO_TRY(run.measure(done, options.runs * (options.blocks / 2) * names));
  }
  return names;
}

}  // namespace kigo::tools::perf
