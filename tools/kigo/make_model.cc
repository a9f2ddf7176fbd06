// kigo make-model: seeded random models of real shapes and types, made on the spot.
#include <limits>
#include <memory>

#include "core/base/cat.h"
#include "tools/kigo/options.h"
#include "tools/lib/seeded_model.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct MakeModelArguments {
  SeededModel model{"tiny", "q4_k_m", 1};
  std::string out;
  bool json = false;
};

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += cat(out.empty() ? "" : ", ", name);
  return out;
}

Result<int> run(const MakeModelArguments& options) {
  uint64_t bytes = 0;
  {
    ProgressLine progress(cat("writing ", options.out));
    KIGO_TRY(make_model(options.model, options.out, [&](uint64_t written, uint64_t total) {
      bytes = total;
      progress.update(written, total);
    }));
  }
  return print(options.json,
               cat(options.out, ": ", grouped(bytes), " bytes, ", options.model.shape, " ",
                   options.model.types, ", seed ", options.model.seed, "\n"),
               Json::object({{"file", options.out},
                             {"bytes", bytes},
                             {"shape", options.model.shape},
                             {"types", options.model.types},
                             {"seed", options.model.seed}}));
}

}  // namespace

void add_make_model(CLI::App& app, int& exit) {
  const auto options = std::make_shared<MakeModelArguments>();
  std::vector<std::string> shape_names;
  for (const Shape& shape : shapes()) shape_names.emplace_back(shape.name);
  std::vector<std::string> types;
  for (const std::string_view type : type_names()) types.emplace_back(type);
  CLI::App* command = app.add_subcommand("make-model", "Write a seeded random model");
  command->add_option("--shape", options->model.shape, joined(shape_names))->capture_default_str();
  command->add_option("--types", options->model.types, joined(types))->capture_default_str();
  command->add_option("--seed", options->model.seed, "Same seed, same bytes")
      ->transform(whole_number(std::numeric_limits<uint64_t>::max()))
      ->capture_default_str();
  command->add_option("-o,--out", options->out, "GGUF file to write")->required()->check(not_empty());
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit] {
    const auto status = run(*options);
    exit = status ? *status : print_error(status.error(), "", options->json);
  });
}

}  // namespace kigo::tools
