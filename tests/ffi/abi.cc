#include "tests/ffi/abi.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <numeric>
#include <thread>

#include "core/model/config.h"

namespace kigo::ffi {

Pointers::Pointers(CudaContext* context, const std::string& path, std::string_view leave_out)
    : file(*gguf::open(path)) {
  int err = -1;
  uint64_t total = 0;
  for (const gguf::Tensor& tensor : file.file.tensors) total += tensor.data.size();
  map.reset(cuda_create_pointer_map(context, total, &err));
  EXPECT_EQ(err, WORKER_OK) << last_failure();
  for (const gguf::Tensor& tensor : file.file.tensors) {
    if (tensor.name == leave_out) continue;
    memory.push_back(cuda_malloc_device(context, tensor.data.size(), &err));
    EXPECT_EQ(err, WORKER_OK) << last_failure();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(memory.back()) % 256, 0u);
    EXPECT_EQ(cuda_memcpy_host_to_device(context, memory.back(), tensor.data.data(), tensor.data.size()),
              WORKER_OK);
    EXPECT_EQ(
        cuda_pointer_map_insert(map.get(), std::string(tensor.name).c_str(), memory.back(), tensor.type->id,
                                static_cast<uint32_t>(tensor.dims.size()), tensor.dims.data()),
        WORKER_OK)
        << last_failure();
  }
}

WorkerModelConfig config_of(const gguf::File& file, const char* tokenizer) {
  const model::Config config = *model::read_config(file);
  const auto narrow = [](int64_t value) { return static_cast<uint32_t>(value); };
  WorkerModelConfig out{};
  out.struct_size = sizeof out;
  out.vocab = narrow(config.vocab);
  out.token_count = narrow(config.vocab);
  out.width = narrow(config.width);
  out.layers = narrow(config.layers);
  out.heads = narrow(config.heads);
  out.kv_heads = narrow(config.kv_heads);
  out.head_dim = narrow(config.head_dim);
  out.ffn_width = narrow(config.ffn_width);
  out.context = narrow(config.context);
  out.norm_eps = config.norm_eps;
  out.rope_base = config.rope_base;
  out.architecture = config.architecture->name.data();  // a literal
  out.tokenizer_gguf = tokenizer;
  return out;
}

namespace {

const std::string kHaiku = "Write a haiku about rain that includes the word \"six\"";

std::vector<uint32_t> numbers(const Json& array) {
  std::vector<uint32_t> out;
  for (const Json& item : *array.items()) out.push_back(static_cast<uint32_t>(*item.unsigned_integer()));
  return out;
}

Owned<CudaModel> load_pointers(CudaContext* context, GpuPointerMap* map, const WorkerModelConfig& config) {
  int err = -1;
  Owned<CudaModel> model(cuda_load_model_from_pointers(context, map, &config, nullptr, &err));
  EXPECT_EQ(err, WORKER_OK) << last_failure();
  return model;
}

}  // namespace

void expect_the_programs_ids(int device, const Program& program) {
  const auto context = open_context(device);
  const auto model = load(context.get(), shipped_model());
  struct Case {
    std::vector<std::string> arguments;
    WorkerSampling sampling;
  };
  WorkerSampling drawn = sampling(60, WORKER_CHAT | WORKER_PARSE_SPECIAL);
  drawn.temperature = 0.8F;
  drawn.top_k = 40;
  drawn.top_p = 0.95F;
  drawn.min_p = 0.01F;
  drawn.repetition_penalty = 1.1F;
  drawn.seed = 0x1234'5678'9ABC'DEF0;
  const std::vector<Case> cases{
      {{"-t", "0", "-n", "100"}, sampling(100, WORKER_CHAT)},
      {{"-t", "0.8", "-n", "60", "--top-k", "40", "--top-p", "0.95", "--min-p", "0.01",
        "--repetition-penalty", "1.1", "--seed", "1311768467463790320"},
       drawn},
  };
  for (const Case& each : cases) {
    std::vector<std::string> arguments{"generate", "-m", shipped_model(), "--json", "--chat", kHaiku};
    arguments.insert(arguments.end(), each.arguments.begin(), each.arguments.end());
    const Json expected = program(arguments);
    const Generated found = generate(model.get(), kHaiku, each.sampling);
    EXPECT_EQ(found.err, WORKER_OK);
    EXPECT_EQ(found.ids, numbers(*expected.find("ids")));
    EXPECT_EQ(found.text, *expected.find("text")->string());
    const std::array<std::string, 5> names{"", "MAX_TOKENS", "EOS", "STOP_SEQUENCE", "CONTEXT_FULL"};
    EXPECT_EQ(names.at(static_cast<size_t>(found.stop_reason)), *expected.find("stop_reason")->string());
    EXPECT_EQ(tokenize(model.get(), kHaiku, WORKER_CHAT), numbers(*expected.find("prompt_ids")));
  }
}

