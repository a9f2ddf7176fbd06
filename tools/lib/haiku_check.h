// The verdict of a haiku run, computed from the run's own files and nothing else, so that anyone can compute
// it again.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/poem.h"

namespace kigo::tools {

/// The files of a run, as JSON. docs/haiku.md describes each member.
struct HaikuFiles {
  Json transcript;   // what was asked and what came back, attempt by attempt
  Json reference;    // for each attempt: what one pass over prompt and answer would have chosen, with its
                     // margins
  Json environment;  // versions, machine, model
};

/// Every check of every attempt with what was expected and found, and the verdicts: `engine` passes when the
/// engine checks of all attempts pass, `poem` when the last attempt's do; `verdict` is "pass", "fail" or
/// "undecided" (the minute changed during every try). Errors: bad_value naming the member that a file lacks.
Result<Json> verify_haiku(const HaikuFiles& files, const Lexicon& lexicon);

/// A page for people, written from the JSON alone.
std::string haiku_report(const HaikuFiles& files, const Json& verification);

/// Whether all checks pass that are not only reported.
bool all_required_pass(const std::vector<Check>& checks);
/// The checks as an array.
Json checks_json(const std::vector<Check>& checks);
/// The same as a table in Markdown.
std::string check_table(const Json& checks);

/// Reads transcript.json, reference.json and environment.json of a folder. Errors: io, bad_value.
Result<HaikuFiles> read_haiku_files(const std::string& folder);

}  // namespace kigo::tools
