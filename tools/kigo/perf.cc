// kigo perf: measurements of performance, their history and what it says.
#include "tools/kigo/perf.h"

namespace kigo::tools {

void add_perf(CLI::App& app, int& exit) {
  CLI::App* perf = app.add_subcommand("perf", "Measurements of performance: docs/performance.md");
  perf->require_subcommand(1);
  add_perf_compare(*perf, exit);
  add_perf_import(*perf, exit);
  add_perf_measure(*perf, exit);
  add_perf_merge(*perf, exit);
  add_perf_report(*perf, exit);
  add_perf_selftest(*perf, exit);
}

}  // namespace kigo::tools