void expect_pointers_to_be_the_file(int device) {
  for (const std::string& path : {shipped_model(), tiny_model("llama-q4_k_m")}) {
    const auto context = open_context(device);
    const auto from_file = load(context.get(), path);
    Owned<CudaModel> from_pointers;
    {
      const Pointers pointers(context.get(), path);
      from_pointers =
          load_pointers(context.get(), pointers.map.get(), config_of(pointers.file.file, path.c_str()));
      for (void* memory : pointers.memory) cuda_free_memory(context.get(), memory);  // lives on in the model
    }
    const std::vector<uint32_t> prompt{1, 5, 17, 88, 21, 90, 4, 33};
    EXPECT_EQ(logits_of(from_file.get(), prompt), logits_of(from_pointers.get(), prompt)) << path;

    WorkerSampling drawn = sampling(24, WORKER_IGNORE_EOS);
    drawn.temperature = 1.3F;
    drawn.seed = 7;
    const Generated expected = generate(from_file.get(), "rain", drawn);
    const Generated found = generate(from_pointers.get(), "rain", drawn);
    EXPECT_EQ(found.err, WORKER_OK);
    EXPECT_FALSE(found.ids.empty());
    EXPECT_EQ(found.ids, expected.ids) << path;
    EXPECT_EQ(found.text, expected.text) << path;
    EXPECT_TRUE(cuda_check_vram_residency(from_pointers.get(), nullptr)) << last_failure();
  }
}

void expect_cancel_to_end_it(int device) {
  const auto context = open_context(device);
  const auto model = load(context.get(), shipped_model());
  WorkerSampling endless = sampling(info_of(model.get()).context, WORKER_IGNORE_EOS);
  const auto result = start(model.get(), "rain", endless);
  std::atomic<bool> first = false;
  std::atomic<bool> go = false;  // so that the end is far when it is cancelled, however fast the device is
  std::atomic<int> err = -1;
  std::thread reader([&] {
    char piece[256];
    int code = -1;
    while (cuda_inference_next_token(result.get(), piece, sizeof piece, nullptr, &code)) {
      first = true;
      while (!go) std::this_thread::yield();
    }
    err = code;
    first = true;
  });
  while (!first) std::this_thread::yield();
  go = true;
  EXPECT_EQ(worker_inference_cancel(result.get()), WORKER_OK);
  reader.join();
  EXPECT_EQ(err, WORKER_ERR_CANCELLED);
  EXPECT_EQ(worker_inference_stop_reason(result.get()), 5);
  EXPECT_FALSE(ids_of(result.get()).empty());
  // Said again, and nothing held any more.
  char piece[256];
  int code = 0;
  EXPECT_FALSE(cuda_inference_next_token(result.get(), piece, sizeof piece, nullptr, &code));
  KIGO_EXPECT_FAILURE(WORKER_ERR_CANCELLED, code);
  EXPECT_NE(std::string(worker_last_error_message()).find("cancelled after "), std::string::npos);
  EXPECT_EQ(generate(model.get(), "rain", sampling(3, WORKER_IGNORE_EOS)).ids.size(), 3u);
}

void expect_any_order_of_freeing(int device) {
  std::array<int, 5> order{0, 1, 2, 3, 4};
  do {
    auto context = open_context(device);
    auto model = load(context.get(), tiny_model("tiny-q4_k_m"));
    auto result = start(model.get(), "a", sampling(2, WORKER_IGNORE_EOS));
    int err = -1;
    Owned<InferenceContext> session(cuda_inference_init(model.get(), 8, &err));
    Owned<GpuPointerMap> map(cuda_create_pointer_map(context.get(), 1, &err));
    char piece[64];
    (void)cuda_inference_next_token(result.get(), piece, sizeof piece, nullptr, &err);
    for (const int which : order) {
      if (which == 0) context.reset();
      if (which == 1) model.reset();
      if (which == 2) result.reset();
      if (which == 3) session.reset();
      if (which == 4) map.reset();
      if (result) {  // what is not freed works
        (void)cuda_inference_next_token(result.get(), piece, sizeof piece, nullptr, &err);
        EXPECT_EQ(err, WORKER_OK) << last_failure();
      }
      if (session) {
        (void)cuda_inference_generate_token(session.get(), 3, 0, 0, 1, 0, &err);
        EXPECT_EQ(err, WORKER_OK) << last_failure();
      }
    }
  } while (device < 0 ? std::ranges::next_permutation(order).found
                      : std::next_permutation(order.begin() + 2, order.end()));
}

