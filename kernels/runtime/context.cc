#include "kernels/runtime/context.h"

#include <cuda_runtime_api.h>

#include <span>

#include "core/base/cat.h"
#include "kernels/runtime/copy.h"
#include "kernels/runtime/status.h"

namespace kigo::kernels {
namespace {

constexpr int64_t kEchoBytes = sizeof(uint64_t);

Result<int> attribute(cudaDeviceAttr which, int device) {
  int value = 0;
  KIGO_TRY(status_of(cudaDeviceGetAttribute(&value, which, device), cat("device ", device)));
  return value;
}

Result<DeviceInfo> read_info(int device) {
  cudaDeviceProp properties{};
  KIGO_TRY(status_of(cudaGetDeviceProperties(&properties, device), cat("device ", device)));
  KIGO_ASSIGN(const int l2_bytes, attribute(cudaDevAttrL2CacheSize, device));
  return DeviceInfo{.index = device,
                    .name = properties.name,
                    .capability = 10 * properties.major + properties.minor,
                    .multiprocessors = properties.multiProcessorCount,
                    .l2_bytes = l2_bytes,
                    .total_bytes = static_cast<int64_t>(properties.totalGlobalMem)};
}

}  // namespace

Result<int> device_count() {
  int devices = 0;
  const cudaError_t error = cudaGetDeviceCount(&devices);
  if (error != cudaSuccess) (void)cudaGetLastError();
  if (error == cudaErrorNoDevice) return 0;
  if (error == cudaErrorInsufficientDriver) {
    int driver = 0;
    (void)cudaDriverGetVersion(&driver);  // 0 without a driver; 12040 for 12.4
    return fail(
        Code::cuda, "CUDA driver",
        driver == 0 ? std::string("no driver")
                    : cat("driver for CUDA ", driver / 1000, '.', driver % 1000 / 10),
        cat("a driver for CUDA ", CUDART_VERSION / 1000, '.', CUDART_VERSION % 1000 / 10, " or newer"));
  }
  KIGO_TRY(status_of(error, "CUDA driver"));
  return devices;
}

Result<int> runtime_version() {
  int version = 0;
  KIGO_TRY(status_of(cudaRuntimeGetVersion(&version), "CUDA runtime"));
  return version;
}

Result<Context> Context::create(int device, MemorySource memory) {
  KIGO_ASSIGN(const int devices, device_count());
  KIGO_TRY(check_device_index(device, devices));
  KIGO_ASSIGN(DeviceInfo info, read_info(device));
  KIGO_TRY(check_capability(info, parse_architectures(KIGO_BUILT_FOR)));
  KIGO_TRY(status_of(cudaSetDevice(device), cat("device ", device)));
  Context context(std::move(info), Vram(std::move(memory)));
  KIGO_ASSIGN(context.echo_, context.vram_.allocate(Purpose::workspace, kEchoBytes, "health check"));
  KIGO_ASSIGN(context.stream_, OwnedStream::create());
  return context;
}

Status Context::enter_thread() const {
  return status_of(cudaSetDevice(info_.index), cat("device ", info_.index));
}

Status Context::health() {
  (void)cudaGetLastError();  // a refusal that its caller was told of; what sticks comes back below
  KIGO_TRY(status_of(cudaStreamSynchronize(stream()), "earlier work"));
  const uint64_t sent = ++echoes_ * 0x9E3779B97F4A7C15;  // other bytes each time: the last answer must not do
  uint64_t received = ~sent;
  KIGO_TRY(upload(echo_.data(), std::as_bytes(std::span(&sent, 1)), stream()));
  KIGO_TRY(download(std::as_writable_bytes(std::span(&received, 1)), echo_.data(), stream()));
  KIGO_TRY(synchronize(stream()));
  if (received == sent) return {};
  return fail(Code::cuda, "health check", hex(received, 16), hex(sent, 16));
}

}  // namespace kigo::kernels
