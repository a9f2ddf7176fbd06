// The probes of files and blocks, and all of them together.
#include "tools/lib/faults/probe.h"

#include <algorithm>
#include <array>
#include <span>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "core/model/weights.h"
#include "core/quant/tensor_type.h"
#include "tools/lib/golden_blocks.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

// Of alignment 64 and 32; the second has every type of the mixture.
constexpr std::array<std::string_view, 3> kFiles{"tiny-f16", "tiny-q4_k_m", "llama-q4_k_m"};

std::string model_path(std::string_view name) { return cat(golden_folder(), "/tiny/", name, ".gguf"); }

/// What a refusal of the reader accuses.
std::string accused(const Error& error) {
  if (error.code == Code::bad_magic) return "file:magic";
  if (error.code == Code::bad_offset) return "file:offset";
  if (error.code == Code::bad_shape || error.code == Code::wrong_shape)
    return cat("file:shape of ", error.subject);
  return cat("file:", name(error.code));
}

bool same(std::span<const std::byte> a, std::span<const std::byte> b) { return std::ranges::equal(a, b); }

/// The first field or tensor in which a file is read otherwise.
std::string difference(const gguf::File& found, const gguf::File& truth) {
  if (found.alignment != truth.alignment) return "file:alignment";
  if (found.tensors.size() != truth.tensors.size()) return "file:tensor count";
  for (size_t i = 0; i < truth.tensors.size(); ++i) {
    const gguf::Tensor& tensor = truth.tensors[i];
    if (found.tensors[i].dims != tensor.dims) return cat("file:shape of ", tensor.name);
    if (found.tensors[i].offset != tensor.offset) return "file:offset";
  }
  for (size_t i = 0; i < truth.tensors.size(); ++i)
    if (!same(found.tensors[i].data, truth.tensors[i].data)) return cat("weight:", truth.tensors[i].name);
  return {};
}

/// The first tensor of the file that the model does not have as it stands there.
std::string lost_weight(const model::Weights& found, const model::Weights& truth, int64_t layers) {
  for (int64_t layer = 0; layer < layers; ++layer) {
    for (int index = layer == 0 ? 0 : model::kModelRoles; index < model::kRoles; ++index) {
      const auto role = static_cast<model::Role>(index);
      const gguf::Tensor* wanted = nullptr;
      {
        const fault::Suspended off;
        wanted = truth.find(role, layer);
      }
      const gguf::Tensor* there = found.find(role, layer);
      if (wanted == nullptr && there == nullptr) continue;
      if (wanted == nullptr || there == nullptr || !same(wanted->data, there->data))
        return cat("weight:", model::tensor_name(role, layer));
    }
  }
  return {};
}

Result<SeenAll> probe_file(std::string_view name) {
  const std::string path = model_path(name);
  const auto read_truth = [&] {
    const fault::Suspended off;
    return model::open(path);
  };
  KIGO_ASSIGN(const model::Model truth, read_truth());
  SeenAll seen;
  const auto see = [&](char kind, std::string checkpoint) {
    seen.push_back({kind, cat(std::string(1, kind), ":", name), std::move(checkpoint), -1, 0});
  };
  const auto source = gguf::open(path);
  if (!source) {
    see('l', accused(source.error()));
    return seen;
  }
  if (std::string field = difference(source->file, truth.source.file); !field.empty()) {
    see('l', std::move(field));
    return seen;
  }
  const auto found = model::open(path);
  if (!found) {
    see('l', accused(found.error()));
    return seen;
  }
  if (std::string tensor = lost_weight(found->weights, truth.weights, truth.config.layers); !tensor.empty())
    see('l', std::move(tensor));
  return seen;
}

/// A file whose offsets only its own alignment explains: 64, and tensors of 4 bytes.
Result<SeenAll> probe_alignment() {
  const std::array<std::byte, 4> data{};
  gguf::File file;
  file.metadata.push_back({"general.alignment", uint32_t{64}, 0});
  for (const char* tensor : {"a", "b"})
    file.tensors.push_back({tensor, {1}, quant::find_tensor_type("F32"), data, 0, 0});
  const auto written = [&] {
    const fault::Suspended off;
    return gguf::write(file);
  };
  KIGO_ASSIGN(const std::vector<std::byte> bytes, written());
  const auto found = gguf::read(bytes);
  if (found) return SeenAll{};
  return SeenAll{{'l', "l:alignment 64", accused(found.error()), -1, 0}};
}

}  // namespace

void append(SeenAll& all, SeenAll more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
}

Result<SeenAll> probe_files() {
  KIGO_ASSIGN(SeenAll all, probe_alignment());
  for (const std::string_view name : kFiles) {
    KIGO_ASSIGN(SeenAll seen, probe_file(name));
    append(all, std::move(seen));
  }
  return all;
}

Result<SeenAll> probe_blocks() {
  SeenAll all;
  for (const quant::TensorType& type : quant::tensor_types()) {
    if (type.decode == nullptr || type.name == "F32") continue;  // whose bytes are the value
    KIGO_ASSIGN(const BlockComparison comparison, compare_golden_blocks(golden_folder(), type));
    if (comparison.wrong_groups != 0)
      all.push_back({'g', cat("g:blocks ", type.name), "golden blocks", -1, 0});
  }
  return all;
}

Result<SeenAll> probe_all() {
  SeenAll all;
  for (const auto probe : {probe_files, probe_blocks, probe_text, probe_model, probe_sampler}) {
    auto seen = probe();
    if (!seen && !all.empty()) break;  // a file that is read wrong may leave nothing to look at behind it
    if (!seen) return tl::unexpected<Error>(std::move(seen.error()));
    append(all, std::move(*seen));
  }
  return all;
}

Json probe_json(const Result<SeenAll>& seen) {
  Json list = Json::array();
  if (!seen) return Json::object({{"error", seen.error().message()}, {"seen", std::move(list)}});
  for (const Seen& each : *seen) {
    list.push(Json::object({{"kind", std::string(1, each.kind)},
                            {"by", each.by},
                            {"checkpoint", each.checkpoint},
                            {"position", each.position},
                            {"over", each.over}}));
  }
  return Json::object({{"seen", std::move(list)}});
}

}  // namespace kigo::tools
