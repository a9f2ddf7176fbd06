// What NVIDIA's management library says about a GPU: clocks that it may reach, power, temperature, and why it
// is slower than it could be. Loaded at run time: where it is not there, that is a state like any other.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "core/base/result.h"

namespace kigo::bench {

/// Why clocks are below what they could be, as names: "none", "sw_power_cap sw_thermal_slowdown". Unknown
/// bits are "reason_0x400". Source: nvml.h, nvmlClocksEventReason*.
std::string reasons_text(uint64_t reasons);

/// Those reasons that make a sample worthless: heat, or the machine's power supply, has slowed the GPU down.
/// Not the power cap: a kernel that needs the whole power runs into it every time, and what it does to the
/// clock shows in the clock.
uint64_t disqualifying(uint64_t reasons);

class Nvml {
 public:
  /// Of the device with that PCI bus id, "00000000:3B:00.0". Errors: unsupported, when the library or one of
  /// its functions is not there or refuses.
  static Result<Nvml> open(const std::string& pci_bus_id);

  std::string driver_version() const;  // "580.159.04"; empty when it will not say
  int64_t max_sm_mhz() const;          // 0 when it will not say, as all below
  int64_t max_memory_mhz() const;
  double temperature_c() const;
  double power_w() const;
  uint64_t reasons() const;  // bits

 private:
  struct Library;
  explicit Nvml(std::shared_ptr<const Library> library, void* device)
      : library_(std::move(library)), device_(device) {}
  int64_t max_clock(unsigned kind) const;

  std::shared_ptr<const Library> library_;
  void* device_;
};

}  // namespace kigo::bench
