#include "tools/lib/haiku/local_run.h"

#include <chrono>

#include "tools/lib/generation.h"
#include "tools/lib/haiku/judge.h"
#include "tools/lib/logit_noise.h"
#include "tools/lib/serve/sse.h"

namespace kigo::tools {
namespace {

/// Answers requests as a worker would, in its words.
class LocalWorker {
 public:
  LocalWorker(Engine& engine, const text::Tokenizer& tokenizer) : engine_(engine), tokenizer_(tokenizer) {}

  Status answer(Exchange& exchange) {
    exchange.sent_ms = ms();
    const Json& body = *exchange.request.find("body");
    KIGO_ASSIGN(const std::vector<uint32_t> prompt, prompt_ids(tokenizer_, body));
    const auto buffer = std::make_shared<EventBuffer>();
    const auto sink = execute_sink(
        buffer, {text_of(body, "job_id"), engine_.name(), text_of(exchange.request, "correlation_id")}, true,
        {});
    SseReader reader([&](std::string name, std::string data) {
      exchange.events.push_back({ms(), std::move(name), std::move(data)});
    });
    const auto read = [&] { reader.push(buffer->take(std::chrono::milliseconds(0)).bytes); };
    GenerationOptions options;
    options.sampling = params_of(body);
    options.max_tokens = integer_of(body, "max_tokens");
    GenerationEvents events;
    events.started = [&](const Started& started) { sink->started(started), read(); };
    events.piece = [&](const Piece& piece) { sink->piece(piece), read(); };
    KIGO_ASSIGN(const Generation generation, generate(engine_, tokenizer_, prompt, options, events));
    const auto whole = [](double seconds) { return static_cast<int64_t>(seconds * 1e3); };
    sink->end(generation,
              {0, whole(generation.prefill_s), whole(generation.first_token_s), whole(generation.decode_s)});
    read();
    reader.finish();
    exchange.closed_ms = ms();
    exchange.closed = Json::object({{"detail", "whole"}});
    return {};
  }

 private:
  double ms() const {
    const auto passed = std::chrono::steady_clock::now() - start_;
    return static_cast<double>(std::chrono::duration_cast<std::chrono::microseconds>(passed).count()) / 1e3;
  }

  Engine& engine_;
  const text::Tokenizer& tokenizer_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace

Result<RunFiles> run_locally(const model::Model& model, Engine& engine, const text::Tokenizer& tokenizer,
                             const LocalRunOptions& options, const Lexicon& lexicon) {
  LocalWorker worker(engine, tokenizer);
  Status answered;
  Examiner examiner(options, tokenizer, lexicon, options.shipped, [&](Exchange& exchange) {
    if (answered) answered = worker.answer(exchange);
    if (!answered) exchange.closed = Json::object({{"detail", "failed"}});  // the examiner asks no further
  });
  examiner.ask_for_haikus(options.nonce());
  KIGO_TRY(answered);
  RunFiles files;
  files.exchanges = std::move(examiner).exchanges();
  files.environment =
      environment_of("process", options, engine.name(),
                     describe(model, tokenizer, options.model_file, options.model_sha256, options.shipped));
  files.environment.set("device", engine.info().device_name);
  const bool fast = engine.twin_products() == reference::Products::Fast;
  files.environment.set("reference", fast ? "fast" : "plain");
  const bool kernels = engine.info().device >= 0;
  KIGO_ASSIGN(files.reference,
              judge(model, tokenizer, files.exchanges,
                    {engine.twin_cache(), engine.twin_products(), kernels ? kHalfNoise : 0}));
  return files;
}

}  // namespace kigo::tools
