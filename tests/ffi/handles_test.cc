// Handles that are missing, dead or of another kind: a code, a message, no effect.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <functional>
#include <set>

#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

/// Every call that takes a handle, with that handle as any address and all else right.
struct Call {
  std::string name;
  std::function<int(void* handle)> code;
};

template <class T>
T* as(void* handle) {
  return static_cast<T*>(handle);
}

const WorkerSampling kSampling = sampling(4);
char text_buffer[64];
uint32_t id_buffer[64];
float logit_buffer[8];
size_t id_count;

std::vector<Call> context_calls() {
  return {
      {"cuda_check_device_health",
       [](void* h) {
         int e = 0;
         cuda_check_device_health(as<CudaContext>(h), &e);
         return e;
       }},
      {"worker_memory_info",
       [](void* h) { return worker_memory_info(as<CudaContext>(h), nullptr, nullptr); }},
      {"cuda_load_model",
       [](void* h) {
         int e = 0;
         cuda_load_model(as<CudaContext>(h), shipped_model().c_str(), nullptr, &e);
         return e;
       }},
      {"cuda_malloc_device",
       [](void* h) {
         int e = 0;
         cuda_malloc_device(as<CudaContext>(h), 1, &e);
         return e;
       }},
      {"cuda_memcpy_host_to_device",
       [](void* h) { return cuda_memcpy_host_to_device(as<CudaContext>(h), text_buffer, text_buffer, 1); }},
      {"worker_memcpy_device_to_host",
       [](void* h) { return worker_memcpy_device_to_host(as<CudaContext>(h), text_buffer, text_buffer, 1); }},
      {"cuda_create_pointer_map",
       [](void* h) {
         int e = 0;
         cuda_create_pointer_map(as<CudaContext>(h), 1, &e);
         return e;
       }},
      {"cuda_sample_token",
       [](void* h) {
         return cuda_sample_token(as<CudaContext>(h), logit_buffer, 8, nullptr, 0, &kSampling, 0, id_buffer);
       }},
  };
}

std::vector<Call> model_calls() {
  return {
      {"worker_model_info",
       [](void* h) {
         WorkerModelInfo info{};
         info.struct_size = sizeof info;
         return worker_model_info(as<CudaModel>(h), &info);
       }},
      {"cuda_check_vram_residency",
       [](void* h) {
         int e = 0;
         cuda_check_vram_residency(as<CudaModel>(h), &e);
         return e;
       }},
      {"worker_tokenize",
       [](void* h) { return worker_tokenize(as<CudaModel>(h), "a", 1, 0, id_buffer, 64, &id_count); }},
      {"worker_detokenize",
       [](void* h) { return worker_detokenize(as<CudaModel>(h), id_buffer, 1, text_buffer, 64, &id_count); }},
      {"cuda_inference_start",
       [](void* h) {
         int e = 0;
         cuda_inference_start(as<CudaModel>(h), "a", 1, 0, 0, &e);
         return e;
       }},
      {"worker_inference_start",
       [](void* h) {
         int e = 0;
         worker_inference_start(as<CudaModel>(h), "a", 1, &kSampling, &e);
         return e;
       }},
      {"worker_inference_start_tokens",
       [](void* h) {
         int e = 0;
         worker_inference_start_tokens(as<CudaModel>(h), id_buffer, 1, &kSampling, &e);
         return e;
       }},
      {"cuda_inference_init",
       [](void* h) {
         int e = 0;
         cuda_inference_init(as<CudaModel>(h), 0, &e);
         return e;
       }},
  };
}

std::vector<Call> other_calls() {
  return {
      {"cuda_pointer_map_insert",
       [](void* h) {
         const uint64_t dim = 4;
         return cuda_pointer_map_insert(as<GpuPointerMap>(h), "a", text_buffer, 0, 1, &dim);
       }},
      {"cuda_inference_next_token",
       [](void* h) {
         int e = 0;
         cuda_inference_next_token(as<InferenceResult>(h), text_buffer, 64, nullptr, &e);
         return e;
       }},
      {"worker_inference_ids",
       [](void* h) { return worker_inference_ids(as<InferenceResult>(h), id_buffer, 64, &id_count); }},
      {"worker_inference_stop_reason",
       [](void* h) { return worker_inference_stop_reason(as<InferenceResult>(h)); }},
      {"worker_inference_cancel", [](void* h) { return worker_inference_cancel(as<InferenceResult>(h)); }},
      {"worker_inference_forward",
       [](void* h) {
         return worker_inference_forward(as<InferenceContext>(h), id_buffer, 1, logit_buffer, 8);
       }},
      {"cuda_inference_generate_token",
       [](void* h) {
         int e = 0;
         cuda_inference_generate_token(as<InferenceContext>(h), 1, 0, 0, 1, 0, &e);
         return e;
       }},
  };
}

