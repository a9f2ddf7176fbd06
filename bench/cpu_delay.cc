#include "bench/cpu_delay.h"

#include "bench/sampling.h"

namespace kigo::bench {
namespace {

std::optional<double> delay_s;

}  // namespace

void set_delay(std::optional<double> delay_us) {
  delay_s.reset();
  if (delay_us) delay_s = 1e-6 * *delay_us;
}

void after_iteration() {
  if (!delay_s) return;
  const double begun = steady_seconds();
  while (steady_seconds() - begun < *delay_s) {
  }
}

}  // namespace kigo::bench
