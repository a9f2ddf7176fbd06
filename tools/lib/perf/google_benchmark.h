// What a plain Google Benchmark program wrote with --benchmark_format=json, as records.
#pragma once

#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// What the file does not say.
struct ImportOptions {
  std::string machine;
  std::string commit;
  std::string device;  // empty: "8 processors", "unknown processors"
};

/// Whether an object is one of Google Benchmark's: members `context` and `benchmarks`.
bool is_google_benchmark(const Json& json);

/// One record a benchmark: its repetitions are the samples (real time, in microseconds), aggregates are
/// passed over, a benchmark that failed is invalid with its message. Kind cpu; the name up to the first slash
/// is the name, the rest the case, or all of it the name where one of them would be empty; method 1; bytes
/// from bytes_per_second. The time is that of the context, where all records have it: the file does not say
/// when each was taken. Errors: bad_value, subject `NAME, MEMBER`.
Result<std::vector<Record>> google_benchmark_records(const Json& json, const std::string& name,
                                                     const ImportOptions& options);

}  // namespace kigo::tools::perf
