// The generation loop over a backend that wants given ids: events, stop strings, characters, cancelling.
#include "tools/lib/generation.h"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <memory>

#include "core/base/cat.h"
#include "core/text/stream_decoder.h"
#include "core/text/unicode.h"
#include "tests/core/text/sample_vocabulary.h"
#include "tools/lib/scripted_backend.h"

namespace kigo::tools {
namespace {

constexpr uint32_t kControl = 269;  // <|im_start|>, no text
constexpr uint32_t kEnd = 270;      // <|im_end|>
const text::SampleVocabulary kVocabulary;
const text::Tokenizer kTokenizer = kVocabulary.tokenizer();

struct SeenPiece {
  std::string text;
  uint64_t first;
  std::vector<uint32_t> ids;
  bool operator==(const SeenPiece&) const = default;
};

void showValue(const SeenPiece& piece, std::ostream& out) {
  out << escaped(piece.text) << " at " << piece.first << ", " << list<uint32_t>(piece.ids);
}
[[maybe_unused]] std::ostream& operator<<(std::ostream& out, const SeenPiece& piece) {
  showValue(piece, out);
  return out;
}

struct Seen {
  std::vector<SeenPiece> pieces;
  std::optional<Started> started;
  std::vector<uint64_t> tokens;
  Result<Generation> generation = fail(Code::io, "not run", "");

  std::string joined() const {
    std::string text;
    for (const SeenPiece& piece : pieces) text += piece.text;
    return text;
  }
};

GenerationOptions greedy(std::vector<std::string> stop = {}) {
  GenerationOptions options;
  options.sampling.temperature = 0;
  options.stop = std::move(stop);
  return options;
}

Seen run(ScriptedBackend& backend, const GenerationOptions& options, std::vector<uint32_t> prompt = {65}) {
  Seen seen;
  GenerationEvents events;
  events.started = [&](const Started& started) { seen.started = started; };
  events.piece = [&](const Piece& piece) {
    seen.pieces.push_back({std::string(piece.text), piece.first, {piece.ids.begin(), piece.ids.end()}});
  };
  events.token = [&](uint64_t count) { seen.tokens.push_back(count); };
  seen.generation = generate(backend, kTokenizer, prompt, options, events);
  return seen;
}

/// The script, then the end token.
Seen run(std::vector<uint32_t> script, const GenerationOptions& options = greedy()) {
  script.push_back(kEnd);
  ScriptedBackend backend(std::move(script), kTokenizer.size(), 100000);
  return run(backend, options);
}

std::vector<uint32_t> bytes_of(std::string_view text) {
  std::vector<uint32_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

TEST(Generation, SendsEveryTokenAsSoonAsItIsText) {
  const Seen seen = run({'a', 256, 'b'});
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"a", 0, {'a'}}, {"he", 1, {256}}, {"b", 2, {'b'}}}));
  EXPECT_EQ(seen.tokens, (std::vector<uint64_t>{1, 2, 3}));
  ASSERT_TRUE(seen.generation);
  EXPECT_EQ(seen.generation->stop_reason, StopReason::eos);
  EXPECT_EQ(seen.generation->end_id, kEnd);
  EXPECT_EQ(seen.generation->ids, (std::vector<uint32_t>{'a', 256, 'b'}));
  EXPECT_EQ(seen.generation->withheld, 0u);
}

TEST(Generation, HoldsAnIncompleteCharacter) {
  const Seen seen = run(bytes_of("a\u00e9\U0001F600z"));
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"a", 0, {'a'}},
                                                 {"\u00e9", 1, {0xC3, 0xA9}},
                                                 {"\U0001F600", 3, {0xF0, 0x9F, 0x98, 0x80}},
                                                 {"z", 7, {'z'}}}));
}

TEST(Generation, WritesWhatIsIncompleteAtTheEndAsOneReplacement) {
  const Seen seen = run({'a', 0xF0, 0x9F});
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"a", 0, {'a'}}, {"\uFFFD", 1, {0xF0, 0x9F}}}));
  EXPECT_EQ(seen.generation->invalid_utf8_bytes, 2u);
  EXPECT_EQ(seen.generation->withheld, 0u);
}

