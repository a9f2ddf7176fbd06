#include "bench/nvml.h"

#include <dlfcn.h>

#include <array>
#include <utility>

#include "core/base/cat.h"

namespace kigo::bench {
namespace {

constexpr std::array<std::pair<uint64_t, std::string_view>, 9> kReasons{{{0x1, "gpu_idle"},
                                                                         {0x2, "applications_clocks"},
                                                                         {0x4, "sw_power_cap"},
                                                                         {0x8, "hw_slowdown"},
                                                                         {0x10, "sync_boost"},
                                                                         {0x20, "sw_thermal_slowdown"},
                                                                         {0x40, "hw_thermal_slowdown"},
                                                                         {0x80, "hw_power_brake"},
                                                                         {0x100, "display_clocks"}}};
constexpr unsigned kClockSm = 1, kClockMemory = 2;  // nvmlClockType_t
constexpr unsigned kTemperatureGpu = 0;             // nvmlTemperatureSensors_t
constexpr unsigned kVersionBytes = 80;              // NVML_SYSTEM_DRIVER_VERSION_BUFFER_SIZE

}  // namespace

/// Functions of the library; nvmlReturn_t is an int whose 0 is success, nvmlDevice_t a pointer.
struct Nvml::Library {
  void* handle = nullptr;
  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*driver_version)(char*, unsigned) = nullptr;
  int (*device)(const char*, void**) = nullptr;
  int (*max_clock)(void*, unsigned, unsigned*) = nullptr;
  int (*temperature)(void*, unsigned, unsigned*) = nullptr;
  int (*power_mw)(void*, unsigned*) = nullptr;
  int (*reasons)(void*, unsigned long long*) = nullptr;
  bool started = false;

  Library() = default;
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (started) shutdown();
    if (handle != nullptr) dlclose(handle);
  }

  template <class Function>
  Status find(Function*& function, const char* symbol, const char* older = nullptr) {
    void* address = dlsym(handle, symbol);
    if (address == nullptr && older != nullptr) address = dlsym(handle, older);
    if (address == nullptr) return fail(Code::unsupported, "NVML", cat("no function ", symbol), "it");
    function = reinterpret_cast<Function*>(address);
    return {};
  }
};

std::string reasons_text(uint64_t reasons) {
  std::string text;
  const auto add = [&](std::string_view name) { text += cat(text.empty() ? "" : " ", name); };
  for (const auto& [bit, name] : kReasons) {
    if ((reasons & bit) != 0) add(name);
    reasons &= ~bit;
  }
  if (reasons != 0) add(cat("reason_", hex(reasons, 3)));
  return text.empty() ? "none" : text;
}

uint64_t disqualifying(uint64_t reasons) { return reasons & (0x8 | 0x20 | 0x40 | 0x80); }

Result<Nvml> Nvml::open(const std::string& pci_bus_id) {
  const auto library = std::make_shared<Library>();
  library->handle = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library->handle == nullptr) return fail(Code::unsupported, "NVML", dlerror(), "libnvidia-ml.so.1");
  KIGO_TRY(library->find(library->init, "nvmlInit_v2"));
  KIGO_TRY(library->find(library->shutdown, "nvmlShutdown"));
  KIGO_TRY(library->find(library->driver_version, "nvmlSystemGetDriverVersion"));
  KIGO_TRY(library->find(library->device, "nvmlDeviceGetHandleByPciBusId_v2"));
  KIGO_TRY(library->find(library->max_clock, "nvmlDeviceGetMaxClockInfo"));
  KIGO_TRY(library->find(library->temperature, "nvmlDeviceGetTemperature"));
  KIGO_TRY(library->find(library->power_mw, "nvmlDeviceGetPowerUsage"));
  KIGO_TRY(library->find(library->reasons, "nvmlDeviceGetCurrentClocksEventReasons",
                         "nvmlDeviceGetCurrentClocksThrottleReasons"));
  if (const int error = library->init(); error != 0)
    return fail(Code::unsupported, "NVML", cat("nvmlInit_v2 returns ", error), "0");
  library->started = true;
  void* device = nullptr;
  if (const int error = library->device(pci_bus_id.c_str(), &device); error != 0)
    return fail(Code::unsupported, cat("NVML: device ", pci_bus_id), cat("error ", error), "0");
  return Nvml(library, device);
}

std::string Nvml::driver_version() const {
  std::array<char, kVersionBytes> text{};
  return library_->driver_version(text.data(), kVersionBytes) == 0 ? text.data() : "";
}

int64_t Nvml::max_clock(unsigned kind) const {
  unsigned mhz = 0;
  return library_->max_clock(device_, kind, &mhz) == 0 ? int64_t{mhz} : 0;
}
int64_t Nvml::max_sm_mhz() const { return max_clock(kClockSm); }
int64_t Nvml::max_memory_mhz() const { return max_clock(kClockMemory); }

double Nvml::temperature_c() const {
  unsigned degrees = 0;
  return library_->temperature(device_, kTemperatureGpu, &degrees) == 0 ? static_cast<double>(degrees) : 0;
}

double Nvml::power_w() const {
  unsigned milliwatts = 0;
  return library_->power_mw(device_, &milliwatts) == 0 ? milliwatts / 1000.0 : 0;
}

uint64_t Nvml::reasons() const {
  unsigned long long bits = 0;
  return library_->reasons(device_, &bits) == 0 ? bits : 0;
}

}  // namespace kigo::bench
