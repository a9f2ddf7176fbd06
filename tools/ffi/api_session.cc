// The bare session and the bare draw, for verification.
#include <limits>

#include "core/base/cat.h"
#include "tools/ffi/sampling.h"

namespace kigo::ffi {
namespace {

Outcome<InferenceContext*> open(const std::shared_ptr<Model>& model, uint32_t max_context) {
  const int64_t context = model->backend().context();
  if (max_context > context)
    return refuse(WorkerError::invalid_request,
                  cat("max_context: ", max_context, ", expected at most ", context, ", the model's"));
  auto session = std::make_shared<BareSession>(model);
  session->max_context = max_context != 0 ? max_context : context;
  KIGO_ASSIGN(session->sequence, Sequence::open(*model));
  return Registry::instance().add(std::move(session));
}

/// The logits of the last id, in float.
Result<std::vector<float>> forward(BareSession& session, std::span<const uint32_t> ids) {
  model::Session& sequence = session.sequence->session();
  KIGO_TRY(model::check_tokens(ids, sequence.length(), session.max_context, session.model->config().vocab));
  auto logits = session.model->backend().prefill(sequence, ids);
  session.sequence->count();
  if (!logits) return tl::unexpected<Error>(std::move(logits.error()));
  return std::vector<float>(logits->values.begin(), logits->values.end());
}

Outcome<uint32_t> generate_token(BareSession& session, uint32_t token, const sample::Params& params) {
  KIGO_TRY(sample::check(params));
  KIGO_ASSIGN(const auto logits, forward(session, {&token, 1}));
  KIGO_ASSIGN(const uint32_t id,
              sample::sample(logits, params, {}, session.draws, session.model->drawable()));
  ++session.draws;
  return id;
}

Outcome<void> draw(std::span<const float> logits, std::span<const uint32_t> history,
                   const WorkerSampling* sampling, uint64_t token_index, uint32_t& id) {
  const auto params = sampling_params(sampling);
  if (!params) return tl::unexpected<Failure>(params.error());
  for (size_t i = 0; i < history.size(); ++i)
    if (history[i] >= logits.size())
      return refuse(WorkerError::invalid_request,
                    cat("history[", i, "]: ", history[i], ", expected an id below ", logits.size()));
  KIGO_ASSIGN(id, sample::sample(logits, *params, history, token_index));
  return {};
}

}  // namespace
}  // namespace kigo::ffi

using namespace kigo::ffi;  // NOLINT: the functions below are this file's only users of it

extern "C" {

InferenceContext* cuda_inference_init(CudaModel* model, uint32_t max_context, int* err) {
  return value_of<InferenceContext*>(nullptr, err, [&]() -> Outcome<InferenceContext*> {
    KIGO_ASSIGN(const auto held, hold<Model>(model));
    return open(held.object, max_context);
  });
}

int worker_inference_forward(InferenceContext* session, const uint32_t* ids, size_t n, float* logits,
                             size_t capacity) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<BareSession>(session));
    KIGO_TRY(require(ids, "ids"));
    KIGO_TRY(require(logits, "logits"));
    const auto vocab = static_cast<size_t>(held->model->config().vocab);
    if (capacity < vocab)
      return refuse(kigo::WorkerError::buffer_too_small,
                    kigo::cat("logits: room for ", capacity, ", ", vocab, " needed"));
    KIGO_ASSIGN(const auto found, forward(*held, {ids, n}));
    std::copy(found.begin(), found.end(), logits);
    return {};
  });
}

uint32_t cuda_inference_generate_token(InferenceContext* session, uint32_t token_id, float temperature,
                                       uint32_t top_k, float top_p, uint64_t seed, int* err) {
  return value_of<uint32_t>(std::numeric_limits<uint32_t>::max(), err, [&]() -> Outcome<uint32_t> {
    KIGO_ASSIGN(const auto held, hold<BareSession>(session));
    return generate_token(*held, token_id,
                          {.temperature = temperature, .top_p = top_p, .top_k = top_k, .seed = seed});
  });
}

void cuda_inference_reset(InferenceContext* session) {
  (void)code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<BareSession>(session));
    held->sequence->session().reset();
    held->draws = 0;
    return {};
  });
}

void cuda_inference_context_free(InferenceContext* session) { free_handle<BareSession>(session); }

int cuda_sample_token(CudaContext* context, const float* host_logits, uint32_t vocab, const uint32_t* history,
                      size_t n, const WorkerSampling* sampling, uint64_t token_index, uint32_t* id) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Context>(context));
    KIGO_TRY(require(host_logits, "host_logits"));
    KIGO_TRY(check_capacity_pointer(history, n, "history"));
    KIGO_TRY(require(id, "id"));
    if (vocab == 0) return refuse(kigo::WorkerError::invalid_request, "vocab: 0, expected at least 1");
    return draw({host_logits, vocab}, {history, n}, sampling, token_index, *id);
  });
}

}  // extern "C"
