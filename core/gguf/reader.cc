// The reader's frame: header, regions, and the ways to get at a file's bytes.
#include "core/gguf/reader.h"

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/gguf/checked.h"
#include "core/gguf/limits.h"
#include "core/gguf/parse.h"

namespace kigo::gguf {
namespace {

Status take_magic(Cursor& cursor) {
  cursor.enter("magic");
  if (cursor.left() < kMagic.size()) return cursor.truncated({}, kMagic.size(), 0);
  const std::string_view magic = text_of(cursor.take_bytes(kMagic.size()));
  if (magic == (KIGO_FAULT(F01) ? "FUGG" : kMagic)) return {};
  return cursor.refuse(Code::bad_magic, hex_bytes(magic), cat(hex_bytes(kMagic), " (\"GGUF\")"), 0);
}

Status take_version(Cursor& cursor, File& file) {
  cursor.enter("version");
  const uint64_t start = cursor.at();
  KIGO_ASSIGN(file.version, cursor.take<uint32_t>({}));
  if (file.version == 2 || file.version == 3) return {};
  if (file.version != 0 && (file.version & 0xFFFF) == 0)
    return cursor.refuse(Code::big_endian, cat(hex(file.version, 8), ", a big-endian file"),
                         "a little-endian file", start);
  return cursor.refuse(Code::bad_version, cat(file.version), "2 or 3", start);
}

/// A count in the header. `smallest` is the least that one entry takes, `before` what else stands before
/// them.
Result<uint64_t> take_count(Cursor& cursor, std::string_view field, uint64_t limit, uint64_t smallest,
                            uint64_t before) {
  cursor.enter(field);
  const uint64_t start = cursor.at();
  KIGO_ASSIGN(const uint64_t count, cursor.take<uint64_t>({}));
  if (count > limit) return cursor.refuse(Code::limit_exceeded, cat(count), cat("at most ", limit), start);
  // An incomplete header is reported as such, by the field that is cut off.
  if (cursor.left() >= before && count * smallest > cursor.left() - before)
    return cursor.truncated(cat(count), count * smallest + before, start);
  return count;
}

/// Gives every tensor its bytes, in file order.
Status find_regions(std::span<const std::byte> bytes, File& file) {
  uint64_t end = file.head_bytes;
  for (Tensor& tensor : file.tensors) {
    const uint64_t needed = tensor.size_bytes();
    const std::optional<uint64_t> begin = plus(file.data_offset, tensor.offset);
    if (!begin || !plus(*begin, needed))
      return fail(Code::size_overflow, escaped(tensor.name), cat(needed, " bytes at offset ", tensor.offset),
                  "a region that ends below 2^64", tensor.entry_offset);
    const uint64_t left = *begin > bytes.size() ? 0 : bytes.size() - *begin;
    if (*begin > bytes.size() || needed > left)
      return fail(Code::truncated, escaped(tensor.name),
                  cat("region of ", needed, " bytes, ", left, " left in a file of ", bytes.size()),
                  cat("a file of at least ", *begin + needed), *begin);
    tensor.data = bytes.subspan(*begin, needed);
    end = *begin + needed;
  }
  const uint64_t aligned_end = align_up(end, file.alignment).value_or(end);
  if (bytes.size() > aligned_end) file.trailing_bytes = bytes.size() - aligned_end;
  return {};
}

}  // namespace

Result<File> read_head(std::span<const std::byte> bytes) {
  Cursor cursor(bytes);
  File file;
  file.alignment = kDefaultAlignment;
  KIGO_TRY(take_magic(cursor));
  KIGO_TRY(take_version(cursor, file));
  KIGO_ASSIGN(const uint64_t tensors, take_count(cursor, "tensor count", kMaxTensors, kMinTensorBytes, 8));
  KIGO_ASSIGN(const uint64_t pairs, take_count(cursor, "metadata count", kMaxPairs, kMinPairBytes, 0));
  KIGO_TRY(take_metadata(cursor, pairs, file));
  KIGO_TRY(take_tensor_infos(cursor, tensors, file));
  file.head_bytes = cursor.at();
  const std::optional<uint64_t> data_offset = align_up(file.head_bytes, KIGO_FAULT(F04) ? 1 : file.alignment);
  KIGO_CHECK(data_offset);  // memory is smaller than 2^63, the alignment below 2^32
  file.data_offset = *data_offset;
  return file;
}

Result<File> read(std::span<const std::byte> bytes) {
  KIGO_ASSIGN(File file, read_head(bytes));
  KIGO_TRY(find_regions(bytes, file));
  return file;
}

namespace {

Result<MappedFile> open_with(Result<File> (*reader)(std::span<const std::byte>), const std::string& path) {
  KIGO_ASSIGN(FileMap map, FileMap::open(path));
  auto file = reader(map.bytes());
  if (!file) {
    Error error = std::move(file.error());
    if (error.offset < kHeaderBytes)
      error.subject = cat(escaped(path.substr(path.rfind('/') + 1)), ": ", error.subject);
    return tl::unexpected<Error>(std::move(error));
  }
  return MappedFile{std::move(map), std::move(*file)};
}

}  // namespace

Result<MappedFile> open(const std::string& path) { return open_with(read, path); }

Result<MappedFile> open_head(const std::string& path) { return open_with(read_head, path); }

Result<LoadedFile> load(const Source& source, size_t chunk) {
  KIGO_CHECK(chunk > 0);
  LoadedFile loaded;
  for (;;) {
    const size_t before = loaded.bytes.size();
    loaded.bytes.resize(before + chunk);
    KIGO_ASSIGN(const size_t got, source(std::span(loaded.bytes).subspan(before)));
    KIGO_CHECK(got <= chunk);
    loaded.bytes.resize(before + got);
    if (got == 0) break;
  }
  KIGO_ASSIGN(loaded.file, read(loaded.bytes));
  return loaded;
}

}  // namespace kigo::gguf
