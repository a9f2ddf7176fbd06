#include "kernels/runtime/device_faults.h"

#ifdef KIGO_FAULTS

#include <cuda_runtime_api.h>

#include <array>
#include <cstdlib>
#include <vector>

#include "core/base/fault.h"
#include "kernels/runtime/status.h"

namespace kigo::kernels {
namespace {

struct Copy {
  const void* switches;
  const void* counts;
};

/// Made at the first call, whatever the order in which translation units start; never destroyed.
std::vector<Copy>& copies() {
  static auto* const kCopies = new std::vector<Copy>;
  return *kCopies;
}

using Counts = std::array<unsigned long long, fault::detail::kFaults>;

void fetch_counts() {
  for (const Copy& copy : copies()) {
    Counts counts{};
    if (cudaMemcpyFromSymbol(counts.data(), copy.counts, sizeof counts) != cudaSuccess) continue;
    for (const fault::Id id : fault::selected()) fault::add_reached(id, counts[static_cast<size_t>(id)]);
  }
}

Status arm() {
  if (fault::selected().empty()) return {};
  std::array<bool, fault::detail::kFaults> switches{};
  for (const fault::Id id : fault::selected()) switches[static_cast<size_t>(id)] = true;
  for (const Copy& copy : copies())
    KIGO_TRY(status_of(cudaMemcpyToSymbol(copy.switches, switches.data(), sizeof switches), "seeded faults"));
  std::atexit(fetch_counts);  // runs before what was registered earlier: the report, and the end of CUDA
  return {};
}

}  // namespace

void register_device_faults(const void* switches, const void* counts) {
  copies().push_back({switches, counts});
}

Status arm_device_faults() {
  static const Status kArmed = arm();
  return kArmed;
}

}  // namespace kigo::kernels

#endif
