// The single checks of a haiku test, each computed from the run's files: docs/worker.md, section 7.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/haiku/run_files.h"
#include "tools/lib/poem.h"

namespace kigo::tools {

/// What the reference says about one exchange.
struct Judged {
  int64_t prompt_tokens = 0, ill_formed_bytes = 0;
  std::vector<int64_t> ids;  // chosen at every position; one more than the worker's
  std::vector<double> margins, errors;
  std::map<int64_t, std::pair<int64_t, double>> differing;  // by position: the answer's id, its deficit
  std::string decoded;
};

/// An exchange with what both sides say.
struct Read {
  const Exchange* exchange = nullptr;
  Answer answer;
  Judged judged;
  const Json& request() const { return exchange->request; }
  const Json& body() const { return *exchange->request.find("body"); }
};

/// Everything that the checks read.
struct Run {
  const RunFiles* files = nullptr;
  std::vector<Read> all;
  std::set<int64_t> end_ids;
  int64_t context = 0;
  bool shipped = false;
};

/// Keeps pointers to the files, which outlive it. Errors: bad_value naming the member that a file lacks.
Result<Run> read_checked(const RunFiles& files);

/// "haiku 1", "greedy"
std::string label(const Read& read);
/// The exchange of that name, or null.
const Read* find(const Run& run, std::string_view name);

/// A list of what is wrong becomes a check, which passes when the list is empty and then has found `right`.
Check check_of(std::string name, std::string expected, const std::vector<std::string>& wrong,
               std::string right = "as expected");

/// Whether all checks pass that are not only reported.
bool all_required_pass(const std::vector<Check>& checks);
/// The checks as an array.
Json checks_json(const std::vector<Check>& checks);
/// The same as a table in Markdown.
std::string check_table(const Json& checks);

// About what was asked and answered.
Check check_minute(const Run& run);
Check check_prompt(const Run& run);
Check check_stream(const Run& run);
/// Ids that differ within the error allowed go to `near_ties` and are not wrong.
Check check_ids(const Run& run, Json& near_ties);
Check check_challenge(const Run& run, Json& near_ties);
Check check_text(const Run& run);
Check check_utf8(const Run& run);
Check check_identity(const Run& run);
Check check_repeat(const Run& run);

// About a worker over HTTP.
Check check_metrics(const Run& run);
Check check_health(const Run& run);
Check check_time(const Run& run);
/// That a worker which the test started ended by itself when it was asked to; nothing of one that ran before.
std::vector<Check> check_exit(const Run& run);

}  // namespace kigo::tools
