#include "tools/lib/haiku/truth.h"

#include <filesystem>

#include "core/base/fault.h"
#include "core/base/sha256.h"
#include "tools/lib/goldens.h"
#include "tools/lib/haiku/judge.h"
#include "tools/lib/logit_noise.h"

namespace kigo::tools {
namespace {

#ifdef KIGO_FAULTS
using WithoutFaults = fault::Suspended;
#else
struct WithoutFaults {
  WithoutFaults() {}  // not trivial: or a variable of it would be called unused
};
#endif

}  // namespace

Result<std::unique_ptr<Truth>> Truth::open(const std::string& path) {
  [[maybe_unused]] const WithoutFaults off;
  KIGO_ASSIGN(model::Model model, model::open(path));
  KIGO_ASSIGN(text::Tokenizer tokenizer, text::Tokenizer::from_gguf(model.source.file));
  return std::unique_ptr<Truth>(new Truth(path, std::move(model), std::move(tokenizer)));
}

Json Truth::description() const {
  std::error_code ignored;
  return describe(model_, tokenizer_, path_, sha256(model_.source.map.bytes()),
                  std::filesystem::equivalent(path_, shipped_model(), ignored));
}

Result<Json> Truth::judge(std::span<const Exchange> exchanges, bool kernels) const {
  [[maybe_unused]] const WithoutFaults off;
  JudgeOptions options;
  if (kernels) options = {.cache = reference::Cache::Half, .noise = kHalfNoise};
  return tools::judge(model_, tokenizer_, exchanges, options);
}

}  // namespace kigo::tools
