// Loading the weights of a model into device memory, and looking whether they arrived.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "core/base/result.h"
#include "core/model/config.h"
#include "core/model/weights.h"
#include "kernels/runtime/transfer.h"
#include "kernels/runtime/vram.h"
#include "kernels/weights.h"

namespace kigo::kernels {

struct LoadOptions {
  /// Of one staging buffer; grows to the longest row where that is longer, shrinks to the largest tensor.
  int64_t staging_bytes = int64_t{16} << 20;
  int staging_buffers = 4;  // at least 2: one is copied from while the next one fills
  int threads = 4;          // at least 1: they read the file

  /// Called on the loading thread with the bytes of the file that have arrived, rising to the total. An error
  /// ends the loading with that error.
  std::function<Status(int64_t done, int64_t total)> progress = {};
};

/// Device memory that load_weights() takes: the arena for good, and the largest piece of blocks while it
/// loads.
std::vector<Need> loading_needs(const WeightsLayout& layout, const LoadOptions& options);

/// Matrices keep their type and are repacked on the device (core/ops/packing.h); vectors become float.
/// Threads read the mapped file into a ring of pinned staging buffers; one stream copies and repacks piece by
/// piece, a piece being whole rows. Memory  loading_needs(), asked for against free memory before anything is
/// taken, and the staging buffers on the
///         host. On an error everything is given back.
/// Errors  unsupported for a type without packed form; out_of_memory; cuda; those of `progress`.
Result<DeviceWeights> load_weights(const model::Weights& weights, const model::Config& config, Vram& vram,
                                   const LoadOptions& options = {});

/// The same over a given transfer with options.staging_buffers marks.
Result<DeviceWeights> load_weights(const model::Weights& weights, const model::Config& config, Vram& vram,
                                   const LoadOptions& options, const Transfer& transfer);

/// Reads every tensor back, unpacked piece by piece, and compares its SHA-256 with the file's (vectors: with
/// that of the floats the file decodes to). Memory  one piece on the device and one on the host, of at most
/// options.staging_bytes or one row. Errors  bad_data naming the tensor with both hashes; out_of_memory;
/// cuda.
Status verify_loaded(const DeviceWeights& loaded, Vram& vram, const LoadOptions& options = {});
Status verify_loaded(const DeviceWeights& loaded, Vram& vram, const LoadOptions& options,
                     const Transfer& transfer);

}  // namespace kigo::kernels
