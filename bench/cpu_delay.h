// The delay that `kigo perf selftest` puts into the benchmarks of the host's code.
#pragma once

#include <optional>

namespace kigo::bench {

/// From now on after_iteration() waits so long; nothing: it does not even look at the clock.
void set_delay(std::optional<double> delay_us);

/// Stands last in every benchmark's loop: waits busily for as long as was set.
void after_iteration();

}  // namespace kigo::bench
