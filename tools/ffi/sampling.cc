#include "tools/ffi/sampling.h"

#include <cstring>

#include "core/base/cat.h"
#include "core/sample/stop.h"

namespace kigo::ffi {
namespace {

constexpr uint32_t kAllFlags = WORKER_IGNORE_EOS | WORKER_PARSE_SPECIAL | WORKER_CHAT;
constexpr uint32_t kMaxStops = 4;
constexpr size_t kLongestStop = 101;  // one more than check_stops lets through: what is longer is not read

Result<std::vector<std::string>> read_stops(const WorkerSampling& sampling) {
  if (sampling.n_stop > kMaxStops)
    return fail(Code::invalid_request, "n_stop", cat(sampling.n_stop), cat("at most ", kMaxStops));
  if (sampling.n_stop > 0) KIGO_TRY(require(sampling.stop, "stop"));
  std::vector<std::string> stops;
  for (uint32_t i = 0; i < sampling.n_stop; ++i) {
    KIGO_TRY(require(sampling.stop[i], cat("stop[", i, "]").c_str()));
    stops.emplace_back(sampling.stop[i], ::strnlen(sampling.stop[i], kLongestStop));
  }
  KIGO_TRY(sample::check_stops(stops));
  return stops;
}

}  // namespace

Status check_flags(uint32_t flags, uint32_t known) {
  if ((flags & ~known) == 0) return {};
  return fail(Code::invalid_request, "flags", cat(flags), cat("bits of ", known));
}

Outcome<sample::Params> sampling_params(const WorkerSampling* sampling) {
  FFI_TRY(check_struct(sampling, "WorkerSampling"));
  KIGO_TRY(check_flags(sampling->flags, kAllFlags));
  if (sampling->reserved != 0)
    return refuse(WorkerError::invalid_request, cat("reserved: ", sampling->reserved, ", expected 0"));
  const sample::Params params{.temperature = sampling->temperature,
                              .top_p = sampling->top_p,
                              .min_p = sampling->min_p,
                              .repetition_penalty = sampling->repetition_penalty,
                              .top_k = sampling->top_k,
                              .seed = sampling->seed};
  KIGO_TRY(sample::check(params));
  return params;
}

Outcome<tools::GenerationOptions> generation_options(const WorkerSampling* sampling, int64_t context) {
  auto params = sampling_params(sampling);
  if (!params) return tl::unexpected<Failure>(std::move(params.error()));
  if (sampling->max_tokens < 1 || sampling->max_tokens > context)
    return refuse(WorkerError::invalid_request,
                  cat("max_tokens: ", sampling->max_tokens, ", expected 1..", context, ", the context"));
  tools::GenerationOptions options;
  options.sampling = *params;
  options.max_tokens = sampling->max_tokens;
  options.ignore_end = (sampling->flags & WORKER_IGNORE_EOS) != 0;
  KIGO_ASSIGN(options.stop, read_stops(*sampling));
  return options;
}

}  // namespace kigo::ffi
