// Damaged files, drawn the same way here and in golden/make/differential.py: the edits must stay in step.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace kigo::gguf::test {

/// A file to damage; edits prefer its first `head` bytes.
struct Base {
  std::vector<std::byte> bytes;
  size_t head = 0;
};

/// Mutant `number` of these files: one of them with one or two edits, drawn by SplitMix64 from seed + number.
std::vector<std::byte> mutant(std::span<const Base> bases, uint64_t seed, uint64_t number);

}  // namespace kigo::gguf::test
