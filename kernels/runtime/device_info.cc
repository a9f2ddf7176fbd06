#include "kernels/runtime/device_info.h"

#include <algorithm>

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::kernels {

std::vector<int> parse_architectures(std::string_view cmake_list) {
  std::vector<int> numbers;
  int number = 0;
  bool in_number = false;
  bool done = false;  // "90a-real": what follows the digits is not another architecture
  const auto end_entry = [&] {
    if (number > 0) numbers.push_back(number);
    number = 0;
    in_number = done = false;
  };
  for (const char c : cmake_list) {
    if (c == ';' || c == ',') {
      end_entry();
    } else if (c >= '0' && c <= '9' && !done) {
      number = number * 10 + (c - '0');
      in_number = true;
    } else {
      done = in_number;
    }
  }
  end_entry();
  return numbers;
}

Status check_capability(const DeviceInfo& device, const std::vector<int>& built) {
  KIGO_CHECK(!built.empty());
  const int oldest = *std::min_element(built.begin(), built.end());
  if (device.capability >= oldest) return {};
  return fail(Code::unsupported, cat("device ", device.index, " (", device.name, ")"),
              cat("device is sm_", device.capability), cat("built for sm_", oldest, " and newer"));
}

Status check_device_index(int index, int devices) {
  if (devices == 0) return fail(Code::cuda, "device", "no CUDA device", "an NVIDIA GPU");
  if (index >= 0 && index < devices) return {};
  return fail(Code::cuda, cat("device ", index), cat(devices, devices == 1 ? " device" : " devices"),
              cat("an index from 0 to ", devices - 1));
}

}  // namespace kigo::kernels
