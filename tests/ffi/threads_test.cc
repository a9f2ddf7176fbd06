// Many threads: one context, several contexts, handles that die while they are used.
#include <atomic>
#include <thread>

#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

TEST(Threads, CallsOnOneContextTakeTurns) { expect_concurrent_calls_to_take_turns(-1); }

TEST(Threads, ContextsAreIndependent) {
  std::vector<std::thread> threads;
  std::vector<std::vector<uint32_t>> ids(3);
  for (size_t i = 0; i < ids.size(); ++i) {
    threads.emplace_back([&ids, i] {
      const auto context = open_context(-1);
      const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
      ids[i] = generate(model.get(), "a", sampling(8, WORKER_IGNORE_EOS)).ids;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ids[0].size(), 8u);
  EXPECT_EQ(ids[0], ids[1]);
  EXPECT_EQ(ids[0], ids[2]);
}

TEST(Threads, FreeingWhatAnotherThreadUsesIsSafe) {
  const auto context = open_context(-1);
  const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  for (int round = 0; round < 10; ++round) {
    auto result = start(model.get(), "a", sampling(20, WORKER_IGNORE_EOS));
    InferenceResult* const handle = result.get();
    std::atomic<bool> started = false;
    std::thread reader([&] {
      char piece[64];
      int err = WORKER_OK;
      while (cuda_inference_next_token(handle, piece, sizeof piece, nullptr, &err)) started = true;
      started = true;
      EXPECT_TRUE(err == WORKER_OK || err == WORKER_ERR_INVALID_PARAMETER) << last_failure();
    });
    while (!started) std::this_thread::yield();
    result.reset();
    reader.join();
  }
}

TEST(Threads, OneReaderAtATimeGetsEachPieceOnce) {
  const auto context = open_context(-1);
  const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  const Generated expected = generate(model.get(), "a", sampling(40, WORKER_IGNORE_EOS));
  const auto result = start(model.get(), "a", sampling(40, WORKER_IGNORE_EOS));
  std::atomic<size_t> bytes = 0;
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) {
    readers.emplace_back([&] {
      char piece[64];
      while (cuda_inference_next_token(result.get(), piece, sizeof piece, nullptr, nullptr))
        bytes += std::string_view(piece).size();
    });
  }
  for (std::thread& reader : readers) reader.join();
  EXPECT_EQ(bytes, expected.text.size());
  EXPECT_EQ(ids_of(result.get()), expected.ids);
}

TEST(Threads, CancelAndTheFirstGroupDoNotWaitForALoad) {
  struct Gate {
    std::atomic<bool> loading = false;
    std::atomic<bool> open = false;
  } gate;
  const auto context = open_context(-1);
  const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  const auto result = start(model.get(), "a", sampling(5));
  std::thread loader([&] {
    WorkerLoadOptions options{};
    options.struct_size = sizeof options;
    options.user = &gate;
    options.progress = [](void* user, uint64_t, uint64_t) {
      auto* shared = static_cast<Gate*>(user);
      shared->loading = true;
      while (!shared->open) std::this_thread::yield();
      return 0;
    };
    int err = -1;
    const Owned<CudaModel> other(
        worker_load_model(context.get(), tiny_model("tiny-q4_k_m").c_str(), &options, nullptr, &err));
    EXPECT_EQ(err, WORKER_OK) << last_failure();
  });
  while (!gate.loading) std::this_thread::yield();
  EXPECT_EQ(worker_inference_cancel(result.get()), WORKER_OK);  // would hang if it waited: the gate is closed
  EXPECT_EQ(worker_inference_stop_reason(result.get()), 0);
  EXPECT_EQ(worker_abi_version(), WORKER_ABI_VERSION);
  EXPECT_GT(cuda_get_vram_usage(model.get()), 0u);
  gate.open = true;
  loader.join();
  EXPECT_EQ(run(result.get()).err, WORKER_ERR_CANCELLED);
}

}  // namespace
}  // namespace kigo::ffi
