// kigo generate: text from a prompt, greedy or sampled.
#include <cstdio>
#include <limits>
#include <memory>
#include <random>

#include "core/base/cat.h"
#include "tools/kigo/options.h"
#include "tools/lib/generation.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct GenerateArguments {
  std::string model;
  Prompt prompt;
  GenerationOptions generation;
  EngineOptions engine;
  std::optional<uint64_t> seed;
  bool stream = false;
  bool json = false;
};

double rate(size_t tokens, double seconds) { return seconds > 0 ? static_cast<double>(tokens) / seconds : 0; }

std::string one_decimal(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1f", value);
  return buffer;
}

Json report(const std::vector<uint32_t>& prompt, const Generation& generation, uint64_t seed) {
  Json out = Json::object({{"text", generation.text},
                           {"prompt_ids", Json::array_of(prompt)},
                           {"ids", Json::array_of(generation.ids)},
                           {"stop_reason", name(generation.stop_reason)},
                           {"seed", seed},
                           {"invalid_utf8_bytes", generation.invalid_utf8_bytes},
                           {"prefill_ms", generation.prefill_s * 1e3},
                           {"decode_ms", generation.decode_s * 1e3},
                           {"tokens_per_s", rate(generation.ids.size(), generation.decode_s)}});
  if (generation.end_id) out.set("end_id", *generation.end_id);
  return out;
}

Result<int> run(GenerateArguments options) {
  KIGO_ASSIGN(const model::Model model, model::open(options.model));
  KIGO_ASSIGN(const auto tokenizer, text::Tokenizer::from_gguf(model.source.file));
  KIGO_ASSIGN(const auto prompt, prompt_ids(tokenizer, options.prompt));
  // Below 2^53, so that every JSON reader keeps it.
  const uint64_t seed =
      options.seed ? *options.seed : std::random_device{}() | uint64_t{std::random_device{}() >> 11} << 32;
  options.generation.sampling.seed = seed;

  KIGO_ASSIGN(const auto engine, open_engine(model, options.engine));
  const bool stream = options.stream && !options.json;
  const auto show = [](std::string_view piece) {
    std::fwrite(piece.data(), 1, piece.size(), stdout);
    std::fflush(stdout);
  };
  GenerationEvents events;
  if (stream) events.piece = [&show](const Piece& piece) { show(piece.text); };
  KIGO_ASSIGN(const Generation generation, generate(*engine, tokenizer, prompt, options.generation, events));
  if (options.json) return print(true, "", report(prompt, generation, seed));
  show(stream ? "\n" : generation.text + "\n");
  std::fprintf(stderr, "%zu prompt tokens in %s, %zu tokens in %s (%s tokens/s), stopped by %s, seed %llu\n",
               prompt.size(), duration(generation.prefill_s).c_str(), generation.ids.size(),
               duration(generation.decode_s).c_str(),
               one_decimal(rate(generation.ids.size(), generation.decode_s)).c_str(),
               std::string(name(generation.stop_reason)).c_str(), static_cast<unsigned long long>(seed));
  return int{kPassed};
}

}  // namespace

void add_generate(CLI::App& app, int& exit) {
  const auto options = std::make_shared<GenerateArguments>();
  options->generation.max_tokens = 256;
  CLI::App* command = app.add_subcommand("generate", "Generate text from a prompt");
  add_model_option(*command, options->model);
  add_prompt_options(*command, options->prompt);
  add_sampling_options(*command, options->generation.sampling);
  command->add_option("--seed", options->seed, "Of the draws; generated and printed when absent")
      ->transform(whole_number(std::numeric_limits<uint64_t>::max()));
  command->add_option("-n,--max-tokens", options->generation.max_tokens, "Stop after so many")
      ->transform(whole_number(std::numeric_limits<int64_t>::max()))
      ->capture_default_str();
  command
      ->add_option("--stop", options->generation.stop,
                   "Stop before this text; up to 4, each with its own --stop")
      ->allow_extra_args(false);  // else the next words, and a [list], would be stop strings too
  command->add_flag("--ignore-eos", options->generation.ignore_end, "End tokens are ordinary tokens");
  add_engine_options(*command, options->engine);
  command->add_flag("--stream", options->stream, "Print text as soon as it is certain");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit] {
    const auto status = run(*options);
    exit = status ? *status : print_error(status.error(), options->model, options->json);
  });
}

}  // namespace kigo::tools
