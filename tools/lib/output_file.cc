#include "tools/lib/output_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "core/base/cat.h"
#include "core/base/file_map.h"

namespace kigo::tools {
namespace {

tl::unexpected<Error> io_error(const std::string& path, std::string_view fact) {
  return fail(Code::io, escaped(path, 4096), cat(fact, ": ", std::generic_category().message(errno)));
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
  KIGO_ASSIGN(std::string target, replaceable(path));
  std::string temporary = cat(target, ".tmp.", ::getpid());
  const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (descriptor < 0) return io_error(path, "cannot create");
  return OutputFile(std::move(target), std::move(temporary), descriptor);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

Status OutputFile::append(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0) {
      if (errno == EINTR) continue;
      return io_error(path_, "cannot write");
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
  }
  return {};
}

Status OutputFile::overwrite(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0) {
      if (errno == EINTR) continue;
      return io_error(path_, "cannot write");
    }
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
  return {};
}

Status OutputFile::commit() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error(path_, "cannot replace");
  // Some file systems report a failed write only here; the name is taken back rather than left on half a
  // file.
  if (::close(std::exchange(descriptor_, -1)) == 0) return {};
  const auto error = io_error(path_, "cannot close");
  ::unlink(path_.c_str());
  return error;
}

}  // namespace kigo::tools
