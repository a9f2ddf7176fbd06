// kigo logits: the logits of every position, for other programs to compare with.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <memory>

#include "core/base/cat.h"
#include "core/compare/golden.h"
#include "tools/kigo/options.h"
#include "tools/lib/generation.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct LogitsArguments {
  std::string model;
  Prompt prompt;
  EngineOptions engine;
  std::string out;
  bool json = false;
};

constexpr size_t kShownPositions = 8;

/// Per position: the id fed in, the best id and its logit.
std::string summary(const std::vector<uint32_t>& ids, const model::Rows& logits) {
  std::vector<std::vector<std::string>> rows{{"position", "token", "best", "logit", "margin"}};
  for (size_t i = 0; i < std::min(ids.size(), kShownPositions); ++i) {
    const auto position = static_cast<int64_t>(i);
    const View<const double, 1> row(logits.values.data() + position * logits.width, {logits.width});
    const Best best = best_drawable(row, {});
    rows.push_back({cat(i), cat(ids[i]), cat(best.id), cat(static_cast<float>(row(best.id))),
                    cat(static_cast<float>(best.margin))});
  }
  return table(rows, {0, 1, 2, 3, 4}) + (ids.size() > kShownPositions ? "...\n" : "");
}

/// All logits, with a progress line by layer.
Result<model::Rows> forward(model::Session& session, const model::Config& config,
                            const std::vector<uint32_t>& ids) {
  ProgressLine progress("forward pass");
  return session.forward(ids, model::Logits::All, [&](model::Tap tap, int64_t layer, View<const double, 3>) {
    if (tap != model::Tap::ffn_residual) return;
    progress.update(static_cast<uint64_t>(layer) + 1, static_cast<uint64_t>(config.layers));
  });
}

Result<std::vector<float>> to_float32(const model::Rows& logits) {
  std::vector<float> rounded(logits.values.begin(), logits.values.end());
  const auto bad = std::ranges::find_if_not(rounded, [](float logit) { return std::isfinite(logit); });
  if (bad == rounded.end()) return rounded;
  const auto index = bad - rounded.begin();
  return fail(Code::inference_failed, "logits",
              cat(logits.values[static_cast<size_t>(index)], " at position ", index / logits.width, ", id ",
                  index % logits.width),
              "numbers that a float32 holds");
}

Result<int> run(const LogitsArguments& options) {
  KIGO_ASSIGN(const model::Model model, model::open(options.model));
  KIGO_ASSIGN(const auto ids, prompt_ids(model.source.file, options.prompt));
  KIGO_ASSIGN(const auto engine, open_engine(model, options.engine));
  KIGO_ASSIGN(const auto logits, forward(engine->session(), model.config, ids));
  if (!options.out.empty()) {
    KIGO_ASSIGN(const auto rounded, to_float32(logits));
    KIGO_TRY(
        compare::write_npy(options.out, View<const float, 2>(rounded.data(), {logits.rows, logits.width})));
  }
  Json object =
      Json::object({{"tokens", Json::array_of(ids)}, {"shape", Json::array({logits.rows, logits.width})}});
  if (!options.out.empty()) {
    object.set("out", options.out);
  } else {
    Json all = Json::array();
    for (int64_t row = 0; row < logits.rows; ++row) {
      const double* begin = logits.values.data() + row * logits.width;
      all.push(Json::array_of(std::span(begin, static_cast<size_t>(logits.width))));
    }
    object.set("logits", std::move(all));
  }
  return print(options.json, options.json ? "" : summary(ids, logits), object);
}

}  // namespace

void add_logits(CLI::App& app, int& exit) {
  const auto options = std::make_shared<LogitsArguments>();
  CLI::App* command = app.add_subcommand("logits", "Logits of every position");
  add_model_option(*command, options->model);
  add_prompt_options(*command, options->prompt);
  add_engine_options(*command, options->engine);
  command->add_option("-o,--out", options->out, "NumPy file to write: float32 [positions, vocab]")
      ->check(not_empty());
  command->add_flag("--json", options->json, "Print one JSON object; without --out it holds the logits");
  command->callback([options, &exit] {
    const auto status = run(*options);
    exit = status ? *status : print_error(status.error(), options->model, options->json);
  });
}

}  // namespace kigo::tools
