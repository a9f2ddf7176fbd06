// Models from weights that the caller loaded.
#include <cmath>
#include <limits>

#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

struct PointerModel : testing::Test {
  int load_code(const WorkerModelConfig& said, GpuPointerMap* weights = nullptr,
                const WorkerLoadOptions* options = nullptr) {
    int err = -1;
    if (weights == nullptr) weights = pointers.map.get();
    const Owned<CudaModel> model(cuda_load_model_from_pointers(context.get(), weights, &said, options, &err));
    EXPECT_EQ(model == nullptr, err != WORKER_OK);
    return err;
  }
  int insert(const char* name, uint32_t type, std::vector<uint64_t> dims, void* memory = nullptr) {
    return cuda_pointer_map_insert(map.get(), name, memory != nullptr ? memory : &bytes, type,
                                   static_cast<uint32_t>(dims.size()), dims.data());
  }

  const std::string path = tiny_model("tiny-q4_k_m");
  const Owned<CudaContext> context = open_context(-1);
  const Pointers pointers{context.get(), path};
  WorkerModelConfig config = config_of(pointers.file.file, path.c_str());
  Owned<GpuPointerMap> map{cuda_create_pointer_map(context.get(), 1 << 20, nullptr)};
  int bytes = 0;
};

TEST(Pointers, AreTheFileBitForBit) { expect_pointers_to_be_the_file(-1); }

TEST_F(PointerModel, WithoutATokenizerHasNoTextsButLogits) {
  config.tokenizer_gguf = nullptr;
  int err = -1;
  const Owned<CudaModel> model(
      cuda_load_model_from_pointers(context.get(), pointers.map.get(), &config, nullptr, &err));
  ASSERT_EQ(err, WORKER_OK) << last_failure();
  EXPECT_EQ(info_of(model.get()).has_tokenizer, 0u);
  EXPECT_EQ(info_of(model.get()).eos, -1);
  size_t count = 0;
  uint32_t id = 1;
  char text[8];
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_tokenize(model.get(), "a", 1, 0, &id, 1, &count));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, worker_detokenize(model.get(), &id, 1, text, 8, &count));
  const WorkerSampling wanted = sampling(1);
  EXPECT_EQ(worker_inference_start(model.get(), "a", 1, &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  EXPECT_EQ(worker_inference_start_tokens(model.get(), &id, 1, &wanted, &err), nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  const auto from_file = load(context.get(), path);
  EXPECT_EQ(logits_of(model.get(), {1, 2, 3}), logits_of(from_file.get(), {1, 2, 3}));
}

TEST_F(PointerModel, DrawsNoPadding) {
  config.tokenizer_gguf = nullptr;
  config.token_count = 2;
  int err = -1;
  const Owned<CudaModel> model(
      cuda_load_model_from_pointers(context.get(), pointers.map.get(), &config, nullptr, &err));
  const Owned<InferenceContext> session(cuda_inference_init(model.get(), 0, &err));
  for (uint64_t seed = 0; seed < 20; ++seed)
    EXPECT_LT(cuda_inference_generate_token(session.get(), 5, 2, 0, 1, seed, &err), 2u) << last_failure();
}

TEST_F(PointerModel, MayBeLoadedFromTheSameMapTwice) {
  EXPECT_EQ(load_code(config), WORKER_OK);
  EXPECT_EQ(load_code(config), WORKER_OK);
}

TEST_F(PointerModel, MayLieInTheCallersOwnMemoryAtAnyAddress) {
  for (const std::string& file : {path, shipped_model()}) {
    const gguf::MappedFile source = *gguf::open(file);
    const Owned<GpuPointerMap> all(cuda_create_pointer_map(context.get(), 1 << 30, nullptr));
    std::vector<std::vector<std::byte>> memory;
    for (const gguf::Tensor& tensor : source.file.tensors) {
      std::vector<std::byte>& bytes_of_it = memory.emplace_back(tensor.data.size() + 1);
      std::ranges::copy(tensor.data, bytes_of_it.begin() + 1);
      EXPECT_EQ(cuda_pointer_map_insert(all.get(), std::string(tensor.name).c_str(), bytes_of_it.data() + 1,
                                        tensor.type->id, static_cast<uint32_t>(tensor.dims.size()),
                                        tensor.dims.data()),
                WORKER_OK)
          << last_failure();
    }
    const WorkerModelConfig said = config_of(source.file, nullptr);
    int err = -1;
    const Owned<CudaModel> model(
        cuda_load_model_from_pointers(context.get(), all.get(), &said, nullptr, &err));
    ASSERT_EQ(err, WORKER_OK) << last_failure();
    const auto from_file = load(context.get(), file);
    EXPECT_EQ(logits_of(model.get(), {1, 2, 3}), logits_of(from_file.get(), {1, 2, 3}));
  }
}

TEST_F(PointerModel, AMissingTensorIsNamed) {
  const Pointers some(context.get(), path, "blk.1.attn_k.weight");
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, load_code(config, some.map.get()));
  EXPECT_TRUE(std::string_view(worker_last_error_message()).starts_with("blk.1.attn_k.weight: missing"))
      << last_failure();
}

TEST_F(PointerModel, AMisshapenTensorIsNamed) {
  config.ffn_width /= 2;
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, load_code(config));
  EXPECT_TRUE(std::string_view(worker_last_error_message()).starts_with("blk.0.ffn_gate.weight: shape "))
      << last_failure();
}

