// Devices, and models from files.
#include <atomic>

#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

WorkerLoadOptions options() {
  WorkerLoadOptions out{};
  out.struct_size = sizeof out;
  return out;
}

int load_code(CudaContext* context, const std::string& path, const WorkerLoadOptions& wanted) {
  int err = -1;
  const Owned<CudaModel> model(worker_load_model(context, path.c_str(), &wanted, nullptr, &err));
  EXPECT_EQ(model == nullptr, err != WORKER_OK);
  return err;
}

TEST(Device, TheCpuNeedsNothing) {
  const auto context = open_context(-1);
  int err = -1;
  EXPECT_TRUE(cuda_check_device_health(context.get(), &err));
  EXPECT_EQ(err, WORKER_OK);
}

TEST(Device, OneThatIsNotThereIsRefused) {
  int err = -1;
  EXPECT_EQ(cuda_init(-2, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_DEVICE, err);
  const int devices = cuda_get_device_count();
  EXPECT_EQ(cuda_init(devices, &err), nullptr);
  KIGO_EXPECT_FAILURE(devices == 0 ? WORKER_ERR_DEVICE_NOT_FOUND : WORKER_ERR_INVALID_DEVICE, err);
}

TEST(Device, MemoryKeepsItsBytesAndItsBounds) { expect_memory_to_keep_bytes(-1); }
TEST(Device, TheBooksBalance) { expect_the_books_to_balance(-1); }

TEST(Device, NoBytesAreNoMemory) {
  const auto context = open_context(-1);
  int err = -1;
  EXPECT_EQ(cuda_malloc_device(context.get(), 0, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_memcpy_host_to_device(context.get(), nullptr, &err, 1));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_memcpy_device_to_host(context.get(), &err, nullptr, 1));
}

TEST(Device, DestroyingAContextFreesWhatWasForgotten) {
  auto context = open_context(-1);
  const auto witness = open_context(-1);
  const uint64_t before = cuda_get_process_vram_usage(witness.get());
  EXPECT_NE(cuda_malloc_device(context.get(), 1000, nullptr), nullptr);
  EXPECT_EQ(cuda_get_process_vram_usage(witness.get()), before + 1000);
  context.reset();
  EXPECT_EQ(cuda_get_process_vram_usage(witness.get()), before);
}

TEST(Load, SaysWhatItLoaded) {
  const auto context = open_context(-1);
  const auto model = load(context.get(), shipped_model());
  const WorkerModelInfo info = info_of(model.get());
  const gguf::MappedFile file = *gguf::open(shipped_model());
  uint64_t parameters = 0;
  for (const gguf::Tensor& tensor : file.file.tensors) parameters += tensor.elements();
  EXPECT_EQ(info.device, -1);
  EXPECT_EQ(info.parameters, parameters);
  EXPECT_STREQ(info.architecture, "qwen2");
  EXPECT_STREQ(info.quant_kind, "Q4_K_M");
  EXPECT_EQ(info.context, info.model_context);
  EXPECT_EQ(info.has_tokenizer, 1u);
  EXPECT_EQ(info.has_chat, 1u);
  EXPECT_EQ(info.vocab, file.file.find_tensor("token_embd.weight")->dims[1]);
  EXPECT_EQ(info.width, file.file.find_tensor("token_embd.weight")->dims[0]);
  EXPECT_TRUE(cuda_check_vram_residency(model.get(), nullptr));
}

TEST(Load, AnInfoOfAnotherVersionIsRefusedUntouched) {
  const auto context = open_context(-1);
  const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  WorkerModelInfo info{};
  info.struct_size = sizeof info - 4;
  KIGO_EXPECT_FAILURE(WORKER_ERR_ABI_MISMATCH, worker_model_info(model.get(), &info));
  EXPECT_EQ(info.vocab, 0u);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_model_info(model.get(), nullptr));
}