std::vector<Call> all_calls() {
  std::vector<Call> all = context_calls();
  for (auto more : {model_calls(), other_calls()}) all.insert(all.end(), more.begin(), more.end());
  return all;
}

void expect_all_refused(const std::vector<Call>& calls, void* handle) {
  for (const Call& call : calls) {
    SCOPED_TRACE(call.name);
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, call.code(handle));  // 5, also as a stop reason
  }
}

TEST(Handles, NullIsRefusedByEveryCall) { expect_all_refused(all_calls(), nullptr); }

TEST(Handles, AnyOtherAddressIsRefusedByEveryCall) {
  int local = 0;
  expect_all_refused(all_calls(), &local);
  expect_all_refused(all_calls(), reinterpret_cast<void*>(uintptr_t{0xFFFF'FFFF'FFFF'FFF9}));
}

TEST(Handles, TheDeadAreRefusedByEveryCallAndNeverComeBack) {
  auto context = open_context(-1);
  auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  void* const dead_context = context.get();
  void* const dead_model = model.get();
  model.reset();
  context.reset();
  const auto another = open_context(-1);
  const auto another_model = load(another.get(), tiny_model("tiny-q4_k_m"));
  expect_all_refused(context_calls(), dead_context);
  expect_all_refused(model_calls(), dead_model);
}

TEST(Handles, OneOfAnotherKindIsRefusedByEveryCall) {
  const auto context = open_context(-1);
  const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  expect_all_refused(context_calls(), model.get());
  expect_all_refused(model_calls(), context.get());
  expect_all_refused(other_calls(), model.get());
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_inference_cancel(reinterpret_cast<InferenceResult*>(model.get())));
  EXPECT_STREQ(worker_last_error_message(),
               "InferenceResult handle: a CudaModel, expected a InferenceResult");
}

TEST(Handles, QueriesThatReturnBytesGiveZero) {
  int local = 0;
  for (void* wrong : {static_cast<void*>(nullptr), static_cast<void*>(&local)}) {
    EXPECT_EQ(cuda_get_process_vram_usage(as<CudaContext>(wrong)), 0u);
    EXPECT_EQ(cuda_model_get_vram_usage(as<CudaModel>(wrong)), 0u);
    EXPECT_EQ(cuda_get_vram_usage(as<CudaModel>(wrong)), 0u);
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_last_error());
  }
}

TEST(Handles, FreeFunctionsTakeNullWithoutAWord) {
  EXPECT_EQ(cuda_init(-7, nullptr), nullptr);
  const auto context = open_context(-1);
  cuda_destroy(nullptr);
  cuda_unload_model(nullptr);
  cuda_free_pointer_map(nullptr);
  cuda_inference_free(nullptr);
  cuda_inference_context_free(nullptr);
  cuda_free_memory(context.get(), nullptr);
  EXPECT_EQ(worker_last_error(), WORKER_ERR_INVALID_DEVICE);
}

TEST(Handles, FreeingTwiceIsAFailureWithoutEffect) {
  const auto context = open_context(-1);
  CudaModel* const model = load(context.get(), tiny_model("tiny-q4_k_m")).release();
  cuda_unload_model(model);
  cuda_unload_model(model);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_last_error());
  EXPECT_STREQ(worker_last_error_message(),
               "CudaModel handle: freed, or never a handle, expected a living one");
  // By the free function of another kind.
  cuda_unload_model(reinterpret_cast<CudaModel*>(context.get()));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_last_error());
  EXPECT_TRUE(cuda_check_device_health(context.get(), nullptr));
}

TEST(Handles, MemoryIsFreedOnce) {
  const auto context = open_context(-1);
  int err = -1;
  void* const memory = cuda_malloc_device(context.get(), 8, &err);
  cuda_free_memory(context.get(), memory);
  cuda_free_memory(context.get(), memory);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_last_error());
  cuda_free_memory(context.get(), &err);
  EXPECT_STREQ(worker_last_error_message(), "ptr: not from cuda_malloc_device, or freed");
}

