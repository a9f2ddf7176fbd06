// The verdict of a run over HTTP, computed from its files.
#include <gtest/gtest.h>

#include "tests/tools/haiku/mutations.h"
#include "tests/tools/haiku/passing_run.h"

namespace kigo::tools {
namespace {

TEST(VerifyRun, PassesARunThatIsRight) { EXPECT_EQ(failures(passing_run()), "pass"); }

class VerifyRunRejects : public testing::TestWithParam<Mutation> {};
INSTANTIATE_TEST_SUITE_P(AChange, VerifyRunRejects, testing::ValuesIn(mutations()),
                         [](const auto& instance) { return instance.param.name; });

TEST_P(VerifyRunRejects, AtItsCheckAndNoOther) {
  RunFiles run = passing_run();
  GetParam().apply(run);
  EXPECT_EQ(failures(run), GetParam().failures);
}

struct Poem {
  std::string name;
  std::string from, to;
  std::string failures;
  friend std::ostream& operator<<(std::ostream& out, const Poem& poem) { return out << poem.name; }
};
class VerifyRunRejectsAPoem : public testing::TestWithParam<Poem> {};
INSTANTIATE_TEST_SUITE_P(
    For, VerifyRunRejectsAPoem,
    testing::Values(Poem{"AWordTwice", "An old silent", "Seven silent", "word fail"},
                    Poem{"ItsNonce", "An old silent pond", "An old silent pond 0k3j9x0aa",
                         "nonce syllables fail"},
                    Poem{"FourLines", "silence again", "silence\\nagain", "lines syllables fail"},
                    Poem{"SixSyllables", "splash silence", "a splash silence", "syllables fail"}),
    [](const auto& instance) { return instance.param.name; });

TEST_P(VerifyRunRejectsAPoem, AtItsCheck) {
  RunFiles run = passing_run();
  for (WireEvent& each : exchange(run, "haiku").events) {
    const size_t at = each.data.find(GetParam().from);
    if (at != std::string::npos) each.data.replace(at, GetParam().from.size(), GetParam().to);
  }
  set_judged(run, 0, "decoded", read_answer(exchange(run, "haiku")).text);
  EXPECT_EQ(failures(run), GetParam().failures);
}

TEST(VerifyRun, TakesCommentsAndMetricsBetweenEvents) {
  RunFiles run = passing_run();
  auto& events = exchange(run, "haiku").events;
  events.insert(events.begin() + 2, {2, "metrics", R"({"type":"metrics","tokens_out":1})"});
  events.insert(events.begin(), {0, "comment", "waiting 3"});
  EXPECT_EQ(failures(run), "pass");
}

/// As a GPU may choose: other ids, each within the error allowed unless `deficit` or `margin` says otherwise.
RunFiles with_near_ties(size_t count, double margin, double deficit) {
  RunFiles run = passing_run();
  for (const auto& [name, at] :
       {std::pair<const char*, size_t>{"haiku", 0}, {"sampled 1", 2}, {"sampled 2", 3}}) {
    if (count-- == 0) break;
    other_id(run, name);
    const Json differing = Json::object({{"position", 0}, {"id", 3}, {"deficit", deficit}});
    set_judged(run, at, "differing", Json::array({differing}));
    set_judged(run, at, "margins", Json::array_of(std::vector<double>(at == 0 ? 4 : 5, margin)));
    set_judged(run, at, "errors", Json::array_of(std::vector<double>(at == 0 ? 4 : 5, 0.5)));
  }
  return run;
}

TEST(VerifyRun, ReportsNearTiesAndIsUndecidedWithThree) {
  EXPECT_EQ(failures(with_near_ties(2, 0.9, 0.4)), "pass");
  EXPECT_EQ(failures(with_near_ties(3, 0.9, 0.4)), "undecided");
  EXPECT_EQ(failures(with_near_ties(1, 1.0, 0.4)), "ids fail");
  EXPECT_EQ(failures(with_near_ties(1, 0.9, 0.6)), "ids fail");  // not the id that was near
  const Json ties = *verify_run(with_near_ties(1, 0.9, 0.4), small_lexicon())->find("near_ties");
  ASSERT_EQ(ties.items()->size(), 1u);
  EXPECT_EQ(ties.items()->front().dump(),
            R"({"exchange":"haiku 1","position":0,"got":3,"reference":5,"deficit":0.4,"error":0.5})");
}

TEST(VerifyRun, TakesNoIdThatTheReferenceDidNotSee) {
  RunFiles run = with_near_ties(1, 0.9, 0.4);
  WireEvent& token = event(run, "haiku", "token");
  set(token, "ids", Json::array({Json(4)}));
  EXPECT_EQ(failures(run), "ids fail");
}

TEST(VerifyRun, TakesAnEndThatIsANearTie) {
  RunFiles run = passing_run();
  set_judged(run, 0, "ids", Json::array_of(std::vector<int64_t>{5, 6, 7, 8}));
  EXPECT_EQ(failures(run), "ids fail");
  set_judged(run, 0, "margins", Json::array_of(std::vector<double>(4, 0.9)));
  set_judged(run, 0, "errors", Json::array_of(std::vector<double>(4, 0.5)));
  set_judged(run, 0, "differing",
             Json::array({Json::object({{"position", 3}, {"id", kEndId}, {"deficit", 0.4}})}));
  EXPECT_EQ(failures(run), "pass");
}

TEST(VerifyRun, IsUndecidedWhenTheMinuteChanged) {
  RunFiles run = passing_run();
  Exchange& haiku = exchange(run, "haiku");
  haiku.closed = with(haiku.closed, "at", "2026-11-21T10:08:00.100Z");
  EXPECT_EQ(failures(run), "undecided");
}

TEST(VerifyRun, OnlyReportsSyllablesAndTimeOfOtherModelsOnTheCpu) {
  RunFiles run = passing_run();
  run.environment = with_at(run.environment, {"model", "shipped"}, false);
  exchange(run, "greedy").closed_ms += 31'000;
  EXPECT_EQ(failures(run, Lexicon()), "time syllables pass");
}

TEST(VerifyRun, AsksNoExitStatusOfAWorkerThatRanBefore) {
  RunFiles run = passing_run();
  run.environment = with(run.environment, "worker", Json::object());
  EXPECT_EQ(failures(run), "pass");
}

/// A question for a haiku, answered in the test's own process.
RunFiles local_run() {
  RunFiles run = passing_run();
  run.exchanges.resize(1);
  run.exchanges[0].reply = Json();
  const Json::Array first{run.reference.find("exchanges")->items()->front()};
  run.reference = with(run.reference, "exchanges", Json::array(first));
  run.environment = with(without(run.environment, "worker"), "mode", "process");
  run.metrics = Json();
  return run;
}

TEST(VerifyRun, OfOneProcessAsksForNothingThatOnlyAWorkerHas) {
  EXPECT_EQ(failures(local_run()), "pass");
  RunFiles run = local_run();
  other_id(run, "haiku");
  EXPECT_EQ(failures(run), "ids fail");
  run = local_run();
  run.environment = with(run.environment, "mode", "http");  // nobody gets around the rest by leaving it out
  EXPECT_EQ(failures(run).find("prompt stream "), 0u) << failures(run);
  run.environment = with(run.environment, "mode", "other");
  EXPECT_NE(failures(run).find("environment.json, mode"), std::string::npos) << failures(run);
}

TEST(Report, ShowsEveryCheckAndTheVerdict) {
  RunFiles run = passing_run();
  other_id(run, "haiku");
  const std::string report = run_report(run, *verify_run(run, small_lexicon()));
  EXPECT_TRUE(report.starts_with("# Haiku test: fail\n")) << report;
  EXPECT_NE(report.find("| ids | the reference's, and its end | haiku 1, id 0: 3 against 5 | FAIL |"),
            std::string::npos)
      << report;
  EXPECT_NE(report.find("An old silent pond"), std::string::npos);
  EXPECT_NE(report.find("| syllables | 5-7-5 | 5-7-5 | pass |"), std::string::npos);
}

TEST(VerifyRun, NamesWhatAFileLacks) {
  RunFiles run = passing_run();
  run.reference = without(run.reference, "end_ids");
  EXPECT_NE(failures(run).find("reference.json, end_ids"), std::string::npos) << failures(run);
  run = passing_run();
  run.environment = without(run.environment, "model");
  EXPECT_NE(failures(run).find("environment.json, model"), std::string::npos) << failures(run);
  run = passing_run();
  exchange(run, "haiku").request = without(exchange(run, "haiku").request, "nonce");
  EXPECT_NE(failures(run).find("nonce"), std::string::npos) << failures(run);
  run = passing_run();
  set_judged(run, 1, "exchange", "sampled 1");
  EXPECT_NE(failures(run).find("reference.json, exchange"), std::string::npos) << failures(run);
}

TEST(Transcript, GoesThereAndBack) {
  const RunFiles run = passing_run();
  const std::string lines = transcript_lines(run.exchanges);
  const auto back = read_transcript(lines);
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(transcript_lines(*back), lines);
  EXPECT_EQ(back->size(), run.exchanges.size());
}

TEST(Transcript, RefusesWhatIsNoneNamingTheLine) {
  const std::string lines = transcript_lines(passing_run().exchanges);
  EXPECT_FALSE(read_transcript(""));
  EXPECT_FALSE(read_transcript(lines.substr(0, lines.rfind("{\"attempt\""))));  // without its last line
  EXPECT_FALSE(read_transcript(lines.substr(lines.find('\n') + 1)));
  const auto broken = read_transcript(cat("{}\n", lines));
  ASSERT_FALSE(broken);
  EXPECT_NE(broken.error().message().find("line 1, attempt"), std::string::npos) << broken.error().message();
}

/// Names and data of the events in a stream that comes in pieces of `size`.
std::string events_of(std::string_view stream, size_t size) {
  std::string out;
  SseReader reader(
      [&](const std::string& name, const std::string& data) { out += cat(name, "=", data, ";"); });
  for (size_t at = 0; at < stream.size(); at += size) reader.push(stream.substr(at, size));
  reader.finish();
  return out;
}

TEST(SseReader, GivesTheSameEventsHoweverTheBytesCome) {
  constexpr std::string_view kStream = "event: a\ndata: {}\n\n: heartbeat\n\nevent: b\ndata: 1\n\n";
  for (size_t size = 1; size <= kStream.size(); ++size)
    EXPECT_EQ(events_of(kStream, size), "a={};comment=heartbeat;b=1;") << size;
}

TEST(SseReader, MarksWhatIsNoEvent) {
  EXPECT_EQ(events_of("data: 1\n\n", 99), "malformed=data: 1;");
  EXPECT_EQ(events_of("event: a\ndata: 1\ndata: 2\n\n", 99), "malformed=event: a\ndata: 1\ndata: 2;");
  EXPECT_EQ(events_of("event: a\r\ndata: 1\r\n\r\n", 99), "malformed=event: a\r\ndata: 1\r\n\r\n;");
  EXPECT_EQ(events_of("event: a\ndata: 1", 99), "malformed=event: a\ndata: 1;");
}

}  // namespace
}  // namespace kigo::tools
