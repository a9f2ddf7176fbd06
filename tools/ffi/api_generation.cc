// One generation: the project's loop, asked for one piece at a time.
#include <cstring>

#include "core/base/cat.h"
#include "tools/ffi/sampling.h"
#include "tools/ffi/text.h"
#include "tools/lib/serve/request.h"

namespace kigo::ffi {
namespace {

using Ids = std::vector<uint32_t>;

/// U+0000 ends a string in C: it is shown as U+FFFD, as any other character that a reader cannot have.
std::string c_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\0') {
      out += "\uFFFD";
    } else {
      out += c;
    }
  }
  return out;
}

Outcome<InferenceResult*> start(const std::shared_ptr<Model>& model, const Ids& prompt,
                                tools::GenerationOptions options) {
  KIGO_ASSIGN(const text::Tokenizer* tokenizer, model->tokenizer());
  auto handle = std::make_shared<GenerationHandle>(model);
  options.cancel = &handle->cancel;
  tools::GenerationEvents events;
  events.piece = [pending = &handle->pending](const tools::Piece& piece) {
    pending->push_back({c_text(piece.text), piece.first});
  };
  KIGO_ASSIGN(handle->sequence, Sequence::open(*model));
  KIGO_ASSIGN(handle->generator,
              tools::Generator::start(model->backend(), handle->sequence->session(), *tokenizer, prompt,
                                      std::move(options), std::move(events)));
  return Registry::instance().add(std::move(handle));
}

Outcome<InferenceResult*> start_text(CudaModel* model, std::string_view prompt,
                                     const WorkerSampling* sampling) {
  KIGO_ASSIGN(const auto held, hold<Model>(model));
  auto options = generation_options(sampling, held->backend().context());
  if (!options) return tl::unexpected<Failure>(std::move(options.error()));
  const size_t limit = tools::RequestLimits().prompt_bytes;
  if (prompt.empty() || prompt.size() > limit)
    return refuse(WorkerError::invalid_request,
                  cat("prompt: ", prompt.size(), " bytes, expected 1..", limit));
  KIGO_ASSIGN(const Ids ids, ids_of(*held, prompt, sampling->flags));
  return start(held.object, ids, std::move(*options));
}

/// Computes until there is a piece, or it is over.
Outcome<void> run(GenerationHandle& handle) {
  while (handle.pending.empty() && handle.generator) {
    const auto goes_on = handle.generator->next();
    handle.sequence->count();
    if (goes_on && *goes_on) continue;
    if (goes_on) {
      handle.outcome = handle.generator->take();
    } else {
      const auto ids = handle.generator->ids();
      handle.outcome.ids.assign(ids.begin(), ids.end());
      handle.failure = Failure(goes_on.error());
    }
    handle.end();
  }
  return {};
}

int reason_number(const GenerationHandle& handle) {
  if (handle.failure) return 5;
  return 1 + static_cast<int>(handle.outcome.stop_reason);
}
static_assert(static_cast<int>(tools::StopReason::max_tokens) == 0 &&
              static_cast<int>(tools::StopReason::eos) == 1 &&
              static_cast<int>(tools::StopReason::stop_sequence) == 2 &&
              static_cast<int>(tools::StopReason::context_full) == 3);

Outcome<bool> next_piece(GenerationHandle& handle, char* out, int size, int* index) {
  KIGO_TRY(require(out, "token_out"));
  FFI_TRY(run(handle));
  const bool there = !handle.pending.empty();
  if (there) {
    const GenerationHandle::Text& piece = handle.pending.front();
    const size_t needed = piece.text.size() + 1;
    if (size < 0 || static_cast<size_t>(size) < needed)
      return refuse(WorkerError::buffer_too_small, cat("token_out: ", size, " bytes, ", needed, " needed"));
    std::memcpy(out, piece.text.c_str(), needed);
    if (index != nullptr) *index = static_cast<int>(piece.first);
    handle.pending.pop_front();
  }
  if (handle.pending.empty() && !handle.generator) handle.stop_reason = reason_number(handle);
  if (!there && handle.failure) return tl::unexpected<Failure>(*handle.failure);
  return there;
}

}  // namespace
}  // namespace kigo::ffi