TEST(Handles, ADestroyedContextKeepsOnlyMemoryThatIsUsed) {
  const auto witness = open_context(-1);
  auto context = open_context(-1);
  const auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
  Owned<GpuPointerMap> map(cuda_create_pointer_map(context.get(), 4, nullptr));
  void* const used = cuda_malloc_device(context.get(), 4, nullptr);
  const uint64_t dim = 1;
  ASSERT_EQ(cuda_pointer_map_insert(map.get(), "a", used, 0, 1, &dim), WORKER_OK) << last_failure();
  const uint64_t before = cuda_get_process_vram_usage(witness.get());
  ASSERT_NE(cuda_malloc_device(context.get(), 1 << 20, nullptr), nullptr) << last_failure();
  context.reset();  // the model lives on
  EXPECT_EQ(cuda_get_process_vram_usage(witness.get()), before);
  map.reset();
  EXPECT_EQ(cuda_get_process_vram_usage(witness.get()), before - 4);
}

TEST(Handles, MayBeFreedInAnyOrder) { expect_any_order_of_freeing(-1); }

/// Handles of all kinds, the living and the dead, and what a call with one of them must answer.
class Zoo {
 public:
  void act(int what, size_t which) {
    void* const handle = handles_.empty() ? nullptr : handles_[which % handles_.size()];
    int err = -1;
    char piece[64];
    switch (what) {
      case 0:
        return keep(cuda_init(-1, &err), contexts_);
      case 1:
        keep(cuda_load_model(as<CudaContext>(handle), tiny_model("tiny-q4_k_m").c_str(), nullptr, &err),
             models_);
        return expect(err == WORKER_OK, contexts_, handle);
      case 2:
        keep(cuda_inference_start(as<CudaModel>(handle), "a", 9, 1, which, &err), generations_);
        return expect(err == WORKER_OK, models_, handle);
      case 3:
        keep(cuda_inference_init(as<CudaModel>(handle), 0, &err), sessions_);
        return expect(err == WORKER_OK, models_, handle);
      case 4:
        (void)cuda_inference_next_token(as<InferenceResult>(handle), piece, sizeof piece, nullptr, &err);
        return expect(err == WORKER_OK, generations_, handle);
      case 5:
        (void)cuda_inference_generate_token(as<InferenceContext>(handle), 1, 0, 0, 1, 0, &err);
        return expect(err == WORKER_OK || err == WORKER_ERR_CONTEXT_OVERFLOW, sessions_, handle);
      case 6:
        cuda_destroy(as<CudaContext>(handle));
        return (void)contexts_.erase(handle);
      case 7:
        cuda_unload_model(as<CudaModel>(handle));
        return (void)models_.erase(handle);
      case 8:
        cuda_inference_free(as<InferenceResult>(handle));
        return (void)generations_.erase(handle);
      default:
        cuda_inference_context_free(as<InferenceContext>(handle));
        return (void)sessions_.erase(handle);
    }
  }
  ~Zoo() {
    for (void* handle : handles_) {
      cuda_destroy(as<CudaContext>(handle));
      cuda_unload_model(as<CudaModel>(handle));
      cuda_inference_free(as<InferenceResult>(handle));
      cuda_inference_context_free(as<InferenceContext>(handle));
    }
  }

 private:
  using Alive = std::set<void*>;
  void keep(void* made, Alive& alive) {
    if (made == nullptr) return;
    RC_ASSERT(std::ranges::count(handles_, made) == 0);  // none is given twice
    handles_.push_back(made);
    alive.insert(made);
  }
  static void expect(bool served, const Alive& alive, void* handle) {
    RC_ASSERT(served == alive.contains(handle));
  }

  std::vector<void*> handles_;
  Alive contexts_, models_, generations_, sessions_;
};

RC_GTEST_PROP(HandlesProperty, AreServedExactlyWhileTheyLive, ()) {
  const auto witness = open_context(-1);
  const uint64_t before = cuda_get_process_vram_usage(witness.get());
  {
    Zoo zoo;
    // Makers first in the list, so that most runs have something of each kind.
    const auto calls = *rc::gen::container<std::vector<std::pair<int, size_t>>>(
        rc::gen::pair(rc::gen::weightedElement<int>(
                          {{3, 0}, {4, 1}, {4, 2}, {4, 3}, {4, 4}, {4, 5}, {1, 6}, {1, 7}, {1, 8}, {1, 9}}),
                      rc::gen::inRange<size_t>(0, 1000)));
    for (const auto& [what, which] : calls) zoo.act(what, which);
  }
  RC_ASSERT(cuda_get_process_vram_usage(witness.get()) == before);
}

TEST(Handles, AnErrorPointerMayBeNull) {
  EXPECT_EQ(cuda_init(-7, nullptr), nullptr);
  EXPECT_EQ(cuda_load_model(nullptr, nullptr, nullptr, nullptr), nullptr);
  EXPECT_EQ(cuda_inference_generate_token(nullptr, 0, 0, 0, 0, 0, nullptr), UINT32_MAX);
}

}  // namespace
}  // namespace kigo::ffi
