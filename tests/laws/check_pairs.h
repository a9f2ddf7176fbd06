// All laws over given pairs, as a program: how a kernel that lives elsewhere is tested with kigo.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/compare/close.h"
#include "tests/laws/drawn.h"
#include "tests/pairs/any_pair.h"
#include "tests/support/machine.h"

namespace kigo::laws {

/// One law over one pair on one machine.
struct LawResult {
  enum class Verdict : uint8_t { pass, fail, not_run };
  std::string pair;
  std::string machine;  // "host", "cuda"; "twin" for laws that need no kernel
  std::string law;      // "Agrees.OnEdges"
  Verdict verdict = Verdict::pass;
  Complaints complaints = {};  // each breach, or why it did not run
  double seconds = 0;
  std::optional<double> share = {};           // the worst error as a share of its bound
  std::vector<compare::Report> reports = {};  // of the results that are wrong
};

/// What to run.
struct Request {
  Effort effort = Effort::from_environment();
  std::string program = "PROGRAM";                  // what a replay line begins with
  std::string pair = {};                            // one pair only, by name
  std::optional<std::vector<int64_t>> replay = {};  // one case of that pair only
};

/// Runs every law over every pair on each machine for which it has a kernel: host_kernel() here, and in a
/// build with CUDA kernel() on the first GPU. Without a GPU the laws of kernel() are results that did not
/// run.
std::vector<LawResult> check(const std::vector<pairs::PairPtr>& pairs, const Request& request);

/// Lines for people: one for each pair and machine, and every breach with its report.
std::string text_of(const std::vector<LawResult>& results);
/// {"verdict", "laws": [{"pair", "machine", "law", "verdict", "seconds", "share", "complaints", "reports"}]}
Json json_of(const std::vector<LawResult>& results);
/// One JUnit testcase for each law.
std::string junit_of(const std::vector<LawResult>& results);

/// The main function of a test program. Options: --pair NAME, --cases N, --seed N, --replay LIST, --json,
/// --junit FILE, --help. Prints text_of or json_of. Returns 0 when every law is kept; 1 when one is broken,
/// or the file cannot be written; 2 for a wrong command line; 3 when none is broken but some did not run.
int check_pairs(const std::vector<pairs::PairPtr>& pairs, int argc, const char* const* argv);

}  // namespace kigo::laws