TEST(Generation, CountsAControlTokenToTheNextPiece) {
  const Seen seen = run({'a', kControl, 'b'});
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"a", 0, {'a'}}, {"b", 1, {kControl, 'b'}}}));
}

TEST(Generation, WithholdsAControlTokenBehindTheLastText) {
  const Seen seen = run({'a', kControl});
  EXPECT_EQ(seen.joined(), "a");
  EXPECT_EQ(seen.generation->withheld, 1u);
  EXPECT_EQ(seen.generation->withheld_ids().front(), kControl);
}

TEST(Generation, NeitherTextNorIdsOfAStopStringLeave) {
  const Seen seen = run(bytes_of("go STOP on"), greedy({"STOP"}));
  EXPECT_EQ(seen.joined(), "go ");
  EXPECT_EQ(seen.generation->stop_reason, StopReason::stop_sequence);
  EXPECT_EQ(seen.generation->stop_index, 0u);
  EXPECT_EQ(seen.generation->ids, bytes_of("go STOP"));
  EXPECT_EQ(seen.generation->withheld, 4u);
}

TEST(Generation, IdsThatMayBelongToAStopStringWaitWhileTextBeforeThemLeaves) {
  const Seen seen = run(bytes_of("aaab"), greedy({"aab"}));
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"a", 0, {'a'}}}));
  EXPECT_EQ(seen.generation->withheld, 3u);
}

TEST(Generation, GoesOnWithATokenWhoseTextWasHeldInPart) {
  const Seen seen = run({256}, greedy({"ex"}));  // "he"
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"h", 0, {256}}, {"e", 1, {}}}));
}

TEST(Generation, SendsHarmlessHeldTextAtTheEnd) {
  const Seen seen = run(bytes_of("xST"), greedy({"STOP"}));
  EXPECT_EQ(seen.pieces, (std::vector<SeenPiece>{{"x", 0, {'x'}}, {"ST", 1, {'S', 'T'}}}));
  EXPECT_EQ(seen.generation->stop_reason, StopReason::eos);
}

TEST(Generation, AStopStringThatTheLastTokenAllowedCompletesIsTheReason) {
  GenerationOptions options = greedy({"ab"});
  options.max_tokens = 2;
  EXPECT_EQ(run(bytes_of("abc"), options).generation->stop_reason, StopReason::stop_sequence);
}

TEST(Generator, GivesTokenByTokenWhatTheLoopGives) {
  std::vector<uint32_t> script = bytes_of("go STOP on");
  script.push_back(kEnd);
  const Seen whole = run(bytes_of("go STOP on"), greedy({"STOP"}));
  ScriptedBackend backend(script, kTokenizer.size(), 100);
  std::string text;
  GenerationEvents events;
  events.piece = [&](const Piece& piece) { text += piece.text; };
  const std::vector<uint32_t> prompt{65};
  const auto generator =
      *Generator::start(backend, backend.session(), kTokenizer, prompt, greedy({"STOP"}), events);
  EXPECT_EQ(backend.session().length(), 0) << "nothing is computed before the first token";
  size_t tokens = 0;
  while (*generator->next()) EXPECT_EQ(generator->ids().size(), ++tokens);
  EXPECT_FALSE(*generator->next()) << "over is over";
  EXPECT_EQ(generator->ids().size(), 7u);
  const Generation out = generator->take();
  EXPECT_EQ(out.ids, whole.generation->ids);
  EXPECT_EQ(out.text, whole.generation->text);
  EXPECT_EQ(text, out.text);
  EXPECT_EQ(out.stop_reason, StopReason::stop_sequence);
  EXPECT_EQ(out.withheld, 4u);
}

TEST(Generator, IsOverAfterAnErrorAndKeepsItsIds) {
  ScriptedBackend backend(bytes_of("abc"), kTokenizer.size(), 100);
  backend.on_step = [](size_t step) {
    return step < 2 ? Status() : Status(fail(Code::cuda, "step", "broken"));
  };
  const std::vector<uint32_t> prompt{65};
  const auto generator = *Generator::start(backend, backend.session(), kTokenizer, prompt, greedy());
  EXPECT_TRUE(*generator->next());
  EXPECT_TRUE(*generator->next());
  const auto broken = generator->next();
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().code, Code::cuda);
  EXPECT_FALSE(*generator->next());
  EXPECT_EQ(std::vector<uint32_t>(generator->ids().begin(), generator->ids().end()), bytes_of("ab"));
}

