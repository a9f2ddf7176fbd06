// What a GPU is, and whether this build runs on it: the part of context.h that needs no GPU.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kigo::kernels {

struct DeviceInfo {
  int index = 0;
  std::string name;    // "NVIDIA H200"
  int capability = 0;  // 10 * major + minor: 90 for sm_90
  int multiprocessors = 0;
  int64_t l2_bytes = 0;
  int64_t total_bytes = 0;
};

/// "90,100-real" -> {90, 100}: the architectures in CMake's words, as numbers. Text without digits is
/// dropped.
std::vector<int> parse_architectures(std::string_view cmake_list);

/// That code built for the oldest of `built` runs on the device: PTX carries it to every newer one.
/// Errors: unsupported: "device 0 (NVIDIA A100): device is sm_80, expected built for sm_90 and newer".
Status check_capability(const DeviceInfo& device, const std::vector<int>& built);

/// That there are devices, and that `index` is one of them. Errors: cuda.
Status check_device_index(int index, int devices);

}  // namespace kigo::kernels
