// The table of model families.
#include "core/model/architecture.h"

#include <algorithm>
#include <array>

namespace kigo::model {
namespace {

// Source: docs/gguf.md, sections 6 and 7, and the model cards; which elements rotate together is in no file.
constexpr std::array kArchitectures = std::to_array<Architecture>({
    {.name = "qwen2",
     .norm = Norm::rms,
     .position = Position::rope_halves,
     .ffn = Ffn::swiglu,
     .default_rope_base = 0,
     .qkv_bias = Presence::required,
     .output_bias = Presence::never,
     .rope_divisors = Presence::never},
    {.name = "llama",
     .norm = Norm::rms,
     .position = Position::rope_neighbours,
     .ffn = Ffn::swiglu,
     .default_rope_base = 10000,
     .qkv_bias = Presence::optional,
     .output_bias = Presence::optional,
     .rope_divisors = Presence::optional},
});

constexpr std::array<std::string_view, 2> kPlanned{"phi3", "gpt2"};

}  // namespace

std::span<const Architecture> architectures() { return kArchitectures; }

const Architecture* find_architecture(std::string_view name) {
  const auto at = std::ranges::find(kArchitectures, name, &Architecture::name);
  return at == kArchitectures.end() ? nullptr : &*at;
}

std::span<const std::string_view> planned_architectures() { return kPlanned; }

}  // namespace kigo::model
