// A file that is written piece by piece and appears under its name only when it is whole. Everything that
// writes a file in one go (write_file) goes this way too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "core/base/result.h"

namespace kigo {

/// Writes to a temporary name in the same folder; without commit() nothing is left behind. A file that is
/// replaced gives its mode to the new one.
class OutputFile {
 public:
  /// Errors: io; what has the name must be a regular file, which a symbolic link may name.
  static Result<OutputFile> create(const std::string& path);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;
  ~OutputFile();

  /// Errors: io, with what the operating system said.
  Status append(std::span<const std::byte> bytes);
  /// Writes over bytes that append() has written. Errors: io.
  Status overwrite(uint64_t offset, std::span<const std::byte> bytes);
  /// Waits until what was written is on the disk, so that commit() cannot put half a file in a whole one's
  /// place when the machine stops. Errors: io.
  Status sync();
  /// Gives the file its name, replacing what had it. Errors: io.
  Status commit();

 private:
  OutputFile(std::string path, std::string temporary, int descriptor, int note)
      : path_(std::move(path)), temporary_(std::move(temporary)), descriptor_(descriptor), note_(note) {}
  std::string path_;
  std::string temporary_;
  int descriptor_;  // -1 once closed or moved from
  int note_;        // where the temporary name is noted; -1: nowhere
};

/// Removes the temporary files that OutputFiles of this process are writing. Only makes calls that a signal
/// handler may make: it is for one that ends the process, which destructors would not survive. The first 16
/// files that are open at a time are known, with names of at most 4,095 bytes.
void remove_unfinished_files() noexcept;

}  // namespace kigo
