// The C ABI with owners for its handles, and what tests on the CPU and on a GPU do with it alike.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "tests/tools/program.h"
#include "tools/ffi/worker_ffi.h"

namespace kigo::ffi {

struct Free {
  void operator()(CudaContext* handle) const { cuda_destroy(handle); }
  void operator()(CudaModel* handle) const { cuda_unload_model(handle); }
  void operator()(GpuPointerMap* handle) const { cuda_free_pointer_map(handle); }
  void operator()(InferenceResult* handle) const { cuda_inference_free(handle); }
  void operator()(InferenceContext* handle) const { cuda_inference_context_free(handle); }
};
/// A handle is no address, but it fits a unique_ptr.
template <class T>
using Owned = std::unique_ptr<T, Free>;

inline std::string last_failure() {
  return cat(worker_error_name(worker_last_error()), ": ", worker_last_error_message());
}

inline const std::string& shipped_model() {
  static const std::string path = cat(KIGO_SOURCE_DIR, "/golden/haiku/haiku-q4_k_m.gguf");
  return path;
}
inline std::string tiny_model(std::string_view name) {
  return cat(KIGO_SOURCE_DIR, "/golden/tiny/", name, ".gguf");
}

inline Owned<CudaContext> open_context(int device) {
  int err = -1;
  Owned<CudaContext> context(cuda_init(device, &err));
  EXPECT_EQ(err, WORKER_OK) << last_failure();
  return context;
}

inline Owned<CudaModel> load(CudaContext* context, const std::string& path) {
  int err = -1;
  Owned<CudaModel> model(cuda_load_model(context, path.c_str(), nullptr, &err));
  EXPECT_EQ(err, WORKER_OK) << last_failure();
  return model;
}

/// Greedy, every filter off.
inline WorkerSampling sampling(uint32_t max_tokens, uint32_t flags = WORKER_PARSE_SPECIAL) {
  WorkerSampling sampling{};
  sampling.struct_size = sizeof sampling;
  sampling.flags = flags;
  sampling.max_tokens = max_tokens;
  sampling.top_p = 1;
  sampling.repetition_penalty = 1;
  return sampling;
}

/// A call that must fail with this code, in `err` and in the thread's last error alike, and with a message.
#define KIGO_EXPECT_FAILURE(code, found)           \
  do {                                             \
    EXPECT_EQ(found, code) << last_failure();      \
    EXPECT_EQ(worker_last_error(), code);          \
    EXPECT_STRNE(worker_last_error_message(), ""); \
  } while (false)

struct Generated {
  std::string text;
  std::vector<int> indices;  // of the pieces
  std::vector<uint32_t> ids;
  int stop_reason = -1;
  int err = -1;  // with which it ended
};

inline std::vector<uint32_t> ids_of(InferenceResult* result) {
  size_t count = 0;
  (void)worker_inference_ids(result, nullptr, 0, &count);
  std::vector<uint32_t> ids(count);
  EXPECT_EQ(worker_inference_ids(result, ids.data(), ids.size(), &count), WORKER_OK) << last_failure();
  return ids;
}

inline Generated run(InferenceResult* result) {
  Generated out;
  char piece[256];
  int index = -1;
  while (cuda_inference_next_token(result, piece, sizeof piece, &index, &out.err)) {
    EXPECT_STRNE(piece, "");
    out.text += piece;
    out.indices.push_back(index);
  }
  out.ids = ids_of(result);
  out.stop_reason = worker_inference_stop_reason(result);
  return out;
}

inline Owned<InferenceResult> start(CudaModel* model, std::string_view prompt,
                                    const WorkerSampling& sampling) {
  int err = -1;
  Owned<InferenceResult> result(worker_inference_start(model, prompt.data(), prompt.size(), &sampling, &err));
  EXPECT_EQ(err, WORKER_OK) << last_failure();
  return result;
}

inline Generated generate(CudaModel* model, std::string_view prompt, const WorkerSampling& sampling) {
  const Owned<InferenceResult> result = start(model, prompt, sampling);
  return run(result.get());
}

inline std::vector<uint32_t> tokenize(CudaModel* model, std::string_view text, uint32_t flags) {
  size_t count = 0;
  (void)worker_tokenize(model, text.data(), text.size(), flags, nullptr, 0, &count);
  std::vector<uint32_t> ids(count);
  EXPECT_EQ(worker_tokenize(model, text.data(), text.size(), flags, ids.data(), ids.size(), &count),
            WORKER_OK)
      << last_failure();
  return ids;
}

inline WorkerModelInfo info_of(CudaModel* model) {
  WorkerModelInfo info{};
  info.struct_size = sizeof info;
  EXPECT_EQ(worker_model_info(model, &info), WORKER_OK) << last_failure();
  return info;
}

/// The logits behind each of the ids, fed one by one.
inline std::vector<float> logits_of(CudaModel* model, const std::vector<uint32_t>& ids) {
  int err = -1;
  const Owned<InferenceContext> session(cuda_inference_init(model, 0, &err));
  EXPECT_EQ(err, WORKER_OK) << last_failure();
  const size_t vocab = info_of(model).vocab;
  std::vector<float> logits(ids.size() * vocab);
  for (size_t i = 0; i < ids.size(); ++i)
    EXPECT_EQ(worker_inference_forward(session.get(), &ids[i], 1, logits.data() + i * vocab, vocab),
              WORKER_OK)
        << last_failure();
  return logits;
}

/// A file's weights in memory of cuda_malloc_device, and a map of them.
struct Pointers {
  /// `leave_out`: a tensor that the map does not get.
  Pointers(CudaContext* context, const std::string& path, std::string_view leave_out = {});

  gguf::MappedFile file;
  std::vector<void*> memory;
  Owned<GpuPointerMap> map;
};

/// What the file at `path` says about its numbers. `architecture` lives as long as the test.
WorkerModelConfig config_of(const gguf::File& file, const char* tokenizer);

// ---- What holds on every device. `program` runs `kigo generate` with the arguments for the device. ----

using Program = std::function<Json(std::vector<std::string> arguments)>;
void expect_the_programs_ids(int device, const Program& program);
void expect_pointers_to_be_the_file(int device);
void expect_cancel_to_end_it(int device);
void expect_any_order_of_freeing(int device);
void expect_memory_to_keep_bytes(int device);
void expect_the_books_to_balance(int device);
void expect_concurrent_calls_to_take_turns(int device);

}  // namespace kigo::ffi
