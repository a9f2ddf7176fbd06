// A file that is written piece by piece and appears under its name only when it is whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/result.h"

namespace kigo::tools {

/// Writes to a temporary name in the same folder; without commit() nothing is left behind.
class OutputFile {
 public:
  /// Errors: io.
  static Result<OutputFile> create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  /// Errors: io, with what the operating system said.
  Status append(std::span<const std::byte> bytes);
  /// Writes over bytes that append() has written. Errors: io.
  Status overwrite(uint64_t offset, std::span<const std::byte> bytes);
  /// Gives the file its name, replacing what had it. Errors: io.
  Status commit();

 private:
  OutputFile(std::string path, std::string temporary, int descriptor)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor) {}
  std::string path_;
  std::string temporary_;
  int descriptor_;  // -1 once closed or moved from
};

}  // namespace kigo::tools
