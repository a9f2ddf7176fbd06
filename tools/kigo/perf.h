// The verbs of `kigo perf`, one a file.
#pragma once

#include "tools/kigo/command.h"

namespace kigo::tools {

// Each adds one verb to the subcommand, whose callback stores the exit status.
void add_perf_compare(CLI::App& perf, int& exit);
void add_perf_import(CLI::App& perf, int& exit);
void add_perf_measure(CLI::App& perf, int& exit);
void add_perf_merge(CLI::App& perf, int& exit);
void add_perf_report(CLI::App& perf, int& exit);
void add_perf_selftest(CLI::App& perf, int& exit);

}  // namespace kigo::tools
