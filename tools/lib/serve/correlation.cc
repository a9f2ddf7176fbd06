#include "tools/lib/serve/correlation.h"

#include <algorithm>
#include <cstdint>
#include <random>
#include <string_view>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

bool allowed(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' ||
         c == '-';
}

}  // namespace

std::string uuid4() {
  std::random_device random;
  uint64_t high = uint64_t{random()} << 32 | random();
  uint64_t low = uint64_t{random()} << 32 | random();
  high = (high & ~uint64_t{0xF000}) | 0x4000;              // version 4
  low = (low & ~(uint64_t{3} << 62)) | uint64_t{2} << 62;  // the variant of the RFC
  const std::string digits = hex(high, 16).substr(2) + hex(low, 16).substr(2);
  const std::string_view d = digits;
  return cat(d.substr(0, 8), '-', d.substr(8, 4), '-', d.substr(12, 4), '-', d.substr(16, 4), '-',
             d.substr(20));
}

std::string correlation_id(std::span<const std::string> headers) {
  if (headers.size() != 1) return uuid4();
  const std::string& own = headers.front();
  return !own.empty() && own.size() <= 64 && std::ranges::all_of(own, allowed) ? own : uuid4();
}

}  // namespace kigo::tools
