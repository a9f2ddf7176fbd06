// The way of bytes between host and device while a model is loaded or read back, as function objects: a
// stream of CUDA's, or a test's machine that does everything as late as it may.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>

#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/repack.h"
#include "core/ops/unpack.h"
#include "kernels/runtime/stream.h"

namespace kigo::kernels {

/// All but wait() and finish() return at once; what they ask for happens later, in the order of the calls.
/// Host memory stays as it is until then. After an error only finish() is called. Errors: cuda; those of
/// repack.
struct Transfer {
  std::function<Status(std::byte* device, std::span<const std::byte> host)> upload;
  std::function<Status(std::span<std::byte> host, const std::byte* device)> download;
  std::function<Status(std::byte* device, int64_t bytes)> clear;  // to zero bytes
  std::function<Status(const ops::Repack<Space::Device>&)> repack;
  std::function<Status(const ops::Unpack<Space::Device>&)> unpack;
  /// Remembers, under a number from 0 to the transfer's marks - 1, the point that the calls have reached.
  std::function<Status(int mark)> mark;
  /// Until what stood before the mark has happened.
  std::function<Status(int mark)> wait;
  /// Until everything has happened.
  std::function<Status()> finish;
};

/// On the stream, which must live as long, with so many events as marks. Errors: cuda, out_of_memory.
Result<Transfer> cuda_transfer(Stream stream, int marks);

}  // namespace kigo::kernels
