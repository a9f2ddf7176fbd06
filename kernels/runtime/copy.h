// Copies between host and device, in the order of a stream.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/base/check.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "kernels/runtime/owned_stream.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// Host to device. From pinned memory it returns at once and the memory must stay as it is until the stream
/// has passed; from other memory it may wait. Empty copies do nothing. Errors: cuda.
Status upload(std::byte* device, std::span<const std::byte> host, Stream stream);
/// Device to host, likewise: the bytes are there when the stream has passed.
Status download(std::span<std::byte> host, const std::byte* device, Stream stream);
/// Every byte becomes `value`.
Status fill(std::byte* device, int64_t bytes, std::byte value, Stream stream);

/// The elements of a dense array, copied and waited for: for tests and tools. Errors: cuda.
template <class T>
Status upload_and_wait(View<T, 1, Space::Device> device, std::span<const T> host, Stream stream) {
  KIGO_CHECK(device.shape[0] == static_cast<int64_t>(host.size()));
  KIGO_TRY(upload(reinterpret_cast<std::byte*>(device.data), std::as_bytes(host), stream));
  return synchronize(stream);
}

template <class T>
Result<std::vector<T>> download_and_wait(View<const T, 1, Space::Device> device, Stream stream) {
  std::vector<T> host(static_cast<size_t>(device.shape[0]));
  KIGO_TRY(download(std::as_writable_bytes(std::span<T>(host)),
                    reinterpret_cast<const std::byte*>(device.data), stream));
  KIGO_TRY(synchronize(stream));
  return host;
}

}  // namespace kigo::kernels
