// Devices, and the memory on them that callers fill themselves.
#include "core/base/cat.h"
#include "tools/ffi/objects.h"

namespace kigo::ffi {
namespace {

Outcome<CudaContext*> open(int device) {
  auto context = std::make_shared<Context>();
  context->device = device;
  auto memory = tools::open_device_memory(device);
  if (!memory && device < -1) return refuse(WorkerError::invalid_device, tools::fact_of(memory.error()));
  if (!memory) return tl::unexpected<Failure>(Failure::at_start(memory.error()));
  context->memory = std::move(*memory);
  return Registry::instance().add(std::move(context));
}

/// That bytes from `address` on do not pass the end of the caller's memory, where it is known.
Status check_bounds(const Context& context, const void* address, size_t bytes, const char* name) {
  const auto block = context.block_of(address);
  if (!block) return {};
  const auto left =
      block->bytes - static_cast<uint64_t>(static_cast<const std::byte*>(address) - block->memory->data());
  if (bytes <= left) return {};
  return fail(Code::invalid_request, name, cat(bytes, " bytes"), cat("at most ", left, ", up to its end"));
}

Outcome<void*> allocate(Context& context, size_t bytes) {
  if (bytes == 0) return refuse(WorkerError::invalid_request, "bytes: 0, expected at least 1");
  KIGO_ASSIGN(auto memory, context.memory->allocate(bytes));
  std::byte* const data = memory->data();
  context.blocks.emplace(data, std::make_shared<Block>(context.device, std::move(memory), bytes));
  return data;
}

}  // namespace
}  // namespace kigo::ffi

using namespace kigo::ffi;  // NOLINT: the functions below are this file's only users of it

extern "C" {

int cuda_get_device_count(void) {
  return value_of<int>(0, nullptr, []() -> Outcome<int> {
    const auto count = kigo::tools::count_cuda_devices();
    if (!count) return tl::unexpected<Failure>(Failure::at_start(count.error()));
    return *count;
  });
}

CudaContext* cuda_init(int device, int* err) {
  return value_of<CudaContext*>(nullptr, err, [&] { return open(device); });
}

void cuda_destroy(CudaContext* context) {
  if (context == nullptr) return;
  (void)code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto removed, Registry::instance().remove<Context>(context));
    // A model may keep the context alive; the memory that it uses it holds itself.
    with_turn(*removed, [&] { removed->blocks.clear(); });
    return {};
  });
}

int worker_memory_info(CudaContext* context, uint64_t* free_b, uint64_t* total_b) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    KIGO_ASSIGN(const auto sizes, held->memory->sizes());
    if (free_b != nullptr) *free_b = sizes.free_bytes;
    if (total_b != nullptr) *total_b = sizes.total_bytes;
    return {};
  });
}

bool cuda_check_device_health(CudaContext* context, int* err) {
  return value_of<bool>(false, err, [&]() -> Outcome<bool> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    KIGO_TRY(held->memory->health());
    return true;
  });
}

uint64_t cuda_get_process_vram_usage(CudaContext* context) {
  return value_of<uint64_t>(0, nullptr, [&]() -> Outcome<uint64_t> {
    KIGO_ASSIGN(const auto found, Registry::instance().find<Context>(context));
    return held_on(found->device);
  });
}

void* cuda_malloc_device(CudaContext* context, size_t bytes, int* err) {
  return value_of<void*>(nullptr, err, [&]() -> Outcome<void*> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    return allocate(*held, bytes);
  });
}

void cuda_free_memory(CudaContext* context, void* ptr) {
  if (ptr == nullptr) return;
  (void)code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    if (held->blocks.erase(static_cast<std::byte*>(ptr)) == 0)
      return refuse(kigo::WorkerError::invalid_request, "ptr: not from cuda_malloc_device, or freed");
    return {};
  });
}

int cuda_memcpy_host_to_device(CudaContext* context, void* dst, const void* src, size_t bytes) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    KIGO_TRY(require(dst, "dst"));
    KIGO_TRY(require(src, "src"));
    KIGO_TRY(check_bounds(*held, dst, bytes, "dst"));
    KIGO_TRY(held->memory->upload(static_cast<std::byte*>(dst), {static_cast<const std::byte*>(src), bytes}));
    return {};
  });
}

int worker_memcpy_device_to_host(CudaContext* context, void* dst, const void* src, size_t bytes) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    KIGO_TRY(require(dst, "dst"));
    KIGO_TRY(require(src, "src"));
    KIGO_TRY(check_bounds(*held, src, bytes, "src"));
    KIGO_TRY(
        held->memory->download({static_cast<std::byte*>(dst), bytes}, static_cast<const std::byte*>(src)));
    return {};
  });
}

}  // extern "C"
