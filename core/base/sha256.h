// SHA-256, to name files and texts by their content. The arithmetic is OpenSSL's, seen only by sha256.cc.
#pragma once

#include <cstddef>
#include <span>
#include <string>

namespace kigo {

/// 64 lower-case hexadecimal digits. Source: FIPS 180-4.
std::string sha256(std::span<const std::byte> bytes);

}  // namespace kigo