TEST_F(PointerModel, AnUnknownTensorIsNamed) {
  const Pointers all(context.get(), path, "output_norm.weight");
  const gguf::Tensor& norm = *pointers.file.file.find_tensor("output_norm.weight");
  ASSERT_EQ(cuda_pointer_map_insert(all.map.get(), "output_nrom.weight", all.memory[0], norm.type->id, 1,
                                    norm.dims.data()),
            WORKER_OK)
      << last_failure();
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, load_code(config, all.map.get()));
  EXPECT_TRUE(std::string_view(worker_last_error_message()).starts_with("output_norm.weight: missing"));
}

TEST_F(PointerModel, BrokenWeightsAreNamed) {
  Pointers other(context.get(), path, "output_norm.weight");
  const gguf::Tensor& norm = *pointers.file.file.find_tensor("output_norm.weight");
  std::vector<float> values(norm.dims[0], std::numeric_limits<float>::quiet_NaN());
  ASSERT_EQ(
      cuda_pointer_map_insert(other.map.get(), "output_norm.weight", values.data(), 0, 1, norm.dims.data()),
      WORKER_OK)
      << last_failure();
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, load_code(config, other.map.get()));
  EXPECT_TRUE(std::string_view(worker_last_error_message()).starts_with("output_norm.weight: "))
      << last_failure();
}

TEST_F(PointerModel, RefusesAConfigThatIsNone) {
  const WorkerModelConfig right = config;
  const auto refused = [&](auto change) {
    config = right;
    change(config);
    return load_code(config);
  };
  using Config = WorkerModelConfig;
  KIGO_EXPECT_FAILURE(WORKER_ERR_ABI_MISMATCH, refused([](Config& c) { c.struct_size = 60; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, refused([](Config& c) { c.norm_eps = NAN; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, refused([](Config& c) { c.rope_base = NAN; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, refused([](Config& c) { c.architecture = nullptr; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, refused([](Config& c) { c.token_count = 0; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, refused([](Config& c) { c.token_count = c.vocab + 1; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, refused([](Config& c) { --c.token_count; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, refused([](Config& c) { c.architecture = "mamba"; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, refused([](Config& c) { c.layers = 0; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, refused([](Config& c) { c.kv_heads = c.heads + 1; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, refused([](Config& c) { c.rope_base = 0; }));
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED,
                      refused([](Config& c) { c.tokenizer_gguf = "/nowhere"; }));
  EXPECT_EQ(refused([](Config&) {}), WORKER_OK);
  int err = -1;
  EXPECT_EQ(cuda_load_model_from_pointers(context.get(), pointers.map.get(), nullptr, nullptr, &err),
            nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
  const auto another = open_context(-1);
  EXPECT_EQ(cuda_load_model_from_pointers(another.get(), pointers.map.get(), &config, nullptr, &err),
            nullptr);
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, err);
}

TEST_F(PointerModel, TakesTheOptionsOfALoad) {
  WorkerLoadOptions options{};
  options.struct_size = sizeof options;
  options.expected_architecture = "llama";
  KIGO_EXPECT_FAILURE(WORKER_ERR_MODEL_LOAD_FAILED, load_code(config, nullptr, &options));
  options.expected_architecture = nullptr;
  options.progress = [](void*, uint64_t, uint64_t) { return 1; };
  KIGO_EXPECT_FAILURE(WORKER_ERR_CANCELLED, load_code(config, nullptr, &options));
}

TEST_F(PointerModel, TheMapRefusesWhatIsNoTensor) {
  using Dims = std::vector<uint64_t>;
  const auto refused = [&](const char* name, uint32_t type, const Dims& dims) {
    KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, insert(name, type, dims));
  };
  refused("", 0, {4});
  refused("two words", 0, {4});
  refused(std::string(64, 'x').c_str(), 0, {4});
  refused("a", 4, {4});  // a type that was removed
  refused("a", 9999, {4});
  refused("a", 0, {0});
  refused("a", 0, {});
  refused("a", 0, {1, 1, 1, 1, 1});
  refused("a", 0, {uint64_t{1} << 40, uint64_t{1} << 40});
  refused("a", 12, {255});           // Q4_K has blocks of 256
  refused("a", 0, {(1 << 18) + 1});  // above total_bytes
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_pointer_map_insert(map.get(), nullptr, &bytes, 0, 1, nullptr));
  const uint64_t dim = 1;
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_pointer_map_insert(map.get(), "a", nullptr, 0, 1, &dim));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER,
                      cuda_pointer_map_insert(map.get(), "a", &bytes, 0, 1, nullptr));
  EXPECT_EQ(insert("a", 0, {1 << 17}), WORKER_OK);
  refused("a", 0, {1});  // there already
  refused("b", 0, {(1 << 17) + 1});
  EXPECT_EQ(insert("b", 0, {1 << 17}), WORKER_OK);
  refused("c", 0, {1});
}

TEST_F(PointerModel, ATensorEndsWithinItsMemory) {
  int err = -1;
  auto* memory = static_cast<char*>(cuda_malloc_device(context.get(), 64, &err));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, insert("a", 0, {17}, memory));
  KIGO_EXPECT_FAILURE(WORKER_ERR_INVALID_PARAMETER, insert("a", 0, {2}, memory + 57));
  EXPECT_EQ(insert("a", 0, {2}, memory + 56), WORKER_OK) << last_failure();
}

}  // namespace
}  // namespace kigo::ffi
