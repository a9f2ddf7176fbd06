// The model that ships with kigo, asked at every minute of the hour.
#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "core/base/random.h"
#include "tools/lib/goldens.h"
#include "tools/lib/haiku/local_run.h"

namespace kigo::tools {
namespace {

std::string seeded_nonce(uint64_t seed) {
  Random random(seed);
  std::string nonce;
  for (int i = 0; i < 8; ++i) nonce += "abcdefghijklmnopqrstuvwxyz0123456789"[random.below(36)];
  return nonce;
}

class HaikuMinutes : public testing::Test {
 protected:
  const model::Model model_ = *model::open(shipped_model());
  const text::Tokenizer tokenizer_ = *text::Tokenizer::from_gguf(model_.source.file);
  const std::unique_ptr<Engine> engine_ = *open_engine(model_, {});
  const Lexicon lexicon_ = *Lexicon::load(golden_folder() + "/haiku/lexicon.tsv");

  LocalRunOptions at(int minute, const std::string& nonce) const {
    LocalRunOptions options;
    options.shipped = true;
    options.attempts = 1;
    options.clock = [minute] {
      return *parse_iso_time(cat("2026-01-02T03:", minute < 10 ? "0" : "", minute, ":05Z"));
    };
    options.nonce = [nonce] { return nonce; };
    return options;
  }
};

TEST_F(HaikuMinutes, AllSixtyAreRight) {
  for (int minute = 0; minute < 60; ++minute) {
    const auto files = run_locally(model_, *engine_, tokenizer_,
                                   at(minute, seeded_nonce(static_cast<uint64_t>(minute))), lexicon_);
    ASSERT_TRUE(files) << files.error().message();
    const auto verification = verify_run(*files, lexicon_);
    ASSERT_TRUE(verification) << verification.error().message();
    EXPECT_EQ(*verification->find("verdict")->string(), "pass") << run_report(*files, *verification);
  }
}

TEST_F(HaikuMinutes, TriesAgainWhenTheMinuteChangesAndOnlyOnce) {
  LocalRunOptions options = at(0, "a1b2c3d4");
  options.clock = [minute = 0]() mutable {
    return *parse_iso_time("2026-01-02T03:00:00Z") + std::chrono::minutes(minute++);
  };
  const auto files = run_locally(model_, *engine_, tokenizer_, options, lexicon_);
  ASSERT_TRUE(files);
  EXPECT_EQ(files->exchanges.size(), 2u);
  EXPECT_EQ(*verify_run(*files, lexicon_)->find("verdict")->string(), "undecided");
}

/// An untrained model writes bytes that are no UTF-8. With this nonce its answer ends inside of a character.
TEST(HaikuOfAnUntrainedModel, IsDecodedAlikeTokenByTokenAndAtOnce) {
  const model::Model model = *model::open(golden_folder() + "/tiny/tiny-f16.gguf");
  const auto tokenizer = *text::Tokenizer::from_gguf(model.source.file);
  LocalRunOptions options;
  options.attempts = 1;
  options.clock = [] { return *parse_iso_time("2026-01-02T03:32:01Z"); };
  options.nonce = [] { return std::string("4z0oxzkd"); };
  const auto engine = *open_engine(model, {});
  const auto files = run_locally(model, *engine, tokenizer, options, Lexicon());
  ASSERT_TRUE(files) << files.error().message();
  const std::string text = read_answer(files->exchanges.front()).text;
  EXPECT_TRUE(text.ends_with("\uFFFD")) << text;
  EXPECT_EQ(*files->reference.find("exchanges")->items()->front().find("decoded")->string(), text);
}

TEST(IsoTime, GoesThereAndBack) {
  EXPECT_EQ(iso_time(*parse_iso_time("2026-11-21T07:32:05Z")), "2026-11-21T07:32:05.000Z");
  EXPECT_EQ(iso_time(*parse_iso_time("2024-02-29T23:59:59Z")), "2024-02-29T23:59:59.000Z");
  EXPECT_EQ(iso_time(*parse_iso_time("2026-11-21T07:32:05.678Z")), "2026-11-21T07:32:05.678Z");
  EXPECT_EQ(iso_time(*parse_iso_time("1969-12-31T23:59:05Z")), "1969-12-31T23:59:05.000Z");
}

TEST(MinuteWord, IsOfTheHourAlsoBefore1970) {
  EXPECT_EQ(minute_word(*parse_iso_time("2026-11-21T07:32:05Z")), "thirty-two");
  EXPECT_EQ(minute_word(*parse_iso_time("1969-12-31T23:59:05Z")), "fifty-nine");
}

TEST(IsoTime, RefusesWhatIsNoTime) {
  for (const char* text :
       {"", "now", "2026-11-21", "2026-13-01T00:00:00Z", "2025-02-29T00:00:00Z", "2026-11-21T24:00:00Z",
        " 026-11-21T07:32:05Z", "2026-11-21T+7:32:05Z", "2026-11-21T07:32:05.6Z", "2026-11-21T07:32:05.67xZ",
        "2026-11-21T07:32:05Z?", "2026-11-21T07:32:05"}) {
    EXPECT_FALSE(parse_iso_time(text)) << text;
  }
}

}  // namespace
}  // namespace kigo::tools
