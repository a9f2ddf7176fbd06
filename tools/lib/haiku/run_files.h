// The files of a haiku test, and the verdict that is computed from them and nothing else, so that anyone can
// compute it again.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/haiku/exchange.h"
#include "tools/lib/poem.h"

namespace kigo::tools {

/// docs/haiku.md describes each member.
struct RunFiles {
  std::vector<Exchange> exchanges;  // sse_transcript.ndjson
  Json metrics;                     // metrics_snapshot.json; null in a single process
  Json reference;                   // reference.json
  Json environment;                 // environment.json
};

/// The exchanges behind the questions for a haiku, in their order.
inline constexpr const char* kChallenges[] = {"greedy", "sampled 1", "sampled 2", "repeat"};

/// What the test asks for a haiku with.
std::string haiku_prompt(const std::string& topic, const std::string& word, const std::string& nonce);

/// Whether a worker was asked over HTTP, else an engine in the test's own process.
bool over_http(const RunFiles& files);

/// Writes the four files, or three; makes the folder when there is none. Errors: io.
Status write_run(const RunFiles& files, const std::string& folder);
/// Errors: io, bad_value.
Result<RunFiles> read_run(const std::string& folder);

/// verification.json: `checks` of the engine, `attempts` with those of each poem, `near_ties` (ids that
/// differ where the reference's margin is too small to decide), and the verdicts `engine`, `poem` and
/// `verdict`: "pass", "fail" or "undecided". Errors: bad_value naming the member that a file lacks.
Result<Json> verify_run(const RunFiles& files, const Lexicon& lexicon);

/// Reads a folder, computes verification.json and test_report.md from it and writes them. Errors: io,
/// bad_value.
Result<Json> verify_run_folder(const std::string& folder, const Lexicon& lexicon);

/// A page for people, written from the JSON alone.
std::string run_report(const RunFiles& files, const Json& verification);

}  // namespace kigo::tools
