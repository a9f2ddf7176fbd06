// WorkerSampling, checked and in the words of the generation loop.
#pragma once

#include <cstdint>

#include "tools/ffi/objects.h"

namespace kigo::ffi {

/// Temperature, filters and seed alone. Errors: abi_mismatch; invalid_request as sample::check, and for
/// unknown flags.
Outcome<sample::Params> sampling_params(const WorkerSampling* sampling);

/// All of it; the cancel flag stays null. Errors: also for max_tokens beyond `context`, and as
/// sample::check_stops.
Outcome<tools::GenerationOptions> generation_options(const WorkerSampling* sampling, int64_t context);

/// flags of this set only. Errors: invalid_request.
Status check_flags(uint32_t flags, uint32_t known);

}  // namespace kigo::ffi
