// For every check there is a mutation of a passing run that it rejects, and it alone where that is possible.
#include "tools/lib/haiku_check.h"

#include <gtest/gtest.h>

namespace kigo::tools {
namespace {

const Lexicon& lexicon() {
  static const Lexicon kLexicon = *Lexicon::parse(
      "an\t1\nold\t1\nsilent\t2\npond\t1\na\t1\nfrog\t1\njumps\t1\ninto\t2\nsplash\t1\nsilence\t2\nagain\t2\n"
      "seven\t2\n",
      "lexicon");
  return kLexicon;
}

constexpr const char* kTranscript =
    R"json({"attempts": [{"topic": "ponds", "word": "seven", "nonce": "k3j9x0aa",
  "prompt": "Write a haiku about ponds that includes the word \"seven\" (nonce: k3j9x0aa)", "prompt_ids": [1, 2],
  "ids": [5, 6, 7], "end_id": 9, "text": "An old silent pond\nSeven a frog jumps into\nsplash silence again",
  "stop_reason": "EOS", "invalid_utf8_bytes": 0, "started_at": "2026-11-21T10:07:59.000Z",
  "ended_at": "2026-11-21T10:07:59.700Z", "word_at_end": "seven"}]})json";
constexpr const char* kReference = R"({"attempts": [{"ids": [5, 6, 7, 9], "margins": [1, 1, 1, 1],
  "decoded": "An old silent pond\nSeven a frog jumps into\nsplash silence again"}]})";
constexpr const char* kEnvironment = R"({"model": {"file": "m.gguf", "sha256": "00", "shipped": true}})";

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

HaikuFiles files(const std::string& transcript = kTranscript, const std::string& reference = kReference,
                 const std::string& environment = kEnvironment) {
  return {*Json::parse(transcript, "transcript"), *Json::parse(reference, "reference"),
          *Json::parse(environment, "environment")};
}

/// The names of the checks that a run fails, and its verdict.
std::string failures(const HaikuFiles& run) {
  const auto verification = verify_haiku(run, lexicon());
  if (!verification) return verification.error().message();
  std::string names;
  for (const Json& check : *verification->find("attempts")->items()->front().find("checks")->items()) {
    if (!*check.find("pass")->boolean()) names += *check.find("check")->string() + " ";
  }
  return names + *verification->find("verdict")->string();
}

TEST(VerifyHaiku, PassesARunThatIsRight) { EXPECT_EQ(failures(files()), "pass"); }

TEST(VerifyHaiku, RejectsAPromptWithAnotherWord) {
  EXPECT_EQ(failures(files(replaced(kTranscript, "word \\\"seven\\\"", "word \\\"eight\\\""))),
            "prompt fail");
}

TEST(VerifyHaiku, RejectsAWordThatIsNotTheMinute) {
  EXPECT_EQ(failures(files(replaced(kTranscript, "10:07:59.000Z", "10:06:59.000Z"))), "minute fail");
  EXPECT_EQ(failures(files(replaced(kTranscript, "10:07:59.700Z", "10:08:00.100Z"))), "minute fail");
  EXPECT_NE(failures(files(replaced(kTranscript, "2026-11-21T10:07:59.000Z", "today"))).find("started_at"),
            std::string::npos);
}

TEST(VerifyHaiku, RejectsOneOtherId) {
  EXPECT_EQ(failures(files(replaced(kTranscript, "[5, 6, 7]", "[5, 6, 8]"))), "ids fail");
  EXPECT_EQ(failures(files(replaced(kTranscript, "\"end_id\": 9", "\"end_id\": 8"))), "ids fail");
}

TEST(VerifyHaiku, RejectsAReferenceThatIsTooShort) {
  EXPECT_EQ(failures(files(kTranscript, replaced(kReference, "[5, 6, 7, 9]", "[5, 6, 7]"))), "ids fail");
}

TEST(VerifyHaiku, RejectsAnAnswerWithoutIds) {
  EXPECT_EQ(
      failures(files(replaced(replaced(kTranscript, "[5, 6, 7]", "[]"), "\"end_id\": 9", "\"end_id\": -1"))),
      "ids fail");
}

TEST(VerifyHaiku, RejectsTextThatIsNotTheIds) {
  EXPECT_EQ(failures(files(kTranscript, replaced(kReference, "silent pond", "silent bond"))), "text fail");
}

TEST(VerifyHaiku, RejectsIllFormedUtf8) {
  EXPECT_EQ(failures(files(replaced(kTranscript, "utf8_bytes\": 0", "utf8_bytes\": 2"))), "utf8 fail");
}

TEST(VerifyHaiku, RejectsAnAnswerThatDidNotEnd) {
  EXPECT_EQ(failures(files(replaced(kTranscript, "\"EOS\"", "\"MAX_TOKENS\""))), "ended fail");
}

TEST(VerifyHaiku, IsUndecidedWhenTheMinuteChanged) {
  const std::string later = replaced(kTranscript, "10:07:59.700Z", "10:08:00.100Z");
  EXPECT_EQ(failures(files(replaced(later, "\"word_at_end\": \"seven\"", "\"word_at_end\": \"eight\""))),
            "undecided");
}

TEST(VerifyHaiku, OnlyReportsSyllablesForOtherModels) {
  const std::string transcript = replaced(kTranscript, "old silent", "silent");
  const std::string reference = replaced(kReference, "old silent", "silent");
  EXPECT_EQ(failures(files(transcript, reference)), "syllables fail");
  EXPECT_EQ(failures(files(transcript, reference, replaced(kEnvironment, "true", "false"))),
            "syllables pass");
}

TEST(VerifyHaiku, NamesAMissingMember) {
  EXPECT_EQ(failures(files(replaced(kTranscript, "\"nonce\"", "\"once\""))),
            "transcript.json, nonce: missing or of another type, expected a string (bad_value)");
  EXPECT_NE(failures(files(R"({"attempts": []})", R"({"attempts": []})")).find("attempts"),
            std::string::npos);
}

TEST(HaikuReport, ShowsEveryCheckAndTheVerdict) {
  const auto run = files(replaced(kTranscript, "[5, 6, 7]", "[5, 6, 8]"));
  const std::string report = haiku_report(run, *verify_haiku(run, lexicon()));
  EXPECT_NE(report.find("# Haiku test: fail"), std::string::npos);
  EXPECT_NE(report.find("| ids | 4 ids equal to one pass through prefill | id 2: 8 against 7 | FAIL |"),
            std::string::npos);
  EXPECT_NE(report.find("An old silent pond"), std::string::npos);
}

}  // namespace
}  // namespace kigo::tools
