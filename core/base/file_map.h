// A file mapped into memory, read only.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <span>
#include <string>

#include "core/base/result.h"

namespace kigo {

/// The bytes of a regular file, mapped; unmapped on destruction. An empty file gives an empty span.
/// Errors: io with the path and what the operating system said, or that it is no regular file.
class FileMap {
 public:
  static Result<FileMap> open(const std::string& path);
  FileMap(FileMap&& other) noexcept;
  FileMap& operator=(FileMap&& other) noexcept;
  ~FileMap();

  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit FileMap(std::span<const std::byte> bytes) : bytes_(bytes) {}
  std::span<const std::byte> bytes_;
};

/// The whole of a text file in memory. Errors as FileMap::open.
Result<std::string> read_text_file(const std::string& path);

/// Code::io: the path, what was tried, and what the operating system said last (errno).
tl::unexpected<Error> io_error(const std::string& path, const char* what);

/// Whether a file of this mode is a regular one. Errors: io with the path and what it is instead.
Status check_regular(const std::string& path, mode_t mode);

/// Writes a whole file through a temporary name beside it, so that no partial file is ever left behind.
/// Errors: io.
Status write_file(const std::string& path, std::span<const std::byte> bytes);
Status write_file(const std::string& path, std::string_view text);

}  // namespace kigo
