// read() as every test of this folder calls it: with an eye on the memory that it asks for.
#pragma once

#include <span>
#include <string>

#include "core/base/result.h"
#include "core/gguf/file.h"

namespace kigo::gguf::test {

/// Fails the test when reading holds more than 16 times the file's size + 1 MiB, or asks at once for more
/// than 16 times its size + 4 KiB (docs/gguf.md, section 10).
Result<File> watched_read(std::span<const std::byte> bytes);

/// "accepted", or the message of the refusal.
std::string outcome(std::span<const std::byte> bytes);

}  // namespace kigo::gguf::test