using namespace kigo::ffi;  // NOLINT: the functions below are this file's only users of it

extern "C" {

InferenceResult* cuda_inference_start(CudaModel* model, const char* prompt, int max_tokens, float temperature,
                                      uint64_t seed, int* err) {
  return value_of<InferenceResult*>(nullptr, err, [&]() -> Outcome<InferenceResult*> {
    KIGO_TRY(require(prompt, "prompt"));
    if (max_tokens < 1)
      return refuse(kigo::WorkerError::invalid_request,
                    kigo::cat("max_tokens: ", max_tokens, ", expected at least 1"));
    WorkerSampling sampling{};
    sampling.struct_size = sizeof sampling;
    sampling.flags = WORKER_PARSE_SPECIAL;
    sampling.max_tokens = static_cast<uint32_t>(max_tokens);
    sampling.temperature = temperature;
    sampling.top_p = 1;
    sampling.repetition_penalty = 1;
    sampling.seed = seed;
    return start_text(model, prompt, &sampling);
  });
}

InferenceResult* worker_inference_start(CudaModel* model, const char* prompt, size_t bytes,
                                        const WorkerSampling* sampling, int* err) {
  return value_of<InferenceResult*>(nullptr, err, [&]() -> Outcome<InferenceResult*> {
    KIGO_TRY(require(prompt, "prompt"));
    return start_text(model, {prompt, bytes}, sampling);
  });
}

InferenceResult* worker_inference_start_tokens(CudaModel* model, const uint32_t* ids, size_t n,
                                               const WorkerSampling* sampling, int* err) {
  return value_of<InferenceResult*>(nullptr, err, [&]() -> Outcome<InferenceResult*> {
    KIGO_ASSIGN(const auto held, hold<Model>(model));
    KIGO_TRY(require(ids, "ids"));
    const int64_t context = held->backend().context();
    auto options = generation_options(sampling, context);
    if (!options) return tl::unexpected<Failure>(std::move(options.error()));
    if ((sampling->flags & WORKER_CHAT) != 0)
      return refuse(kigo::WorkerError::invalid_request,
                    "flags: WORKER_CHAT, expected a prompt that is a text with it");
    if (n >= static_cast<size_t>(context))  // before anything of them is read
      return refuse(kigo::WorkerError::context_overflow,
                    kigo::cat("prompt: ", n, " tokens, expected at most ", context - 1));
    return start(held.object, Ids(ids, ids + n), std::move(*options));
  });
}

bool cuda_inference_next_token(InferenceResult* result, char* token_out, int token_buffer_size,
                               int* token_index, int* err) {
  return value_of<bool>(false, err, [&]() -> Outcome<bool> {
    KIGO_ASSIGN(const auto held, hold<GenerationHandle>(result));
    return next_piece(*held, token_out, token_buffer_size, token_index);
  });
}

int worker_inference_ids(InferenceResult* result, uint32_t* ids, size_t capacity, size_t* count) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<GenerationHandle>(result));
    KIGO_TRY(require(count, "count"));
    KIGO_TRY(check_capacity_pointer(ids, capacity, "ids"));
    const auto all = held->generator ? held->generator->ids() : std::span<const uint32_t>(held->outcome.ids);
    return copy_out(all, ids, capacity, count, "ids");
  });
}

int worker_inference_stop_reason(InferenceResult* result) {
  constexpr int kFailed = 5;
  return value_of<int>(kFailed, nullptr, [&]() -> Outcome<int> {
    KIGO_ASSIGN(const auto found, Registry::instance().find<GenerationHandle>(result));
    return found->stop_reason.load();
  });
}

int worker_inference_cancel(InferenceResult* result) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto found, Registry::instance().find<GenerationHandle>(result));
    found->cancel = true;
    return {};
  });
}

void cuda_inference_free(InferenceResult* result) { free_handle<GenerationHandle>(result); }

}  // extern "C"
