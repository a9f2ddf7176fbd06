#include "tools/lib/device_memory.h"

#include <cstring>
#include <fstream>
#include <new>
#include <string>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

constexpr std::align_val_t kDeviceAlignment{
    256};  // what cudaMalloc gives, so that the same code may expect it

class HostBlock final : public DeviceMemory::Block {
 public:
  explicit HostBlock(void* data) : data_(static_cast<std::byte*>(data)) {}
  ~HostBlock() override { ::operator delete(data_, kDeviceAlignment); }
  std::byte* data() const override { return data_; }

 private:
  std::byte* data_;
};

class HostMemory final : public DeviceMemory {
 public:
  Status enter_thread() override { return {}; }
  Status health() override { return {}; }

  Result<Sizes> sizes() override {
    std::ifstream info("/proc/meminfo");
    Sizes sizes;
    for (std::string name; info >> name;) {
      uint64_t kib = 0;
      if (name == "MemTotal:" && info >> kib) sizes.total_bytes = kib * 1024;
      if (name == "MemAvailable:" && info >> kib) sizes.free_bytes = kib * 1024;
      std::getline(info, name);
    }
    if (sizes.total_bytes == 0) return fail(Code::io, "/proc/meminfo", "no MemTotal");
    return sizes;
  }

  Result<std::unique_ptr<Block>> allocate(uint64_t bytes) override {
    // The system promises memory that it does not have, and ends who uses it.
    const auto now = sizes();
    if (now && bytes > now->free_bytes)
      return fail(Code::out_of_memory, "CPU", cat(bytes, " bytes wanted"),
                  cat("at most ", now->free_bytes, ", which are free"));
    void* data = ::operator new(bytes, kDeviceAlignment, std::nothrow);
    if (data == nullptr) return fail(Code::out_of_memory, "CPU", cat(bytes, " bytes wanted"), "fewer");
    return std::make_unique<HostBlock>(data);
  }

  Status upload(std::byte* device, std::span<const std::byte> host) override {
    std::memmove(device, host.data(), host.size());
    return {};
  }
  Status download(std::span<std::byte> host, const std::byte* device) override {
    std::memmove(host.data(), device, host.size());
    return {};
  }
};

}  // namespace

Result<std::unique_ptr<DeviceMemory>> open_device_memory(int device) {
  if (device < -1)
    return fail(Code::invalid_request, "device", cat(device), "-1 for the CPU, or a GPU's number");
  if (device >= 0) return open_cuda_memory(device);
  return std::make_unique<HostMemory>();
}

}  // namespace kigo::tools