TEST(Generation, TakesAnEndTokenForAnOrdinaryOneWhenAsked) {
  GenerationOptions options = greedy();
  options.ignore_end = true;
  options.max_tokens = 3;
  const Seen seen = run({'a', kEnd, 'b'}, options);
  EXPECT_EQ(seen.generation->ids, (std::vector<uint32_t>{'a', kEnd, 'b'}));
  EXPECT_EQ(seen.generation->stop_reason, StopReason::max_tokens);
}

class GenerationInAContextOf8 : public testing::TestWithParam<int64_t> {};
INSTANTIATE_TEST_SUITE_P(MaxTokens, GenerationInAContextOf8, testing::Values(1, 5, 6, 7, 2048));

/// Behind 3 positions 6 tokens fit: the last is drawn from position 8 and takes none.
TEST_P(GenerationInAContextOf8, SaysAtTheStartWhatFits) {
  ScriptedBackend backend({'a'}, kTokenizer.size(), 8);
  GenerationOptions options = greedy();
  options.max_tokens = GetParam();
  options.sampling.seed = 77;
  const Seen seen = run(backend, options, {1, 2, 3});
  const int64_t fitting = std::min<int64_t>(6, GetParam());
  ASSERT_TRUE(seen.started && seen.generation);
  EXPECT_EQ(seen.started->prompt_tokens, 3);
  EXPECT_EQ(seen.started->max_tokens, fitting);
  EXPECT_EQ(seen.started->seed, 77u);
  EXPECT_EQ(static_cast<int64_t>(seen.generation->ids.size()), fitting);
  EXPECT_EQ(seen.generation->stop_reason, GetParam() > 6 ? StopReason::context_full : StopReason::max_tokens);
}

TEST(Generation, RefusesAPromptOfTheContextsLengthBeforeItStarts) {
  ScriptedBackend backend({'a'}, kTokenizer.size(), 4);
  const Seen seen = run(backend, greedy(), {1, 2, 3, 4});
  ASSERT_FALSE(seen.generation);
  EXPECT_EQ(seen.generation.error().message(), "prompt: 4 tokens, expected at most 3 (context_overflow)");
  EXPECT_FALSE(seen.started);
}

TEST(Generation, RefusesAnIdBeyondTheVocabulary) {
  ScriptedBackend backend({'a'}, kTokenizer.size(), 4);
  const Seen seen = run(backend, greedy(), {1, 275});
  ASSERT_FALSE(seen.generation);
  EXPECT_EQ(seen.generation.error().message(), "token 1: id 275, expected an id below 275 (invalid_request)");
}

class CancelledGeneration : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Step, CancelledGeneration, testing::Values(0u, 1u, 2u, 5u));

TEST_P(CancelledGeneration, EndsInTheStepInWhichTheFlagIsSet) {
  std::atomic<bool> cancel = false;
  ScriptedBackend backend({'a'}, kTokenizer.size(), 100);
  backend.on_step = [&](size_t step) -> Status {
    cancel = step == GetParam();
    return {};
  };
  GenerationOptions options = greedy();
  options.cancel = &cancel;
  const Seen seen = run(backend, options);
  ASSERT_FALSE(seen.generation);
  EXPECT_EQ(seen.generation.error().code, Code::cancelled);
  EXPECT_EQ(seen.generation.error().found,
            cat("cancelled after ", GetParam(), GetParam() == 1 ? " token" : " tokens"));
  EXPECT_EQ(seen.tokens.size(), GetParam());
  EXPECT_EQ(backend.session().length(), 0);
}

TEST(CancelledGeneration, DoesNothingWhenItWasCancelledBefore) {
  const std::atomic<bool> cancel = true;
  bool asked = false;
  ScriptedBackend backend({'a'}, kTokenizer.size(), 100);
  backend.on_step = [&](size_t) -> Status {
    asked = true;
    return {};
  };
  GenerationOptions options = greedy();
  options.cancel = &cancel;
  EXPECT_FALSE(run(backend, options).generation);
  EXPECT_FALSE(asked);
}

