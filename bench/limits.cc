#include "bench/limits.h"

#include <algorithm>
#include <cmath>

#include "bench/sampling.h"
#include "core/base/cat.h"

namespace kigo::bench {

using tools::perf::Cache;
using tools::perf::Kind;
using tools::perf::Record;
using tools::perf::State;

Limits limits_of(std::span<const Record> ceilings) {
  Limits limits;
  for (const Record& record : ceilings) {
    if (record.subject.kind != Kind::ceiling || record.state != State::ok || record.us.empty()) continue;
    const double us = median(record.us);
    if (record.subject.name == kCopy || record.subject.name == kRead)
      limits.bytes_per_us = std::max(limits.bytes_per_us, record.bytes / us);
    if (record.subject.name == kHalfProduct) limits.flops_per_us = record.flops / us;
  }
  return limits;
}

std::string beyond(const Record& record, const Limits& limits) {
  if (record.us.empty()) return {};
  const double us = median(record.us);
  const auto claim = [&](double amount, double limit, double unit, const char* name) -> std::string {
    if (limit <= 0 || amount / us <= (1 + kSlack) * limit) return {};
    const auto rounded = [&](double per_us) { return std::round(1000 * per_us * unit) / 1000; };
    return cat(rounded(amount / us), " ", name, ", expected at most ", rounded(limit),
               ", which this hardware reached");
  };
  if (record.subject.cache != Cache::hot)
    if (std::string why = claim(record.bytes, limits.bytes_per_us, 1e-6, "TB/s"); !why.empty()) return why;
  return claim(record.flops, limits.flops_per_us, 1e-6, "TFLOP/s");
}

}  // namespace kigo::bench
