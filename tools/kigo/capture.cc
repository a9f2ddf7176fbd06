// kigo capture: every checkpoint of a run in one file, for kigo compare and for other programs.
#include <filesystem>
#include <memory>
#include <optional>

#include "core/base/cat.h"
#include "core/base/sha256.h"
#include "tools/kigo/options.h"
#include "tools/lib/compare/open_side.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct CaptureArguments {
  std::string side;
  std::string model;
  Prompt prompt;
  RunOptions run;
  std::string out;
  bool json = false;
};

/// Runs the calls, each checkpoint into the file as it comes.
Status record(model::Session& session, std::span<const Call> calls, compare::Dtype type,
              CaptureWriter& writer) {
  ProgressLine progress("capturing");
  std::optional<Error> lost;
  for (size_t call = 0; call < calls.size(); ++call) {
    const auto sink = [&](model::Tap tap, int64_t layer, View<const double, 3> rows) {
      if (lost) return;
      const Status added = writer.add(static_cast<int64_t>(call), tap, layer, rows, type);
      if (!added) lost = added.error();
    };
    KIGO_TRY(session.forward(calls[call].tokens, calls[call].which, sink));
    if (lost) return tl::unexpected<Error>(*lost);
    progress.update(call + 1, calls.size());
  }
  return writer.commit();
}

Result<int> run(const CaptureArguments& options) {
  KIGO_ASSIGN(const model::Model model, model::open(options.model));
  KIGO_ASSIGN(const auto ids, prompt_ids(model.source.file, options.prompt));
  KIGO_ASSIGN(const auto calls, plan_calls(ids, options.run.steps, options.run.chunk, model.config.vocab));
  const std::string hash = sha256(model.source.map.bytes());
  KIGO_ASSIGN(const OpenSide side, open_side(model, options.side, options.run.device, hash));
  // The reference's values are doubles, a GPU's floats: as those they are in the file without loss.
  const bool doubles = options.side.starts_with("reference");
  const CaptureHead head{options.side, side.rounding, hash, calls};
  KIGO_ASSIGN(CaptureWriter writer, CaptureWriter::create(options.out, head, model.config.layers));
  KIGO_TRY(record(*side.side.session, calls, doubles ? compare::Dtype::f64 : compare::Dtype::f32, writer));
  const auto bytes = std::filesystem::file_size(options.out);
  return print(options.json,
               cat(options.out, ": ", ids.size(), " tokens in ", calls.size(), " calls of ", options.side,
                   ", ", grouped(bytes), " bytes\n"),
               Json::object({{"out", options.out},
                             {"tokens", Json::array_of(ids)},
                             {"calls", static_cast<uint64_t>(calls.size())},
                             {"bytes", static_cast<uint64_t>(bytes)}}));
}

}  // namespace

void add_capture(CLI::App& app, int& exit) {
  const auto options = std::make_shared<CaptureArguments>();
  CLI::App* command = app.add_subcommand("capture", "Write every checkpoint of a run to a file");
  command->add_option("side", options->side, "Who computes")
      ->required()
      ->check(CLI::IsMember({"reference", "reference-half", "cuda", "cuda-half", "cuda-float"}));
  add_model_option(*command, options->model);
  add_prompt_options(*command, options->prompt);
  add_run_options(*command, options->run);
  command->add_option("-o,--out", options->out, "Safetensors file to write (docs/captures.md)")
      ->required()
      ->check(not_empty());
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit] {
    const auto status = run(*options);
    exit = status ? *status : print_error(status.error(), options->model, options->json);
  });
}

}  // namespace kigo::tools
