#include "core/base/file_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "core/base/cat.h"
#include "core/base/output_file.h"

namespace kigo {
namespace {

/// A file descriptor that closes itself.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

tl::unexpected<Error> io_error(const std::string& path, const char* what) {
  return fail(Code::io, escaped(path, 4096), cat(what, ": ", std::strerror(errno)));
}

Status check_regular(const std::string& path, mode_t mode) {
  if (S_ISDIR(mode)) return fail(Code::io, escaped(path, 4096), "is a directory", "a regular file");
  if (!S_ISREG(mode)) return fail(Code::io, escaped(path, 4096), "is a device or pipe", "a regular file");
  return {};
}

Result<FileMap> FileMap::open(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));  // a pipe must not block us
  if (file.get() < 0) return io_error(path, "cannot open");
  struct stat info {};
  if (::fstat(file.get(), &info) != 0) return io_error(path, "cannot stat");
  KIGO_TRY(check_regular(path, info.st_mode));
  const auto size = static_cast<size_t>(info.st_size);
  if (size == 0) return FileMap({});
  void* data = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (data == MAP_FAILED) return io_error(path, "cannot map");
  return FileMap({static_cast<const std::byte*>(data), size});
}

FileMap::FileMap(FileMap&& other) noexcept : bytes_(std::exchange(other.bytes_, {})) {}

FileMap& FileMap::operator=(FileMap&& other) noexcept {
  std::swap(bytes_, other.bytes_);
  return *this;
}

FileMap::~FileMap() {
  if (!bytes_.empty()) ::munmap(const_cast<std::byte*>(bytes_.data()), bytes_.size());
}

Result<std::string> read_text_file(const std::string& path) {
  KIGO_ASSIGN(const FileMap map, FileMap::open(path));
  return std::string(reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size());
}

Status write_file(const std::string& path, std::span<const std::byte> bytes) {
  KIGO_ASSIGN(OutputFile file, OutputFile::create(path));
  KIGO_TRY(file.append(bytes));
  return file.commit();
}

Status write_file(const std::string& path, std::string_view text) {
  return write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace kigo
