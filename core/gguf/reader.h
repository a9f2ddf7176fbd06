// Reading GGUF files, versions 2 and 3.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/base/file_map.h"
#include "core/base/result.h"
#include "core/gguf/file.h"

namespace kigo::gguf {

/// Reads header, metadata and tensor infos from the bytes of a whole file; the result points into them.
/// Errors: as docs/gguf.md, section 4; the first wrong field in file order decides.
Result<File> read(std::span<const std::byte> bytes);

/// The same without looking for the tensors' data, for a file cut off behind its tensor infos: every tensor
/// has its place and size, none has data.
Result<File> read_head(std::span<const std::byte> bytes);

/// A file on disk, mapped; `file` points into `map`, which moves with it.
struct MappedFile {
  FileMap map;
  File file;
};

/// Errors: io, and those of read; the subject of a header field begins with the file's name.
Result<MappedFile> open(const std::string& path);

/// The same with read_head: the tensors' data need not be in the file.
Result<MappedFile> open_head(const std::string& path);

/// A file in memory of its own; `file` points into `bytes`, which must not change.
struct LoadedFile {
  std::vector<std::byte> bytes;
  File file;
};

/// Fills the front of the buffer and says with how many bytes; 0 at the end.
using Source = std::function<Result<size_t>(std::span<std::byte> buffer)>;

/// Reads a file that cannot be mapped (a pipe, a download), asking for `chunk` bytes at a time.
/// Memory: what has arrived, doubled when full. Errors: those of the source and of read.
Result<LoadedFile> load(const Source& source, size_t chunk = 1 << 16);

}  // namespace kigo::gguf
