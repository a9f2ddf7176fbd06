// Models, and the maps that some are made from.
#include <cstring>

#include "core/base/cat.h"
#include "core/gguf/limits.h"
#include "tools/ffi/load.h"

namespace kigo::ffi {
namespace {

/// `load(model)` fills a new model of the context, which has the turn.
template <class Load>
Outcome<CudaModel*> add_model(const std::shared_ptr<Context>& context, uint64_t* used, Load&& load) {
  auto model = std::make_shared<Model>(context);
  FFI_TRY(load(*model));
  if (used != nullptr) *used = model->holding.bytes;
  return Registry::instance().add(std::move(model));
}

template <size_t N>
void copy_text(char (&to)[N], std::string_view from) {
  const size_t length = std::min(from.size(), N - 1);
  std::memcpy(to, from.data(), length);
  std::memset(to + length, 0, N - length);
}

void describe(const Model& model, WorkerModelInfo& out) {
  const model::Config& config = model.config();
  const tools::Loaded& loaded = *model.loaded;
  const auto narrow = [](int64_t count) { return static_cast<uint32_t>(count); };
  out.device = model.context->device;
  out.vocab = narrow(config.vocab);
  out.context = narrow(model.backend().context());
  out.model_context = narrow(config.context);
  out.width = narrow(config.width);
  out.layers = narrow(config.layers);
  out.heads = narrow(config.heads);
  out.kv_heads = narrow(config.kv_heads);
  out.head_dim = narrow(config.head_dim);
  out.ffn_width = narrow(config.ffn_width);
  out.eos = loaded.tokenizer ? static_cast<int32_t>(loaded.tokenizer->eos()) : -1;
  out.has_tokenizer = loaded.tokenizer != nullptr;
  out.has_chat = loaded.chat != nullptr;
  out.parameters = 0;
  const model::Weights& weights = model.pointers ? model.pointers->weights : loaded.model->weights;
  for (const gguf::Tensor* tensor : weights.all()) out.parameters += tensor->elements();
  copy_text(out.architecture, loaded.architecture);
  copy_text(out.quant_kind, loaded.quant_kind);
  copy_text(out.name, loaded.name);
}

Status check_name(std::string_view name) {
  const bool printable = std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
  if (!name.empty() && name.size() <= gguf::kMaxTensorNameBytes && printable) return {};
  return fail(Code::invalid_request, "name", cat('"', escaped(name), '"'),
              cat("1..", gguf::kMaxTensorNameBytes, " printable bytes"));
}

/// Type and shape as a file's reader checks them. Errors: invalid_request.
Result<PointerMap::Entry> make_entry(uint32_t type, std::span<const uint64_t> dims, std::string_view name) {
  PointerMap::Entry entry{.type = quant::find_tensor_type(type), .dims = {dims.begin(), dims.end()}};
  if (entry.type == nullptr)
    return fail(Code::invalid_request, std::string(name), cat("type ", type),
                "the number of a GGUF tensor type");
  uint64_t elements = 1;
  for (const uint64_t dim : dims)
    if (dim == 0 || __builtin_mul_overflow(elements, dim, &elements) || elements > gguf::kElementLimit)
      return fail(Code::invalid_request, std::string(name), cat("dims ", list(dims)),
                  "dimensions above 0, fewer than 2^63 elements");
  if (dims[0] % entry.type->block_values != 0)
    return fail(Code::invalid_request, std::string(name), cat("rows of ", dims[0]),
                cat("whole blocks of ", entry.type->block_values, " values for ", entry.type->name));
  if (__builtin_mul_overflow(elements / entry.type->block_values, uint64_t{entry.type->block_bytes},
                             &entry.bytes))
    return fail(Code::invalid_request, std::string(name), cat("dims ", list(dims)), "fewer than 2^64 bytes");
  return entry;
}

Status insert(PointerMap& map, const char* name, void* ptr, uint32_t type, uint32_t n_dims,
              const uint64_t* dims) {
  KIGO_TRY(require(name, "name"));
  KIGO_TRY(require(ptr, "ptr"));
  KIGO_TRY(require(dims, "dims"));
  KIGO_TRY(check_name(name));
  if (n_dims < 1 || n_dims > gguf::kMaxDims)
    return fail(Code::invalid_request, "n_dims", cat(n_dims), cat("1..", gguf::kMaxDims));
  KIGO_ASSIGN(PointerMap::Entry entry, make_entry(type, {dims, n_dims}, name));
  if (map.entries.contains(name))
    return fail(Code::invalid_request, name, "there already", "a name of its own");
  if (entry.bytes > map.limit_bytes - map.used_bytes)
    return fail(Code::invalid_request, name, cat(entry.bytes, " bytes behind ", map.used_bytes),
                cat("at most ", map.limit_bytes, " in all, the total_bytes"));
  entry.data = static_cast<const std::byte*>(ptr);
  entry.block = map.context->block_of(ptr);
  if (entry.block) {
    const uint64_t left =
        entry.block->bytes - static_cast<uint64_t>(entry.data - entry.block->memory->data());
    if (entry.bytes > left)
      return fail(Code::invalid_request, name, cat(entry.bytes, " bytes"),
                  cat("at most ", left, ", up to the end of its memory"));
  }
  map.used_bytes += entry.bytes;
  map.entries.emplace(name, std::move(entry));
  return {};
}

}  // namespace
}  // namespace kigo::ffi

