// Blocks with noise as measurements have it, for asking how often a verdict is right.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "core/base/random.h"
#include "tools/lib/perf/judge.h"

namespace kigo::tools::perf {

/// The noise of a kernel, as shares of its time. A sample is
///
///   us * (1 + delay) * exp(process + drift * block + shift of its block + data + within * normal)
///
/// and every tenth-or-so (`outliers`) takes up to half as long again.
struct NoiseModel {
  double us = 50;
  double within = 0.005;       // deviation of the samples of a block
  double block_shift = 0.003;  // deviation of whole blocks
  double data_shift = 0;       // deviation of what blocks of one number share on both sides
  double process_shift = 0;    // deviation of all blocks of a side
  double drift = 0;            // of the machine, a block
  double outliers = 0.02;      // share of the samples
};

/// One comparison as ABBA: base, head, head, base, and so on; `blocks` of each side, even; head is slower by
/// `delay`, a share.
inline Evidence simulate(const NoiseModel& noise, int64_t blocks, int64_t samples, double delay,
                         Random& random) {
  Evidence evidence;
  const double base_process = noise.process_shift * random.normal();
  const double head_process = noise.process_shift * random.normal();
  std::vector<double> data;
  for (int64_t i = 0; i < blocks; ++i)
    data.push_back(noise.data_shift > 0 ? noise.data_shift * random.normal() : 0);
  for (int64_t i = 0; i < 2 * blocks; ++i) {
    const bool head = i % 4 == 1 || i % 4 == 2;
    std::vector<Block>& side = head ? evidence.head : evidence.base;
    const int64_t number = std::ssize(side);
    const double level = std::log(noise.us) + noise.drift * static_cast<double>(i) +
                         noise.block_shift * random.normal() + data[static_cast<size_t>(number)] +
                         (head ? head_process : base_process);
    Record record;
    record.block = number;
    for (int64_t sample = 0; sample < samples; ++sample) {
      const double outlier = random.uniform() < noise.outliers ? 0.5 * random.uniform() : 0;
      const double log = level + noise.within * random.normal() + std::log1p(outlier);
      record.us.push_back(std::exp(log) * (head ? 1 + delay : 1));
    }
    side.push_back(block_of(record));
  }
  return evidence;
}

}  // namespace kigo::tools::perf
