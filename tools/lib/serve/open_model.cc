#include "tools/lib/serve/open_model.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

/// general.file_type in the words of llama.cpp, whose number it is (its enum llama_ftype).
std::string quant_label(const gguf::File& file) {
  struct Label {
    uint32_t number;
    std::string_view name;
  };
  constexpr std::array kLabels = std::to_array<Label>({{0, "F32"},
                                                       {1, "F16"},
                                                       {2, "Q4_0"},
                                                       {3, "Q4_1"},
                                                       {7, "Q8_0"},
                                                       {8, "Q5_0"},
                                                       {9, "Q5_1"},
                                                       {10, "Q2_K"},
                                                       {11, "Q3_K_S"},
                                                       {12, "Q3_K_M"},
                                                       {13, "Q3_K_L"},
                                                       {14, "Q4_K_S"},
                                                       {15, "Q4_K_M"},
                                                       {16, "Q5_K_S"},
                                                       {17, "Q5_K_M"},
                                                       {18, "Q6_K"},
                                                       {32, "BF16"},
                                                       {38, "MXFP4_MOE"}});
  const gguf::Value* value = file.find("general.file_type");
  const auto* number = value == nullptr ? nullptr : std::get_if<uint32_t>(value);
  if (number == nullptr) return "unknown";
  for (const Label& label : kLabels)
    if (label.number == *number) return std::string(label.name);
  return cat("file_type ", *number);
}

Result<const text::ChatFormat*> chat_format(const ModelOptions& options, const text::Tokenizer& tokenizer) {
  if (!options.chat_template) return tokenizer.chat_format();
  const text::ChatFormat* format = text::find_chat_format_by_name(*options.chat_template);
  if (format != nullptr) return format;
  std::string known;
  for (const text::ChatFormat& row : text::chat_formats()) known += cat(known.empty() ? "" : ", ", row.name);
  return fail(Code::invalid_request, "chat format", escaped(*options.chat_template), known);
}

/// Nothing where the system does not say.
std::optional<int64_t> available_bytes() {
  std::ifstream info("/proc/meminfo");
  for (std::string name, unit; info >> name;) {
    int64_t kib = 0;
    if (name == "MemAvailable:" && info >> kib) return kib * 1024;
    std::getline(info, unit);
  }
  return std::nullopt;
}

}  // namespace

Result<int64_t> context_of(const ModelOptions& options, const model::Config& config) {
  const bool in_mib = options.kv_cache_mib != 0;
  const int64_t bytes = in_mib ? options.kv_cache_mib << 20 : options.kv_cache_bytes;
  if (bytes == 0) return options.engine.context;
  const int64_t element = options.engine.backend == Device::cuda ? 2 : 8;
  const int64_t position = 2 * config.layers * config.kv_heads * config.head_dim * element;
  const int64_t fits = bytes / position / 16 * 16;
  const int64_t asked = options.engine.context;
  if (fits < 16 || (asked != 0 && fits < asked))
    return fail(
        Code::out_of_memory, in_mib ? "--kv-cache-mib" : "kv_cache_bytes",
        cat(in_mib ? options.kv_cache_mib : bytes, in_mib ? " MiB" : "", ", which hold ", fits, " positions"),
        cat("at least ", asked != 0 ? asked : 16, " positions of ", position, " bytes"));
  return asked != 0 ? asked : std::min(fits, config.context);
}

Status check_memory(const Backend& backend, const std::string& subject, int64_t placed_bytes) {
  constexpr int64_t kMargin = int64_t{64} << 20;
  const MemoryUse& use = backend.memory();
  const auto free = backend.info().device < 0 ? available_bytes() : std::nullopt;
  const int64_t required = use.total_bytes() - placed_bytes + kMargin;
  if (!free || *free >= required) return {};
  return fail(Code::out_of_memory, "CPU", cat(*free, " bytes free"),
              cat(required, " (weights ", use.weights_bytes - placed_bytes, ", kv ", use.kv_cache_bytes,
                  ", workspace ", use.workspace_bytes, ", margin ", kMargin, ") for ", subject,
                  " with context ", backend.context(), "; a lower --max-context needs less"));
}

std::vector<Error> explain_model(const std::string& path) {
  const auto file = gguf::open(path);
  return file ? model::explain(file->file) : std::vector<Error>{file.error()};
}

Result<std::unique_ptr<Loaded>> open_loaded(const ModelOptions& options, const LoadProgress& progress) {
  auto loaded = std::make_unique<Loaded>();
  KIGO_ASSIGN(model::Model model, model::open(options.path));
  const std::string& expected = options.expected_architecture;
  if (!expected.empty() && model.config.architecture->name != expected)
    return fail(Code::bad_value, "general.architecture", cat('"', model.config.architecture->name, '"'),
                cat('"', escaped(expected), '"'));
  loaded->model = std::make_unique<const model::Model>(std::move(model));
  const gguf::File& file = loaded->model->source.file;
  KIGO_ASSIGN(text::Tokenizer tokenizer, text::Tokenizer::from_gguf(file));
  loaded->tokenizer = std::make_unique<const text::Tokenizer>(std::move(tokenizer));
  KIGO_ASSIGN(loaded->chat, chat_format(options, *loaded->tokenizer));
  const std::string& own = loaded->model->config.name;
  loaded->name = !options.alias.empty() ? options.alias
                 : !own.empty()         ? own
                                        : std::filesystem::path(options.path).stem().string();
  loaded->architecture = loaded->model->config.architecture->name;
  loaded->quant_kind = quant_label(file);
  std::map<std::string, int64_t> types;
  for (const gguf::Tensor& tensor : file.tensors) ++types[std::string(tensor.type->name)];
  loaded->tensor_types.assign(types.begin(), types.end());
  EngineOptions engine = options.engine;
  KIGO_ASSIGN(engine.context, context_of(options, loaded->model->config));
  KIGO_ASSIGN(loaded->backend, open_engine(*loaded->model, engine, progress));
  KIGO_TRY(check_memory(*loaded->backend, options.path));
  return loaded;
}

}  // namespace kigo::tools
