#include "core/base/fault.h"

#ifdef KIGO_FAULTS

#include <array>
#include <cstdio>
#include <cstdlib>

namespace kigo::fault {
namespace {

constexpr std::array kFaults = std::to_array<Fault>({
    {Id::F03, "F03", "general.alignment ignored, always 32", "file"},
    {Id::F45, "F45", "special tokens split by BPE", "tokenizer"},
    {Id::F46, "F46", "newline after the last role name left out of the chat format", "tokenizer"},
    {Id::F47, "F47", "detokeniser inverts only the space and newline characters of the byte map",
     "round trip"},
    {Id::F75, "F75", "reference: rotary pairing of neighbours", "logits"},
    {Id::F76, "F76", "reference: attention scale 1/head_dim", "logits"},
    {Id::F79, "F79", "biases zero", "logits"},
});

/// The fault named in the environment, or null.
const Fault* selected() {
  static const Fault* const kSelected = []() -> const Fault* {
    const char* wanted = std::getenv("KIGO_FAULT");
    if (wanted == nullptr || *wanted == '\0') return nullptr;
    for (const Fault& fault : kFaults) {
      if (fault.name == wanted) {
        std::fprintf(stderr, "kigo: FAULT BUILD, %s is on: %.*s\n", wanted,
                     static_cast<int>(fault.title.size()), fault.title.data());
        return &fault;
      }
    }
    std::fprintf(stderr, "kigo: KIGO_FAULT: %s, expected a fault of docs/faults.md that this build holds\n",
                 wanted);
    std::exit(2);
  }();
  return kSelected;
}

}  // namespace

std::span<const Fault> faults() { return kFaults; }

bool active(Id id) {
  const Fault* fault = selected();
  return fault != nullptr && fault->id == id;
}

}  // namespace kigo::fault

#endif