TEST(Load, ABrokenOrMissingFileIsNamed) {
  const auto context = open_context(-1);
  int err = -1;
  EXPECT_EQ(cuda_load_model(context.get(), "/nowhere/model.gguf", nullptr, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, err);
  EXPECT_NE(std::string(worker_last_error_message()).find("/nowhere/model.gguf"), std::string::npos);
  EXPECT_EQ(cuda_load_model(context.get(), KIGO_PROGRAM, nullptr, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, err);
  EXPECT_EQ(cuda_load_model(context.get(), nullptr, nullptr, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
}

TEST(Load, TheExpectedArchitectureMustBeTheFiles) {
  const auto context = open_context(-1);
  WorkerLoadOptions wanted = options();
  wanted.expected_architecture = "qwen2";
  EXPECT_EQ(load_code(context.get(), shipped_model(), wanted), WORKER_OK);
  wanted.expected_architecture = "llama";
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, load_code(context.get(), shipped_model(), wanted));
  EXPECT_STREQ(worker_last_error_message(), "general.architecture: \"qwen2\", expected \"llama\"");
}

TEST(Load, TheContextIsTheCallers) {
  const auto context = open_context(-1);
  WorkerLoadOptions wanted = options();
  wanted.max_context = 32;
  int err = -1;
  const Owned<CudaModel> model(
      worker_load_model(context.get(), shipped_model().c_str(), &wanted, nullptr, &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  EXPECT_EQ(info_of(model.get()).context, 32u);
  EXPECT_GT(info_of(model.get()).model_context, 32u);
  wanted.max_context = UINT32_MAX;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, load_code(context.get(), shipped_model(), wanted));
}

TEST(Load, TheCacheSizeBoundsTheContext) {
  const auto context = open_context(-1);
  WorkerLoadOptions wanted = options();
  wanted.kv_cache_bytes = 1 << 20;
  int err = -1;
  const Owned<CudaModel> model(
      worker_load_model(context.get(), shipped_model().c_str(), &wanted, nullptr, &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  EXPECT_EQ(info_of(model.get()).context, 128u);  // 8192 bytes a position in double
  wanted.kv_cache_bytes = 100;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INSUFFICIENT_VRAM, load_code(context.get(), shipped_model(), wanted));
  wanted.kv_cache_bytes = 1 << 20;
  wanted.max_context = 129;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INSUFFICIENT_VRAM, load_code(context.get(), shipped_model(), wanted));
}

TEST(Load, OptionsOfAnotherVersionAreRefused) {
  const auto context = open_context(-1);
  WorkerLoadOptions wanted = options();
  wanted.struct_size = 0;
  KIGO_EXPECT_FAILURE(WORKER_ERR_ABI_MISMATCH, load_code(context.get(), shipped_model(), wanted));
  EXPECT_STREQ(worker_last_error_message(), "WorkerLoadOptions.struct_size: 0, expected 40");
}

struct Progress {
  std::vector<uint64_t> done;
  uint64_t total = 0;
  int answer = 0;
  CudaContext* context = nullptr;
  int inner = -1;
};

int keep_progress(void* user, uint64_t done, uint64_t total) {
  auto* progress = static_cast<Progress*>(user);
  progress->done.push_back(done);
  progress->total = total;
  if (progress->context != nullptr) (void)cuda_check_device_health(progress->context, &progress->inner);
  return progress->answer;
}

TEST(Load, ReportsItsProgressToTheEnd) {
  const auto context = open_context(-1);
  Progress progress;
  WorkerLoadOptions wanted = options();
  wanted.progress = keep_progress;
  wanted.user = &progress;
  EXPECT_EQ(load_code(context.get(), shipped_model(), wanted), WORKER_OK);
  ASSERT_FALSE(progress.done.empty());
  EXPECT_TRUE(std::ranges::is_sorted(progress.done));
  EXPECT_EQ(progress.done.back(), progress.total);
}

TEST(Load, TheCallerMayEndIt) {
  const auto context = open_context(-1);
  Progress progress;
  progress.answer = 1;
  WorkerLoadOptions wanted = options();
  wanted.progress = keep_progress;
  wanted.user = &progress;
  const uint64_t before = cuda_get_process_vram_usage(context.get());
  KIGO_EXPECT_FAILURE(WORKER_ERR_CANCELLED, load_code(context.get(), shipped_model(), wanted));
  EXPECT_EQ(progress.done.size(), 1u);
  EXPECT_EQ(cuda_get_process_vram_usage(context.get()), before);
}

TEST(Load, ACallOfItsOwnContextFromTheCallbackIsRefusedNotHung) {
  const auto context = open_context(-1);
  Progress progress;
  progress.context = context.get();
  WorkerLoadOptions wanted = options();
  wanted.progress = keep_progress;
  wanted.user = &progress;
  EXPECT_EQ(load_code(context.get(), shipped_model(), wanted), WORKER_OK);
  EXPECT_EQ(progress.inner, WORKER_ERR_INVALID_PARAMETER);
}

}  // namespace
}  // namespace kigo::ffi
