// Weights that came by pointers, made to look like a file: what the caller says becomes the keys of one, so
// that numbers, names, shapes, types and data pass the checks that files pass.
#include <cmath>
#include <utility>

#include "core/base/cat.h"
#include "tools/ffi/load.h"

namespace kigo::ffi {
namespace {

/// An error at the start; what would be a place in a file means nothing here.
tl::unexpected<Failure> at_start(Error error) {
  error.offset.reset();
  return tl::unexpected<Failure>(Failure::at_start(error));
}

#define FFI_AT_START(declaration, expression)                             \
  auto KIGO_JOIN(ffi_result_, __LINE__) = (expression);                   \
  if (!KIGO_JOIN(ffi_result_, __LINE__))                                  \
    return at_start(std::move(KIGO_JOIN(ffi_result_, __LINE__).error())); \
  declaration = std::move(*KIGO_JOIN(ffi_result_, __LINE__))

/// The keys of docs/gguf.md, section 6.
void add_keys(PointerWeights& weights, const WorkerModelConfig& config, std::string_view architecture) {
  const auto add = [&](std::string key, gguf::Value value) {
    weights.file.metadata.push_back({weights.names.emplace_back(std::move(key)), std::move(value)});
  };
  const auto own = [&](std::string_view suffix) { return cat(architecture, '.', suffix); };
  const std::string& kept = weights.names.emplace_back(architecture);
  add("general.architecture", std::string_view(kept));
  add(own("vocab_size"), config.vocab);
  add(own("context_length"), config.context);
  add(own("embedding_length"), config.width);
  add(own("block_count"), config.layers);
  add(own("feed_forward_length"), config.ffn_width);
  add(own("attention.head_count"), config.heads);
  add(own("attention.head_count_kv"), config.kv_heads);
  add(own("attention.key_length"), config.head_dim);
  add(own("attention.value_length"), config.head_dim);
  add(own("attention.layer_norm_rms_epsilon"), config.norm_eps);
  add(own("rope.freq_base"), config.rope_base);
}

/// The tensors, where they are on the CPU, else in `copies` on the host.
Status add_tensors(PointerWeights& weights, const PointerMap& map,
                   std::vector<std::vector<std::byte>>& copies) {
  Context& context = *map.context;
  for (const auto& [name, entry] : map.entries) {
    std::span<const std::byte> data(entry.data, entry.bytes);
    if (context.device >= 0) {
      std::vector<std::byte>& copy = copies.emplace_back(entry.bytes);
      KIGO_TRY(context.memory->download(copy, entry.data));
      data = copy;
    }
    weights.file.tensors.push_back({weights.names.emplace_back(name), entry.dims, entry.type, data});
    if (entry.block) weights.blocks.push_back(entry.block);
  }
  return {};
}

Outcome<void> check_config(const WorkerModelConfig* config) {
  FFI_TRY(check_struct(config, "WorkerModelConfig"));
  KIGO_TRY(require(config->architecture, "architecture"));
  for (const auto& [name, value] :
       {std::pair("norm_eps", config->norm_eps), {"rope_base", config->rope_base}})
    if (std::isnan(value))
      return refuse(WorkerError::invalid_request, cat(name, ": nan, expected a number above 0"));
  if (config->token_count < 1 || config->token_count > config->vocab)
    return refuse(WorkerError::invalid_request,
                  cat("token_count: ", config->token_count, ", expected 1..", config->vocab, ", the vocab"));
  return {};
}

Outcome<void> read_tokenizer(tools::Loaded& loaded, const WorkerModelConfig& config) {
  if (config.tokenizer_gguf == nullptr) return {};
  FFI_AT_START(const gguf::MappedFile file, gguf::open_head(config.tokenizer_gguf));
  FFI_AT_START(text::Tokenizer tokenizer, text::Tokenizer::from_gguf(file.file));
  if (tokenizer.size() != config.token_count)
    return refuse(WorkerError::model_load_failed,
                  cat("tokenizer_gguf: ", tokenizer.size(), " tokens, expected ", config.token_count,
                      ", the token_count"));
  loaded.tokenizer = std::make_unique<const text::Tokenizer>(std::move(tokenizer));
  loaded.chat = loaded.tokenizer->chat_format();
  return {};
}

}  // namespace

Outcome<void> load_pointers(Model& model, const PointerMap& map, const WorkerModelConfig* config,
                            const WorkerLoadOptions* options) {
  FFI_TRY(check_config(config));
  auto request = load_request(*model.context, options);
  if (!request) return tl::unexpected<Failure>(std::move(request.error()));
  tools::ModelOptions& wanted = request->options;
  if (!wanted.expected_architecture.empty() && wanted.expected_architecture != config->architecture)
    return refuse(WorkerError::model_load_failed, cat("architecture: ", escaped(config->architecture),
                                                      ", expected ", escaped(wanted.expected_architecture)));

  auto weights = std::make_unique<PointerWeights>();
  std::vector<std::vector<std::byte>> copies;
  add_keys(*weights, *config, config->architecture);
  KIGO_TRY(add_tensors(*weights, map, copies));
  FFI_AT_START(weights->config, model::read_config(weights->file));
  FFI_AT_START(weights->weights, model::find_weights(weights->file, weights->config));
  if (const Status data = model::check_data(weights->file, weights->config, weights->weights); !data)
    return at_start(data.error());

  auto loaded = std::make_unique<tools::Loaded>();
  loaded->architecture = weights->config.architecture->name;
  loaded->quant_kind = "unknown";
  FFI_TRY(read_tokenizer(*loaded, *config));
  FFI_AT_START(wanted.engine.context, tools::context_of(wanted, weights->config));
  FFI_AT_START(loaded->backend,
               tools::open_engine({weights->config, weights->weights}, wanted.engine, request->progress));
  const int64_t placed = loaded->backend->memory().weights_bytes;
  if (const Status fits = tools::check_memory(*loaded->backend, "weights by pointers", placed); !fits)
    return at_start(fits.error());
  if (model.context->device >= 0) {  // the copies end here, and the caller's memory is not used any more
    for (gguf::Tensor& tensor : weights->file.tensors) tensor.data = {};
    weights->blocks.clear();
  }
  model.pointers = std::move(weights);
  model.loaded = std::move(loaded);
  model.token_count = config->token_count;
  model.count();
  return {};
}

}  // namespace kigo::ffi
