// The table of model families.
#include "core/model/architecture.h"

#include <algorithm>
#include <array>

namespace kigo::model {
namespace {

// Source: docs/gguf.md, section 6, and the model cards; the pairing of qwen2's rotation is in no file.
constexpr std::array kArchitectures = std::to_array<Architecture>({
    {.name = "qwen2",
     .norm = Norm::rms,
     .position = Position::rope_halves,
     .ffn = Ffn::swiglu,
     .qkv_bias = true},
});

constexpr std::array<std::string_view, 3> kPlanned{"llama", "phi3", "gpt2"};

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

const Architecture* find_architecture(std::string_view name) {
  const auto at = std::ranges::find(kArchitectures, name, &Architecture::name);
  return at == kArchitectures.end() ? nullptr : &*at;
}

std::span<const std::string_view> planned_architectures() { return kPlanned; }

}  // namespace kigo::model
