// The C ABI with device 0: what the CPU does, on a GPU.
#include "tests/ffi/abi.h"
#include "tests/support/gpu.h"

namespace kigo::ffi {
namespace {

class GpuFfi : public tools::ProgramTest {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(GpuFfi, KnowsItsDevices) {
  EXPECT_GE(cuda_get_device_count(), 1);
  const auto context = open_context(0);
  const auto model = load(context.get(), shipped_model());
  EXPECT_EQ(info_of(model.get()).device, 0);
  EXPECT_TRUE(cuda_check_vram_residency(model.get(), nullptr)) << last_failure();
  EXPECT_NE(std::string_view(worker_build_info()).find("cuda sm_"), std::string_view::npos);
  int err = -1;
  EXPECT_EQ(cuda_init(cuda_get_device_count(), &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_DEVICE, err);
}

TEST_F(GpuFfi, MemoryKeepsItsBytesAndItsBounds) { expect_memory_to_keep_bytes(0); }
TEST_F(GpuFfi, TheBooksBalance) { expect_the_books_to_balance(0); }
TEST_F(GpuFfi, PointersAreTheFileBitForBit) { expect_pointers_to_be_the_file(0); }
TEST_F(GpuFfi, CancelEndsItFromAnotherThread) { expect_cancel_to_end_it(0); }
TEST_F(GpuFfi, HandlesMayBeFreedInAnyOrder) { expect_any_order_of_freeing(0); }
TEST_F(GpuFfi, CallsOnOneContextTakeTurns) { expect_concurrent_calls_to_take_turns(0); }

TEST_F(GpuFfi, HasTheIdsOfTheProgramGreedyAndDrawn) {
  expect_the_programs_ids(0, [this](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), {"--backend", "cuda"});
    return kigo(arguments).json();
  });
}

TEST_F(GpuFfi, ACpuContextWorksBesideIt) {
  const auto gpu = open_context(0);
  const auto cpu = open_context(-1);
  const auto on_gpu = load(gpu.get(), shipped_model());
  const auto on_cpu = load(cpu.get(), shipped_model());
  const WorkerSampling chat = sampling(100, WORKER_CHAT);
  const std::string prompt = "Write a haiku about rain that includes the word \"six\"";
  EXPECT_EQ(generate(on_gpu.get(), prompt, chat).ids, generate(on_cpu.get(), prompt, chat).ids);
}

}  // namespace
}  // namespace kigo::ffi
