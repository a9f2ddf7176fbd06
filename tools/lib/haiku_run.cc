#include "tools/lib/haiku_run.h"

#include <filesystem>
#include <random>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/text/chat.h"
#include "core/text/stream_decoder.h"
#include "tools/lib/generation.h"

namespace kigo::tools {
namespace {

Time system_time() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

struct Attempt {
  Json transcript;
  Json reference;
};

/// One pass over prompt and answer: which id it would have chosen after each of the answer's positions.
Result<Json> judge(const model::Model& model, const text::Tokenizer& tokenizer, const Engine& engine,
                   const std::vector<uint32_t>& prompt, const std::vector<uint32_t>& ids) {
  std::vector<uint32_t> all = prompt;
  all.insert(all.end(), ids.begin(), ids.end());
  if (static_cast<int64_t>(all.size()) > model.config.context)
    all.resize(static_cast<size_t>(model.config.context));
  reference::Session session(model, engine.twin_cache(), engine.twin_products());
  KIGO_ASSIGN(const auto logits, session.forward(all, reference::Logits::All));
  const auto drawable = tokenizer.drawable_ids();
  Json chosen = Json::array();
  Json margins = Json::array();
  for (auto row = static_cast<int64_t>(prompt.size()) - 1; row < logits.rows; ++row) {
    const Best choice = best_drawable(
        View<const double, 1>(logits.values.data() + row * logits.width, {logits.width}), drawable);
    chosen.push(choice.id);
    margins.push(choice.margin);
  }
  return Json::object({{"ids", std::move(chosen)},
                       {"margins", std::move(margins)},
                       {"decoded", text::well_formed(tokenizer.decode(ids))}});
}

Result<Attempt> attempt_once(const model::Model& model, Engine& engine, const text::Tokenizer& tokenizer,
                             const HaikuOptions& options) {
  const auto clock = options.clock ? options.clock : system_time;
  const Time start = clock();
  const std::string word = minute_word(start);
  const std::string nonce = options.nonce();
  const std::string prompt = cat("Write a haiku about ", options.topic, " that includes the word \"", word,
                                 "\" (nonce: ", nonce, ")");
  KIGO_ASSIGN(const text::ChatFormat* format, text::require_chat_format(tokenizer));
  const text::Message message{text::Role::user, prompt};
  KIGO_ASSIGN(const auto prompt_ids, text::render(tokenizer, *format, {&message, 1}));

  GenerationOptions generation_options;
  generation_options.sampling.temperature = 0;
  generation_options.max_tokens = options.max_tokens;
  KIGO_ASSIGN(const Generation generation, generate(engine, tokenizer, prompt_ids, generation_options));
  const Time end = clock();
  KIGO_ASSIGN(Json reference, judge(model, tokenizer, engine, prompt_ids, generation.ids));
  return Attempt{Json::object({{"topic", options.topic},
                               {"word", word},
                               {"nonce", nonce},
                               {"prompt", prompt},
                               {"prompt_ids", Json::array_of(prompt_ids)},
                               {"ids", Json::array_of(generation.ids)},
                               {"end_id", generation.end_id ? int64_t{*generation.end_id} : int64_t{-1}},
                               {"text", generation.text},
                               {"stop_reason", name(generation.stop_reason)},
                               {"invalid_utf8_bytes", generation.invalid_utf8_bytes},
                               {"prefill_ms", generation.prefill_s * 1e3},
                               {"decode_ms", generation.decode_s * 1e3},
                               {"started_at", iso_time(start)},
                               {"ended_at", iso_time(end)},
                               {"word_at_end", minute_word(end)}}),
                 std::move(reference)};
}

Json environment(const HaikuOptions& options, const Engine& engine, uint64_t model_bytes) {
  return Json::object({{"version", KIGO_VERSION},
                       {"commit", KIGO_COMMIT},
                       {"command", options.command},
                       {"backend", engine.name()},
                       {"device", engine.info().device_name},
                       {"reference", engine.twin_products() == reference::Products::Fast ? "fast" : "plain"},
                       {"clock", options.clock ? "injected" : "system"},
                       {"model", Json::object({{"file", options.model_file},
                                               {"sha256", options.model_sha256},
                                               {"bytes", model_bytes},
                                               {"shipped", options.shipped}})}});
}

}  // namespace

std::string fresh_nonce() {
  constexpr std::string_view kCharacters = "abcdefghijklmnopqrstuvwxyz0123456789";
  std::random_device random;
  std::uniform_int_distribution<size_t> index(0, kCharacters.size() - 1);
  std::string nonce;
  for (int i = 0; i < 8; ++i) nonce += kCharacters[index(random)];
  return nonce;
}

Result<HaikuFiles> run_haiku(const model::Model& model, Engine& engine, const text::Tokenizer& tokenizer,
                             const HaikuOptions& options, const Lexicon& lexicon) {
  HaikuFiles files{Json::object({{"attempts", Json::array()}}), Json::object({{"attempts", Json::array()}}),
                   environment(options, engine, model.source.map.bytes().size())};
  Json transcripts = Json::array();
  Json references = Json::array();
  for (int misses = 0, flips = 0; misses < options.attempts && flips < 2;) {
    KIGO_ASSIGN(Attempt attempt, attempt_once(model, engine, tokenizer, options));
    transcripts.push(std::move(attempt.transcript));
    references.push(std::move(attempt.reference));
    files.transcript = Json::object({{"attempts", transcripts}});
    files.reference = Json::object({{"attempts", references}});
    KIGO_ASSIGN(const Json verification, verify_haiku(files, lexicon));
    const std::string verdict = *verification.find("verdict")->string();
    const bool engine_failed = *verification.find("engine")->string() == "fail";
    if (verdict == "pass" || engine_failed) break;  // another try could only hide a fault of the engine
    (verdict == "undecided" ? flips : misses) += 1;
  }
  return files;
}

Result<Json> write_and_verify(const HaikuFiles& files, const std::string& folder, const Lexicon& lexicon) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) return fail(Code::io, folder, cat("cannot create: ", error.message()));
  KIGO_TRY(write_file(folder + "/transcript.json", files.transcript.dump(1) + "\n"));
  KIGO_TRY(write_file(folder + "/reference.json", files.reference.dump(1) + "\n"));
  KIGO_TRY(write_file(folder + "/environment.json", files.environment.dump(1) + "\n"));
  return verify_folder(folder, lexicon);
}

Result<Json> verify_folder(const std::string& folder, const Lexicon& lexicon) {
  KIGO_ASSIGN(const HaikuFiles written, read_haiku_files(folder));
  KIGO_ASSIGN(Json verification, verify_haiku(written, lexicon));
  KIGO_TRY(write_file(folder + "/verification.json", verification.dump(1) + "\n"));
  KIGO_TRY(write_file(folder + "/test_report.md", haiku_report(written, verification)));
  return verification;
}

std::string run_folder(const std::string& parent, const HaikuFiles& files) {
  const Json& first = files.transcript.find("attempts")->items()->front();
  std::string stamp;
  for (const char c : first.find("started_at")->string()->substr(0, 19)) {
    if (c != '-' && c != ':') stamp += c;
  }
  return cat(parent, "/", stamp, "Z-", *first.find("nonce")->string());
}

}  // namespace kigo::tools
