// Small valid files that between them hold everything the format knows.
#pragma once

#include <cstddef>
#include <ostream>
#include <string>
#include <vector>

namespace kigo::gguf::test {

struct Specimen {
  std::string name;
  std::vector<std::byte> bytes;
  /// The shortest prefix that is still a whole file: up to the last tensor's last byte, or the last metadata
  /// byte.
  size_t needed = 0;
};

std::vector<Specimen> specimens();

/// Test names and messages show a specimen by its name.
inline void PrintTo(const Specimen& specimen, std::ostream* out) { *out << specimen.name; }

}  // namespace kigo::gguf::test
