#include "tools/lib/haiku/truth.h"

#include <algorithm>
#include <filesystem>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/base/file_map.h"
#include "core/base/sha256.h"
#include "core/text/chat.h"
#include "core/text/stream_decoder.h"
#include "reference/model.h"
#include "tools/lib/generation.h"
#include "tools/lib/goldens.h"
#include "tools/lib/haiku/draw_margin.h"
#include "tools/lib/json_fields.h"
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

/// What the request asks of the sampler; members that are absent have the worker's defaults.
sample::Params params_of(const Json& body) {
  sample::Params params;
  const auto number = [&](std::string_view key, float& out) {
    const Json* member = body.find(key);
    if (member != nullptr && member->number()) out = static_cast<float>(*member->number());
  };
  number("temperature", params.temperature);
  number("top_p", params.top_p);
  number("repetition_penalty", params.repetition_penalty);
  params.top_k = static_cast<uint32_t>(std::max<int64_t>(integer_of(body, "top_k"), 0));
  const Json* seed = body.find("seed");
  if (seed != nullptr) params.seed = seed->unsigned_integer().value_or(0);
  return params;
}

constexpr double kSafe = 1e9;  // stands for infinity, which JSON does not have

/// The worker's ids up to the first that the model does not have, and no more than the context holds.
std::vector<uint32_t> usable(const std::vector<int64_t>& ids, int64_t vocab, int64_t room) {
  std::vector<uint32_t> out;
  for (const int64_t id : ids) {
    if (id < 0 || id >= vocab || static_cast<int64_t>(out.size()) >= room) break;
    out.push_back(static_cast<uint32_t>(id));
  }
  return out;
}

}  // namespace

Result<std::unique_ptr<Truth>> Truth::open(const std::string& path) {
  [[maybe_unused]] const WithoutFaults off;
  KIGO_ASSIGN(model::Model model, model::open(path));
  KIGO_ASSIGN(text::Tokenizer tokenizer, text::Tokenizer::from_gguf(model.source.file));
  return std::unique_ptr<Truth>(new Truth(path, std::move(model), std::move(tokenizer)));
}

Json Truth::description() const {
  std::error_code ignored;
  return Json::object({{"file", path_},
                       {"sha256", sha256(model_.source.map.bytes())},
                       {"bytes", static_cast<uint64_t>(model_.source.map.bytes().size())},
                       {"shipped", std::filesystem::equivalent(path_, shipped_model(), ignored)},
                       {"architecture", model_.config.architecture->name},
                       {"vocab", tokenizer_.size()}});
}

Result<std::vector<uint32_t>> Truth::prompt_ids(const Json& body) const {
  std::vector<uint32_t> ids;
  if (body.find("prompt_tokens") != nullptr) {
    KIGO_TRY(Fields(body, "request").get("prompt_tokens", ids));
    return ids;
  }
  KIGO_ASSIGN(const text::ChatFormat* format, text::require_chat_format(tokenizer_));
  const text::Message message{text::Role::user, text_of(body, "prompt")};
  return text::render(tokenizer_, *format, {&message, 1});
}

Result<Json> Truth::judge(const Exchange& exchange, bool kernels) const {
  const Json& body = *exchange.request.find("body");
  KIGO_ASSIGN(const std::vector<uint32_t> prompt, prompt_ids(body));
  const sample::Params params = params_of(body);
  const auto length = static_cast<int64_t>(prompt.size());
  const std::vector<uint32_t> ids =
      usable(read_answer(exchange).ids, tokenizer_.size(), model_.config.context - length);
  std::vector<uint32_t> all = prompt;
  all.insert(all.end(), ids.begin(), ids.end());
  reference::Session session(model_, kernels ? reference::Cache::Half : reference::Cache::Double,
                             reference::Products::Plain);
  KIGO_ASSIGN(const model::Rows logits, session.forward(all, model::Logits::All));
  const std::vector<uint8_t> drawable = tokenizer_.drawable_ids();
  Json chosen = Json::array(), margins = Json::array(), errors = Json::array();
  for (int64_t row = length - 1; row < logits.rows; ++row) {
    const double* values = logits.values.data() + row * logits.width;
    const std::vector<float> rounded(values, values + logits.width);
    const auto index = static_cast<uint64_t>(row - length + 1);
    const auto history = std::span(all).first(static_cast<size_t>(row) + 1);
    KIGO_ASSIGN(const uint32_t id, sample::sample(rounded, params, history, index, drawable));
    double margin = best_drawable({values, {logits.width}}, drawable).margin;
    if (params.temperature > 0) {
      KIGO_ASSIGN(margin, draw_margin(rounded, params, history, index, drawable));
    }
    chosen.push(id);
    margins.push(std::min(margin, kSafe));
    errors.push(kernels ? allowed_error(std::span(values, static_cast<size_t>(logits.width)), kHalfNoise)
                        : 0.0);
  }
  text::StreamDecoder decoder;
  std::string decoded = decoder.push(tokenizer_.decode(ids));
  decoded += decoder.finish();
  return Json::object({{"attempt", exchange.attempt},
                       {"exchange", exchange.name},
                       {"prompt_tokens", length},
                       {"ids", std::move(chosen)},
                       {"margins", std::move(margins)},
                       {"errors", std::move(errors)},
                       {"decoded", std::move(decoded)},
                       {"ill_formed_bytes", decoder.ill_formed_bytes()}});
}

Result<Json> Truth::judge(std::span<const Exchange> exchanges, bool kernels) const {
  [[maybe_unused]] const WithoutFaults off;
  Json all = Json::array();
  for (const Exchange& exchange : exchanges) {
    KIGO_ASSIGN(Json judged, judge(exchange, kernels));
    all.push(std::move(judged));
  }
  return Json::object({{"backend", "cpu"},
                       {"cache", kernels ? "half" : "double"},
                       {"products", "plain"},
                       {"context", model_.config.context},
                       {"end_ids", Json::array_of(tokenizer_.end_ids())},
                       {"exchanges", std::move(all)}});
}

}  // namespace kigo::tools
