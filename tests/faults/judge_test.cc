// The scorecard's own judgement: each verdict from what the processes of a fault came to, and the pass rule.
#include "tools/lib/faults/judge.h"

#include <gtest/gtest.h>

#include "tools/lib/faults/nmse.h"

namespace kigo::tools {
namespace {

/// Needs u and p, and is to be named sample:token.
const fault::Fault& fault43() { return *fault::find("F43"); }

Outcome caught() {
  Outcome outcome;
  outcome.reached["F43"] = 3;
  outcome.red = {{'u', "u:a", "sample:token", -1, 0}, {'p', "p:b", "", -1, 0}};
  return outcome;
}

FaultVerdict verdict_of(const Outcome& outcome, const fault::Fault& fault = fault43()) {
  FaultLine line;
  decide(line, fault, outcome);
  return line.verdict;
}

TEST(Decide, KilledIsRedInEveryKindAndNamedRight) { EXPECT_EQ(verdict_of(caught()), FaultVerdict::killed); }

TEST(Decide, PartialHasARequiredKindThatStayedGreen) {
  Outcome outcome = caught();
  outcome.red.pop_back();
  FaultLine line;
  decide(line, fault43(), outcome);
  EXPECT_EQ(line.verdict, FaultVerdict::partial);
  EXPECT_EQ(line.kinds_missing, "p");
}

TEST(Decide, MisnamedHasAnotherCheckpointFirst) {
  Outcome outcome = caught();
  outcome.red.push_back({'d', "d:c", "blk.0.attn_q", 4, 7});
  FaultLine line;
  decide(line, fault43(), outcome);
  EXPECT_EQ(line.verdict, FaultVerdict::misnamed);
  EXPECT_EQ(line.named, "blk.0.attn_q");
  EXPECT_EQ(line.position, 4);
}

TEST(Decide, SurvivedTurnedNothingRed) {
  Outcome outcome = caught();
  outcome.red.clear();
  EXPECT_EQ(verdict_of(outcome), FaultVerdict::survived);
}

TEST(Decide, NotReachedIsNoKillWhateverIsRed) {
  Outcome outcome = caught();
  outcome.reached["F43"] = 0;
  EXPECT_EQ(verdict_of(outcome), FaultVerdict::not_reached);
}

TEST(Decide, ACrashIsAnErrorButForThoseThatShowThatWay) {
  Outcome outcome = caught();
  outcome.crashed.push_back("core_sample_test: signal 11");
  EXPECT_EQ(verdict_of(outcome), FaultVerdict::error);
  const fault::Fault& endless = *fault::find("F85");
  Outcome hung;
  hung.reached["F85"] = 1;
  hung.red = {{'t', "t:laws_gpu_test.x", "", -1, 0}, {'u', "u:x", "", -1, 0}};
  hung.crashed.push_back("laws_gpu_test: timeout");
  EXPECT_EQ(verdict_of(hung, endless), FaultVerdict::killed);
}

TEST(Decide, WhoNeverEndsIsCaughtByTheChecksThatDidNot) {  // and cannot say what it reached
  const fault::Fault& endless = *fault::find("F85");
  Outcome hung;
  hung.reached["F85"] = 0;
  add_end(hung, 't', "laws_gpu_test", {.exit = -1, .signal = 9, .timed_out = true, .out = ""});
  FaultLine line;
  decide(line, endless, hung);
  EXPECT_EQ(line.verdict, FaultVerdict::partial);
  EXPECT_EQ(line.kinds_missing, "u");
  add_end(hung, 'u', "kernels_test", {.exit = -1, .signal = 9, .timed_out = true, .out = ""});
  EXPECT_EQ(verdict_of(hung, endless), FaultVerdict::killed);
}

TEST(Nmse, RunsTheOperationThatALawIsAbout) {
  EXPECT_EQ(nmse_filter("*Agrees*/linear_q4_k:*Agrees*/embedding_q4_k"), "*Nmse*/linear_q4_k");
  EXPECT_EQ(nmse_filter("*Agrees*rmsnorm*"), "*Nmse*/rmsnorm*");
  EXPECT_EQ(nmse_filter("*HugeCases*rmsnorm*"), "*Nmse*/rmsnorm*");
  EXPECT_EQ(nmse_filter("*Kernel.WritesOnlyItsOutput/add_*"), "*Nmse*/add_*");
}

TEST(Nmse, TakesTheWorstAgainstItsLimit) {
  NmseScore score;
  take_operation("[ RUN ] x\nnmse add_f32 2e-9 1e-7\nnmse linear_f32 4e-6 5e-4\nnmse broken\n", score);
  ASSERT_TRUE(score.op && score.limit);
  EXPECT_EQ(*score.op, 2e-9);
  EXPECT_EQ(*score.limit, 1e-7);
  EXPECT_EQ(score.verdict(), "passes");
  take_operation("nmse add_f16 nan 1e-7\n", score);
  EXPECT_EQ(score.verdict(), "caught");
}

TEST(Card, CountsEveryLineInJUnit) {
  Scorecard card;
  card.clean = {{"first", true, ""}};
  card.faults.resize(3);
  card.faults[0].fault = "F24", card.faults[0].level = 'G', card.faults[0].verdict = FaultVerdict::killed;
  card.faults[1].fault = "F25", card.faults[1].level = 'G', card.faults[1].verdict = FaultVerdict::misnamed;
  card.faults[2].fault = "F72", card.faults[2].level = 'G', card.faults[2].verdict = FaultVerdict::no_site;
  card.controls = {{"-0", "quiet", "", true}};
  const std::string xml = card.junit();
  EXPECT_NE(xml.find("tests=\"5\" failures=\"1\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("skipped=\"1\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("name=\"F25\""), std::string::npos) << xml;
}

TEST(Decide, AKindThatCannotBeMadeIsListedAndMissesNothing) {  // F37: d, and z in ci/gpu
  Outcome outcome;
  outcome.reached["F37"] = 1;
  outcome.red = {{'d', "d:a", "blk.0.attn_out", -1, 0}};
  FaultLine line;
  decide(line, *fault::find("F37"), outcome);
  EXPECT_EQ(line.verdict, FaultVerdict::killed);
  ASSERT_EQ(line.kinds_not_run.size(), 1u);
  EXPECT_EQ(line.kinds_not_run[0], "z: sanitizers run in ci/gpu");
}

TEST(Outcome, NamesTheFirstInTheOrderOfCheckpoints) {
  Outcome outcome;
  outcome.red = {{'u', "a", "harness:compare", -1, 0}, {'u', "b", "sample:token", -1, 0},
                 {'g', "c", "logits", -1, 0},          {'d', "d", "blk.2.ffn_down", -1, 0},
                 {'d', "e", "blk.0.embed", -1, 0},     {'g', "f", "text", -1, 0},
                 {'g', "g", "tokens", -1, 0},          {'l', "h", "weight:x", -1, 0},
                 {'l', "i", "file:magic", -1, 0}};
  for (const char* by : {"i", "h", "g", "f", "d", "e", "c", "b", "a"}) {
    ASSERT_NE(outcome.first(), nullptr);
    EXPECT_EQ(outcome.first()->by, by);
    std::erase_if(outcome.red, [&](const Red& red) { return red.by == by; });
  }
}

TEST(AddEnd, TellsRedTestsFromCrashesAndFiltersThatMatchNothing) {
  Outcome outcome;
  add_end(outcome, 'u', "p", {.exit = 0, .out = "[==========] 3 tests from 1 test suites ran."});
  EXPECT_TRUE(outcome.red.empty() && outcome.crashed.empty());
  add_end(outcome, 'u', "p",
          {.exit = 1, .out = "[  FAILED  ] A.B (1 ms)\n[  FAILED  ] A.B\n[  FAILED  ] A.C/1, where x\n"});
  ASSERT_EQ(outcome.red.size(), 2u);
  EXPECT_EQ(outcome.red[0].by, "u:p.A.B");
  EXPECT_EQ(outcome.red[1].by, "u:p.A.C/1");
  add_end(outcome, 'u', "p", {.exit = 0, .out = "[==========] Running 0 tests from 0 test suites."});
  add_end(outcome, 'u', "p", {.exit = -1, .signal = 11, .out = ""});
  add_end(outcome, 'u', "p", {.exit = -1, .signal = 9, .timed_out = true, .out = ""});
  add_end(outcome, 'u', "p", {.exit = 127, .out = "cannot be started"});
  EXPECT_EQ(outcome.red.size(), 2u);
  EXPECT_EQ(outcome.crashed.size(), 4u);
}

/// A card on which everything is well.
Scorecard good() {
  Scorecard card;
  card.clean = {{"first", true, ""}, {"last", true, ""}};
  FaultLine killed;
  killed.level = 'R';
  killed.verdict = FaultVerdict::killed;
  card.faults = {killed};
  card.pairs = {{"F45+F46", "both seen", "", true}};
  card.controls = {{"-0", "quiet", "", true}};
  return card;
}

TEST(PassRule, FailsForEachBreach) {
  EXPECT_TRUE(good().pass());
  for (const FaultVerdict verdict : {FaultVerdict::partial, FaultVerdict::survived, FaultVerdict::not_reached,
                                     FaultVerdict::error, FaultVerdict::misnamed}) {
    Scorecard card = good();
    card.faults[0].verdict = verdict;
    EXPECT_FALSE(card.pass()) << name(verdict);
  }
  Scorecard flagged = good();
  flagged.controls[0].good = false;
  EXPECT_FALSE(flagged.pass());
  Scorecard masked = good();
  masked.pairs[0].good = false;
  EXPECT_FALSE(masked.pass());
  Scorecard unclean = good();
  unclean.clean[1].good = false;
  EXPECT_FALSE(unclean.pass());
}

TEST(PassRule, LetsOtherLevelsBeMisnamedAndSaysSo) {
  Scorecard card = good();
  card.faults[0].level = 'L';
  card.faults[0].verdict = FaultVerdict::misnamed;
  EXPECT_TRUE(card.pass());
  EXPECT_NE(card.text().find("MISNAMED"), std::string::npos);
}

TEST(PassRule, LetsNothingPassThatNmseAloneCatches) {
  Scorecard card = good();
  card.faults[0].verdict = FaultVerdict::not_run;
  EXPECT_TRUE(card.pass());
  card.faults[0].nmse_verdict = "caught";
  EXPECT_FALSE(card.pass());
}

}  // namespace
}  // namespace kigo::tools
