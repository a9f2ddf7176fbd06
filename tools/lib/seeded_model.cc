#include "tools/lib/seeded_model.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/output_file.h"
#include "core/base/random.h"
#include "tools/lib/seeded_blocks.h"
#include "tools/lib/seeded_head.h"

namespace kigo::tools {
namespace {

using model::Role;

// clang-format off
// The real ones: config.json of Qwen/Qwen2.5-0.5B-Instruct and Qwen/Qwen2.5-7B-Instruct; the 0.5B file is
// published with its output matrix although the model ties it. And of meta-llama/Meta-Llama-3-8B.
constexpr std::array kShapes = std::to_array<Shape>({
    {.name = "tiny", .layers = 2, .width = 256, .heads = 4, .kv_heads = 2, .head_dim = 64, .ffn_width = 512,
     .vocab = 512, .unused = 5, .context = 512, .norm_eps = 1e-6f, .rope_base = 1e6f, .tied = true},
    {.name = "haiku", .layers = 4, .width = 384, .heads = 6, .kv_heads = 2, .head_dim = 64, .ffn_width = 1024,
     .vocab = 2040, .unused = 5, .context = 512, .norm_eps = 1e-6f, .rope_base = 1e6f, .tied = true},
    {.name = "qwen2.5-0.5b", .layers = 24, .width = 896, .heads = 14, .kv_heads = 2, .head_dim = 64,
     .ffn_width = 4864, .vocab = 151936, .unused = 290, .context = 32768, .norm_eps = 1e-6f, .rope_base = 1e6f,
     .tied = false},
    {.name = "qwen2.5-7b", .layers = 28, .width = 3584, .heads = 28, .kv_heads = 4, .head_dim = 128,
     .ffn_width = 18944, .vocab = 152064, .unused = 418, .context = 32768, .norm_eps = 1e-6f, .rope_base = 1e6f,
     .tied = false},
    {.name = "llama-3-8b", .architecture = "llama", .layers = 32, .width = 4096, .heads = 32, .kv_heads = 8,
     .head_dim = 128, .ffn_width = 14336, .vocab = 128256, .unused = 250, .context = 8192, .norm_eps = 1e-5f,
     .rope_base = 5e5f, .tied = false},
});
// clang-format on

constexpr std::string_view kMixture = "q4_k_m";
constexpr std::array<std::string_view, 16> kTypeNames{kMixture, "f32",  "f16",  "bf16", "q4_0", "q4_1",
                                                      "q5_0",   "q5_1", "q8_0", "q2_k", "q3_k", "q4_k",
                                                      "q5_k",   "q6_k", "q8_k", "mxfp4"};

std::string joined(const auto& rows, auto name_of) {
  std::string text;
  for (const auto& row : rows) text += cat(text.empty() ? "" : ", ", std::invoke(name_of, row));
  return text;
}

model::Config config_of(const Shape& shape) {
  model::Config config;
  config.architecture = model::find_architecture(shape.architecture);
  KIGO_CHECK(config.architecture != nullptr);  // shapes are ours
  config.vocab = shape.vocab;
  config.width = shape.width;
  config.layers = shape.layers;
  config.heads = shape.heads;
  config.kv_heads = shape.kv_heads;
  config.head_dim = shape.head_dim;
  config.ffn_width = shape.ffn_width;
  config.rope_dims = shape.head_dim;
  return config;
}

// The layers whose attn_v and ffn_down the mixture keeps finer. Source: docs/formats.md, section 8.
constexpr bool is_finer_layer(int64_t layer, int64_t layers) {
  return layer < layers / 8 || layer >= 7 * layers / 8 || (layer - layers / 8) % 3 == 2;
}

std::string_view mixture_type(Role role, int64_t layer, const Shape& shape) {
  const bool is_head = role == Role::output || (role == Role::token_embd && shape.tied);
  const bool may_be_finer = role == Role::attn_v || role == Role::ffn_down;
  return is_head || (may_be_finer && is_finer_layer(layer, shape.layers)) ? "Q6_K" : "Q4_K";
}

// What a type gives way to where its blocks do not divide a row; the same source.
const quant::TensorType* fit(const quant::TensorType* type, uint64_t row) {
  constexpr std::array<std::array<std::string_view, 2>, 6> kFinerInSmallerBlocks{{{"Q2_K", "Q4_0"},
                                                                                  {"Q3_K", "Q4_0"},
                                                                                  {"Q4_K", "Q5_0"},
                                                                                  {"Q5_K", "Q5_1"},
                                                                                  {"Q6_K", "Q8_0"},
                                                                                  {"Q8_K", "Q8_0"}}};
  while (row % type->block_values != 0) {
    const auto at =
        std::ranges::find(kFinerInSmallerBlocks, type->name, [](const auto& pair) { return pair[0]; });
    type = quant::find_tensor_type(at == kFinerInSmallerBlocks.end() ? "F16" : (*at)[1]);
  }
  return type;
}

std::string upper(std::string_view name) {
  std::string text(name);
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

PlannedTensor plan_tensor(Role role, int64_t layer, const Shape& shape, std::string_view types) {
  PlannedTensor tensor{role, model::tensor_name(role, layer), model::tensor_dims(role, config_of(shape)),
                       nullptr};
  const std::string name = tensor.dims.size() == 1 ? "F32"
                           : types == kMixture     ? std::string(mixture_type(role, layer, shape))
                                                   : upper(types);
  tensor.type = fit(quant::find_tensor_type(name), tensor.dims[0]);
  return tensor;
}

bool is_norm(Role role) {
  return role == Role::output_norm || role == Role::attn_norm || role == Role::ffn_norm;
}

// FNV-1a. Each tensor has a stream of its own, so that it does not change when another one does.
uint64_t stream_seed(uint64_t seed, std::string_view name) {
  uint64_t hash = 0xCBF29CE484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001B3ull;
  return Random(seed).next() ^ hash;
}

void draw(const PlannedTensor& tensor, Random& random, uint64_t blocks, std::byte* out) {
  if (is_norm(tensor.role)) {
    draw_uniform(random, 0.75, 1.25, blocks, out);
  } else if (tensor.dims.size() == 1) {
    draw_uniform(random, -0.5, 0.5, blocks, out);
  } else {
    find_draw (*tensor.type)(random, 1 / std::sqrt(static_cast<double>(tensor.dims[0])), blocks, out);
  }
}

uint64_t padding(uint64_t bytes) { return (kAlignment - bytes % kAlignment) % kAlignment; }

using Sink = std::function<Status(std::span<const std::byte>)>;

Status stream_model(const Shape& shape, std::string_view types, uint64_t seed, const Sink& sink,
                    const Progress& progress) {
  constexpr uint64_t kPiece = 4 << 20;
  KIGO_ASSIGN(const std::vector<PlannedTensor> tensors, plan_tensors(shape, types));
  const std::string name = cat("seeded ", shape.name, ' ', types, ", seed ", seed);
  KIGO_ASSIGN(const std::vector<std::byte> head, make_head(shape, name, tensors));
  uint64_t total = head.size();
  for (const PlannedTensor& tensor : tensors) total += tensor.size_bytes() + padding(tensor.size_bytes());
  KIGO_TRY(sink(head));
  uint64_t written = head.size();
  std::vector<std::byte> piece;
  for (const PlannedTensor& tensor : tensors) {
    Random random(stream_seed(seed, tensor.name));
    for (uint64_t left = tensor.blocks(); left > 0;) {
      const uint64_t blocks = std::min(left, kPiece / tensor.type->block_bytes);
      left -= blocks;
      const uint64_t bytes = blocks * tensor.type->block_bytes;
      piece.assign(bytes + (left == 0 ? padding(tensor.size_bytes()) : 0), std::byte{0});
      draw(tensor, random, blocks, piece.data());
      KIGO_TRY(sink(piece));
      written += piece.size();
      if (progress) progress(written, total);
    }
  }
  KIGO_CHECK(written == total);
  return {};
}

}  // namespace

std::span<const Shape> shapes() { return kShapes; }
std::span<const std::string_view> type_names() { return kTypeNames; }

Result<Shape> find_shape(std::string_view name) {
  const auto at = std::ranges::find(kShapes, name, &Shape::name);
  if (at != kShapes.end()) return *at;
  return fail(Code::invalid_request, "shape", cat('"', escaped(name), '"'),
              cat("one of ", joined(kShapes, &Shape::name)));
}

uint64_t PlannedTensor::blocks() const {
  uint64_t elements = 1;
  for (const uint64_t dim : dims) elements *= dim;
  return elements / type->block_values;
}

Result<std::vector<PlannedTensor>> plan_tensors(const Shape& shape, std::string_view types) {
  if (std::ranges::find(kTypeNames, types) == kTypeNames.end())
    return fail(Code::invalid_request, "types", cat('"', escaped(types), '"'),
                cat("one of ", joined(kTypeNames, std::identity())));
  std::vector<PlannedTensor> tensors;
  const model::Architecture& family = *config_of(shape).architecture;
  const auto add = [&](int index, int64_t layer) {
    const auto role = static_cast<Role>(index);
    const bool wanted =
        role == Role::output ? !shape.tied : model::presence(role, family) == model::Presence::required;
    if (wanted) tensors.push_back(plan_tensor(role, layer, shape, types));
  };
  for (int role = 0; role < model::kModelRoles; ++role) add(role, 0);
  for (int64_t layer = 0; layer < shape.layers; ++layer)
    for (int role = model::kModelRoles; role < model::kRoles; ++role) add(role, layer);
  return tensors;
}

Status make_model(const Shape& shape, std::string_view types, uint64_t seed, const std::string& path,
                  const Progress& progress) {
  KIGO_ASSIGN(OutputFile file, OutputFile::create(path));
  KIGO_TRY(stream_model(
      shape, types, seed, [&file](auto bytes) { return file.append(bytes); }, progress));
  return file.commit();
}

Status make_model(const SeededModel& model, const std::string& path, const Progress& progress) {
  KIGO_ASSIGN(const Shape shape, find_shape(model.shape));
  return make_model(shape, model.types, model.seed, path, progress);
}

Result<std::vector<std::byte>> make_model_bytes(const Shape& shape, std::string_view types, uint64_t seed) {
  std::vector<std::byte> all;
  const Sink append = [&all](std::span<const std::byte> bytes) {
    all.insert(all.end(), bytes.begin(), bytes.end());
    return Status();
  };
  KIGO_TRY(stream_model(shape, types, seed, append, {}));
  return all;
}

Result<std::vector<std::byte>> make_model_bytes(const SeededModel& model) {
  KIGO_ASSIGN(const Shape shape, find_shape(model.shape));
  return make_model_bytes(shape, model.types, model.seed);
}

}  // namespace kigo::tools
