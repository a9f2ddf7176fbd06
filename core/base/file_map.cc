#include "core/base/file_map.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/cat.h"
#include "core/base/fault.h"

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

Status check_regular(const std::string& path, mode_t mode) {
  if (S_ISDIR(mode)) return fail(Code::io, escaped(path, 4096), "is a directory", "a regular file");
  if (!S_ISREG(mode)) return fail(Code::io, escaped(path, 4096), "is a device or pipe", "a regular file");
  return {};
}

tl::unexpected<Error> io_error(const std::string& path, const char* what) {
  return fail(Code::io, escaped(path, 4096), cat(what, ": ", std::strerror(errno)));
}

}  // namespace

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

Result<std::string> replaceable(const std::string& path) {
#ifdef KIGO_FAULTS
  KIGO_TRY(fault::check_no_golden(path));
#endif
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  struct stat info {};
  if (real == nullptr) {
    if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode))
      return fail(Code::io, escaped(path, 4096), "is a symbolic link to nothing", "a regular file");
    return path;  // when the name cannot be had, making the file shows it
  }
  if (::stat(real.get(), &info) != 0) return io_error(path, "cannot stat");
  KIGO_TRY(check_regular(path, info.st_mode));
  return std::string(real.get());
}

Status write_file(const std::string& path, std::span<const std::byte> bytes) {
  KIGO_ASSIGN(const std::string target, replaceable(path));
  const std::string temporary = cat(target, ".tmp.", ::getpid());
  {
    const Descriptor file(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
    if (file.get() < 0) return io_error(path, "cannot create");
    while (!bytes.empty()) {
      const ssize_t written = ::write(file.get(), bytes.data(), bytes.size());
      if (written < 0) {
        if (errno == EINTR) continue;
        const auto error = io_error(path, "cannot write");
        ::unlink(temporary.c_str());
        return error;
      }
      bytes = bytes.subspan(static_cast<size_t>(written));
    }
  }
  if (::rename(temporary.c_str(), target.c_str()) != 0) {
    const auto error = io_error(path, "cannot replace");
    ::unlink(temporary.c_str());
    return error;
  }
  return {};
}

Status write_file(const std::string& path, std::string_view text) {
  return write_file(path, std::as_bytes(std::span(text.data(), text.size())));
}

}  // namespace kigo