TEST(CancelledGeneration, AsksForNoStepAfterTheTokenInWhichItWasCancelled) {
  std::atomic<bool> cancel = false;
  size_t steps = 0;
  ScriptedBackend backend({'a'}, kTokenizer.size(), 100);
  backend.on_step = [&](size_t) -> Status {
    ++steps;
    return {};
  };
  GenerationOptions options = greedy();
  options.cancel = &cancel;
  GenerationEvents events;
  events.token = [&](uint64_t count) { cancel = count == 3; };
  const std::vector<uint32_t> prompt{65};
  EXPECT_FALSE(generate(backend, kTokenizer, prompt, options, events));
  EXPECT_EQ(steps, 3u);
}

TEST(Generation, GivesTheSequenceBackAfterAnError) {
  ScriptedBackend backend({'a'}, kTokenizer.size(), 100);
  backend.on_step = [](size_t step) -> Status {
    return step == 3 ? Status(fail(Code::cuda, "device", "fell off")) : Status();
  };
  const Seen seen = run(backend, greedy());
  ASSERT_FALSE(seen.generation);
  EXPECT_EQ(seen.generation.error().code, Code::cuda);
  EXPECT_EQ(backend.session().length(), 0);
}

/// Where a stop string completes first, and the longest of those that do; nothing when none does.
std::string cut_at_stops(const std::string& text, const std::vector<std::string>& stops) {
  for (size_t end = 1; end <= text.size(); ++end) {
    size_t longest = 0;
    for (const std::string& stop : stops) {
      if (std::string_view(text).substr(0, end).ends_with(stop)) longest = std::max(longest, stop.size());
    }
    if (longest != 0) return text.substr(0, end - longest);
  }
  return text;
}

/// Few letters, so that stop strings and their beginnings are common; pieces of characters; control tokens.
rc::Gen<std::vector<uint32_t>> scripts() {
  return rc::gen::container<std::vector<uint32_t>>(rc::gen::weightedOneOf<uint32_t>(
      {{8, rc::gen::elementOf(std::vector<uint32_t>{'a', 'b', 'h', 'e', 256, 258, 264, 265})},
       {3, rc::gen::elementOf(std::vector<uint32_t>{0xC3, 0xA9, 0xF0, 0x9F, 0x98, 0x80, 0xFF, 266})},
       {1, rc::gen::just(kControl)}}));
}

RC_GTEST_PROP(Generation, PiecesAreTheTextOfTheTokensUpToTheStopString, ()) {
  const auto script = *scripts();
  const auto stops = *rc::gen::resize(
      4, rc::gen::container<std::vector<std::string>>(
             rc::gen::nonEmpty(rc::gen::container<std::string>(rc::gen::element('a', 'b', 'h', 'e', 'l')))));
  if (stops.size() > 4) return;
  const Seen seen = run(script, greedy(stops));
  RC_ASSERT(seen.generation.has_value());
  const Generation& out = *seen.generation;

  RC_ASSERT(seen.joined() == out.text);
  RC_ASSERT(out.text == cut_at_stops(text::well_formed(kTokenizer.decode(out.ids)), stops));
  RC_ASSERT(out.text == cut_at_stops(text::well_formed(kTokenizer.decode(script)), stops));
  RC_ASSERT(out.stop_index.has_value() == (out.stop_reason == StopReason::stop_sequence));
  uint64_t next = 0;
  for (const SeenPiece& piece : seen.pieces) {
    RC_ASSERT(!piece.text.empty());
    RC_ASSERT(!text::first_ill_formed(piece.text).has_value());
    RC_ASSERT(piece.first == next);
    for (const uint32_t id : piece.ids) RC_ASSERT(id == out.ids[next++]);
  }
  RC_ASSERT(next + out.withheld == out.ids.size());
  RC_TAG(out.stop_index.has_value() ? "stopped" : "ended");
}

}  // namespace
}  // namespace kigo::tools