using namespace kigo::ffi;  // NOLINT: the functions below are this file's only users of it

extern "C" {

CudaModel* cuda_load_model(CudaContext* context, const char* path, uint64_t* vram_bytes_used, int* err) {
  return worker_load_model(context, path, nullptr, vram_bytes_used, err);
}

CudaModel* worker_load_model(CudaContext* context, const char* path, const WorkerLoadOptions* options,
                             uint64_t* vram_bytes_used, int* err) {
  return value_of<CudaModel*>(nullptr, err, [&]() -> Outcome<CudaModel*> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    KIGO_TRY(require(path, "path"));
    return add_model(held.object, vram_bytes_used,
                     [&](Model& model) { return load_file(model, path, options); });
  });
}

void cuda_unload_model(CudaModel* model) { free_handle<Model>(model); }

int worker_model_info(CudaModel* model, WorkerModelInfo* out) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto found, Registry::instance().find<Model>(model));
    FFI_TRY(check_struct(out, "WorkerModelInfo"));
    describe(*found, *out);
    return {};
  });
}

bool cuda_check_vram_residency(CudaModel* model, int* err) {
  return value_of<bool>(false, err, [&]() -> Outcome<bool> {
    KIGO_ASSIGN(const auto held, hold<Model>(model));
    KIGO_TRY(held->context->memory->health());
    if (const kigo::Status health = held->backend().health(); !health)
      return refuse(kigo::WorkerError::vram_residency_failed, kigo::tools::fact_of(health.error()));
    return true;
  });
}

uint64_t cuda_model_get_vram_usage(CudaModel* model) {
  return value_of<uint64_t>(0, nullptr, [&]() -> Outcome<uint64_t> {
    KIGO_ASSIGN(const auto found, Registry::instance().find<Model>(model));
    return static_cast<uint64_t>(found->backend().memory().weights_bytes);
  });
}

uint64_t cuda_get_vram_usage(CudaModel* model) {
  return value_of<uint64_t>(0, nullptr, [&]() -> Outcome<uint64_t> {
    KIGO_ASSIGN(const auto found, Registry::instance().find<Model>(model));
    return found->holding.bytes.load();
  });
}

GpuPointerMap* cuda_create_pointer_map(CudaContext* context, uint64_t total_bytes, int* err) {
  return value_of<GpuPointerMap*>(nullptr, err, [&]() -> Outcome<GpuPointerMap*> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    auto map = std::make_shared<PointerMap>();
    map->context = held.object;
    map->limit_bytes = total_bytes;
    return Registry::instance().add(std::move(map));
  });
}

void cuda_free_pointer_map(GpuPointerMap* map) { free_handle<PointerMap>(map); }

int cuda_pointer_map_insert(GpuPointerMap* map, const char* name, void* ptr, uint32_t ggml_type,
                            uint32_t n_dims, const uint64_t* dims) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<PointerMap>(map));
    KIGO_TRY(insert(*held, name, ptr, ggml_type, n_dims, dims));
    return {};
  });
}

CudaModel* cuda_load_model_from_pointers(CudaContext* context, GpuPointerMap* map,
                                         const WorkerModelConfig* config, const WorkerLoadOptions* options,
                                         int* err) {
  return value_of<CudaModel*>(nullptr, err, [&]() -> Outcome<CudaModel*> {
    KIGO_ASSIGN(const auto weights, Registry::instance().find<PointerMap>(map));
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    if (weights->context != held.object)
      return refuse(kigo::WorkerError::invalid_request, "map: of another context");
    return add_model(held.object, nullptr,
                     [&](Model& model) { return load_pointers(model, *weights, config, options); });
  });
}

}  // extern "C"
