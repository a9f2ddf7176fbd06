#include "tools/lib/compare/open_side.h"

#include <filesystem>

#include "core/base/cat.h"
#include "tools/lib/compare/rounding.h"

namespace kigo::tools {
namespace {

struct Live {
  std::string_view name;
  EngineOptions options;
};

std::vector<Live> live_sides() {
  return {
      {"reference", {.kv = Kv::full}},
      {"reference-half", {.kv = Kv::half, .products = reference::Products::Half}},
      {"cuda", {.backend = Device::cuda, .kv = Kv::half}},
      {"cuda-half", {.backend = Device::cuda, .kv = Kv::half, .half_weights = true}},
      {"cuda-float", {.backend = Device::cuda, .kv = Kv::full, .precise_prefill = true}},
  };
}

}  // namespace

Result<OpenSide> open_side(const model::Model& model, const std::string& name, int device,
                           const std::string& model_sha256) {
  OpenSide open;
  open.side.name = name;
  for (Live& live : live_sides()) {
    if (live.name != name) continue;
    live.options.device = device;
    KIGO_ASSIGN(open.engine, open_engine(model, live.options));
    open.rounding = open.engine->rounding();
    KIGO_ASSIGN(open.side.rounding, rounding_named(open.rounding, name));
    open.side.session = &open.engine->session();
    open.side.enter_thread = [engine = open.engine.get()] { return engine->enter_thread(); };
    return open;
  }
  std::error_code ignored;
  if (!std::filesystem::exists(name, ignored))
    return fail(Code::invalid_request, escaped(name), "no side and no file",
                "reference, reference-half, cuda, cuda-half, cuda-float or a capture");
  KIGO_ASSIGN(CaptureFile file, CaptureFile::open(name));
  if (!file.model_sha256().empty() && file.model_sha256() != model_sha256)
    return fail(Code::invalid_request, escaped(name, 4096),
                cat("a capture of the model with sha256 ", escaped(file.model_sha256())), model_sha256);
  open.capture = std::make_unique<CaptureFile>(std::move(file));
  open.side.rounding = open.capture->rounding();
  open.side.capture = open.capture.get();
  return open;
}

}  // namespace kigo::tools