void expect_memory_to_keep_bytes(int device) {
  const auto context = open_context(device);
  int err = -1;
  std::vector<uint8_t> sent(1000);
  std::iota(sent.begin(), sent.end(), uint8_t{1});
  auto* memory = static_cast<uint8_t*>(cuda_malloc_device(context.get(), sent.size(), &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  EXPECT_EQ(cuda_memcpy_host_to_device(context.get(), memory, sent.data(), sent.size()), WORKER_OK);
  std::vector<uint8_t> back(sent.size());
  EXPECT_EQ(worker_memcpy_device_to_host(context.get(), back.data(), memory, back.size()), WORKER_OK);
  EXPECT_EQ(back, sent);
  EXPECT_EQ(worker_memcpy_device_to_host(context.get(), back.data(), memory + 990, 10), WORKER_OK);
  EXPECT_EQ(back[0], sent[990]);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      worker_memcpy_device_to_host(context.get(), back.data(), memory + 990, 11));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_memcpy_host_to_device(context.get(), memory, sent.data(), sent.size() + 1));
  cuda_free_memory(context.get(), memory);
  EXPECT_EQ(cuda_malloc_device(context.get(), SIZE_MAX / 2, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_VRAM_OOM, err);
  uint64_t free_bytes = 0;
  uint64_t total_bytes = 0;
  EXPECT_EQ(worker_memory_info(context.get(), &free_bytes, &total_bytes), WORKER_OK) << last_failure();
  EXPECT_GT(free_bytes, 0u);
  EXPECT_GE(total_bytes, free_bytes);
  EXPECT_TRUE(cuda_check_device_health(context.get(), &err)) << last_failure();
}

void expect_the_books_to_balance(int device) {
  const auto context = open_context(device);
  const auto held = [&] { return cuda_get_process_vram_usage(context.get()); };
  const uint64_t before = held();
  int err = -1;
  void* memory = cuda_malloc_device(context.get(), 12345, &err);
  EXPECT_EQ(held(), before + 12345);
  uint64_t used = 0;
  Owned<CudaModel> model(cuda_load_model(context.get(), shipped_model().c_str(), &used, &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  EXPECT_EQ(used, cuda_get_vram_usage(model.get()));
  EXPECT_EQ(held(), before + 12345 + used);
  const uint64_t weights = cuda_model_get_vram_usage(model.get());
  EXPECT_GT(weights, 0u);
  EXPECT_GE(used, weights);
  {
    const auto result = start(model.get(), "rain falls", sampling(8, WORKER_IGNORE_EOS));
    char piece[64];
    EXPECT_TRUE(cuda_inference_next_token(result.get(), piece, sizeof piece, nullptr, &err))
        << last_failure();
    EXPECT_GT(cuda_get_vram_usage(model.get()), used) << "a sequence takes memory";
  }
  EXPECT_EQ(cuda_get_vram_usage(model.get()), used);
  cuda_free_memory(context.get(), memory);
  model.reset();
  EXPECT_EQ(held(), before);
}

void expect_concurrent_calls_to_take_turns(int device) {
  const auto context = open_context(device);
  const auto model = load(context.get(), shipped_model());
  const WorkerSampling greedy = sampling(12, WORKER_IGNORE_EOS);
  const std::array<std::string, 4> prompts{"rain", "the sea", "a clock", "wild geese"};
  std::array<std::vector<uint32_t>, 4> expected;
  for (size_t i = 0; i < prompts.size(); ++i) expected[i] = generate(model.get(), prompts[i], greedy).ids;

  std::vector<std::thread> threads;
  for (size_t i = 0; i < prompts.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 2; ++round) {
        EXPECT_EQ(generate(model.get(), prompts[i], greedy).ids, expected[i]);
        EXPECT_GT(cuda_get_vram_usage(model.get()), 0u);
        EXPECT_FALSE(tokenize(model.get(), prompts[i], 0).empty());
        EXPECT_EQ(cuda_load_model(context.get(), "/nowhere", nullptr, nullptr), nullptr);
        EXPECT_EQ(worker_last_error(), WORKER_ERR_MODEL_LOAD_FAILED);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace kigo::ffi
