#include "tools/lib/haiku/judge.h"

#include <algorithm>
#include <limits>

#include "core/base/cat.h"
#include "core/text/chat.h"
#include "core/text/stream_decoder.h"
#include "tools/lib/generation.h"
#include "tools/lib/haiku/draw_margin.h"
#include "tools/lib/json_fields.h"
#include "tools/lib/logit_noise.h"

namespace kigo::tools {
namespace {

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

/// What a draw depends on.
struct Position {
  std::span<const float> logits;
  const sample::Params& params;
  std::span<const uint32_t> history;
  uint64_t index;
  std::span<const uint8_t> drawable;
};

/// Of some ids that are not the reference's the one with the least deficit; null when there are none.
Result<Json> nearest_of(std::span<const uint32_t> others, uint32_t chosen, const Position& at) {
  Json nearest;
  double least = std::numeric_limits<double>::infinity();
  for (const uint32_t other : others) {
    double deficit = (double{at.logits[chosen]} - double{at.logits[other]}) / 2;  // both may be off
    if (at.params.temperature > 0) {
      KIGO_ASSIGN(deficit, draw_deficit(at.logits, at.params, at.history, at.index, at.drawable, other));
    }
    if (!(deficit < least)) continue;
    least = deficit;
    nearest = Json::object({{"position", at.index}, {"id", other}, {"deficit", deficit}});
  }
  return nearest;
}

Result<Json> judge(const model::Model& model, const text::Tokenizer& tokenizer, const Exchange& exchange,
                   const JudgeOptions& options) {
  const Json& body = *exchange.request.find("body");
  KIGO_ASSIGN(const std::vector<uint32_t> prompt, prompt_ids(tokenizer, body));
  const sample::Params params = params_of(body);
  const auto length = static_cast<int64_t>(prompt.size());
  const Answer answer = read_answer(exchange);
  const std::vector<uint32_t> ids = usable(answer.ids, tokenizer.size(), model.config.context - length);
  std::vector<uint32_t> all = prompt;
  all.insert(all.end(), ids.begin(), ids.end());
  reference::Session session(model, options.cache, options.products);
  KIGO_ASSIGN(const model::Rows logits, session.forward(all, model::Logits::All));
  const std::vector<uint8_t> drawable = tokenizer.drawable_ids();
  Json chosen = Json::array(), margins = Json::array(), errors = Json::array(), differing = Json::array();
  for (int64_t row = length - 1; row < logits.rows; ++row) {
    const double* values = logits.values.data() + row * logits.width;
    const std::vector<float> rounded(values, values + logits.width);
    const auto index = static_cast<uint64_t>(row - length + 1);
    const auto history = std::span(all).first(static_cast<size_t>(row) + 1);
    KIGO_ASSIGN(const uint32_t id, sample::sample(rounded, params, history, index, drawable));
    KIGO_ASSIGN(const double margin,
                params.temperature > 0
                    ? draw_margin(rounded, params, history, index, drawable)
                    : Result<double>(best_drawable({values, {logits.width}}, drawable).margin));
    // Behind the last id stands an end token that no event names.
    const bool ended =
        index == ids.size() && text_of(answer.end, "stop_reason") == "EOS" && !tokenizer.is_end(id);
    std::vector<uint32_t> others;
    if (ended) others = tokenizer.end_ids();
    if (index < ids.size() && ids[index] != id) others = {ids[index]};
    KIGO_ASSIGN(Json nearest, nearest_of(others, id, {rounded, params, history, index, drawable}));
    if (!nearest.is_null()) differing.push(std::move(nearest));
    chosen.push(id);
    margins.push(std::min(margin, kSafe));
    errors.push(allowed_error(std::span(values, static_cast<size_t>(logits.width)), options.noise));
  }
  text::StreamDecoder decoder;
  std::string decoded = decoder.push(tokenizer.decode(ids));
  decoded += decoder.finish();
  return Json::object({{"attempt", exchange.attempt},
                       {"exchange", exchange.name},
                       {"prompt_tokens", length},
                       {"ids", std::move(chosen)},
                       {"margins", std::move(margins)},
                       {"errors", std::move(errors)},
                       {"differing", std::move(differing)},
                       {"decoded", std::move(decoded)},
                       {"ill_formed_bytes", decoder.ill_formed_bytes()}});
}

}  // namespace

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

Result<std::vector<uint32_t>> prompt_ids(const text::Tokenizer& tokenizer, const Json& body) {
  std::vector<uint32_t> ids;
  if (body.find("prompt_tokens") != nullptr) {
    KIGO_TRY(Fields(body, "request").get("prompt_tokens", ids));
    return ids;
  }
  KIGO_ASSIGN(const text::ChatFormat* format, text::require_chat_format(tokenizer));
  const text::Message message{text::Role::user, text_of(body, "prompt")};
  return text::render(tokenizer, *format, {&message, 1});
}

Result<Json> judge(const model::Model& model, const text::Tokenizer& tokenizer,
                   std::span<const Exchange> exchanges, const JudgeOptions& options) {
  Json all = Json::array();
  for (const Exchange& exchange : exchanges) {
    KIGO_ASSIGN(Json judged, judge(model, tokenizer, exchange, options));
    all.push(std::move(judged));
  }
  return Json::object({{"cache", options.cache == reference::Cache::Half ? "half" : "double"},
                       {"products", options.products == reference::Products::Fast ? "fast" : "plain"},
                       {"context", model.config.context},
                       {"end_ids", Json::array_of(tokenizer.end_ids())},
                       {"exchanges", std::move(all)}});
}

Json describe(const model::Model& model, const text::Tokenizer& tokenizer, const std::string& file,
              const std::string& sha256, bool shipped) {
  return Json::object({{"file", file},
                       {"sha256", sha256},
                       {"bytes", static_cast<uint64_t>(model.source.map.bytes().size())},
                       {"shipped", shipped},
                       {"architecture", model.config.architecture->name},
                       {"vocab", tokenizer.size()}});
}

}  // namespace kigo::tools
