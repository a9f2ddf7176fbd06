// libFuzzer target: any bytes are refused, or are a file that survives being written and read again.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "core/gguf/reader.h"
#include "core/gguf/writer.h"

namespace {

void require(bool condition, const char* claim) {
  if (condition) return;
  std::fprintf(stderr, "gguf_fuzz: not true: %s\n", claim);
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::span bytes(reinterpret_cast<const std::byte*>(data), size);
  const auto file = kigo::gguf::read(bytes);
  if (!file) {
    const kigo::Error& error = file.error();
    require(!error.subject.empty() && !error.found.empty() && !error.expected.empty(),
            "an error says everything");
    require(error.offset.has_value(), "an error names its byte");
    return 0;
  }
  const auto written = kigo::gguf::write(*file);
  require(written.has_value(), "what was read can be written");
  const auto again = kigo::gguf::read(*written);
  require(again.has_value(), "what was written can be read");
  require(*again == *file, "read(write(x)) == x");
  require(again->trailing_bytes == 0, "the writer leaves nothing behind");
  const auto rewritten = kigo::gguf::write(*again);
  require(rewritten && *rewritten == *written, "write(read(bytes)) == bytes");
  return 0;
}
