#include "core/base/output_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <utility>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/base/file_map.h"

namespace kigo {
namespace {

/// A temporary name where a signal handler can read it.
struct Note {
  enum class State : int { free, being_written, holds_a_name };
  std::atomic<State> state{State::free};
  std::array<char, 4096> name{};
};
static_assert(std::atomic<Note::State>::is_always_lock_free, "or a signal handler could wait for itself");
std::array<Note, 16> notes;

/// The index of the note, or -1 when there is no room.
int take_note(const std::string& name) {
  if (name.size() >= notes[0].name.size()) return -1;
  for (size_t i = 0; i < notes.size(); ++i) {
    auto free = Note::State::free;
    if (!notes[i].state.compare_exchange_strong(free, Note::State::being_written)) continue;
    std::memcpy(notes[i].name.data(), name.c_str(), name.size() + 1);
    notes[i].state = Note::State::holds_a_name;
    return static_cast<int>(i);
  }
  return -1;
}

void drop_note(int note) {
  if (note >= 0) notes[static_cast<size_t>(note)].state = Note::State::free;
}

/// The name that a new file takes.
struct Target {
  std::string name;
  std::optional<mode_t> mode;  // of the file that is replaced
};

/// `path` when nothing has it, or the regular file that is replaced, which a symbolic link may name.
Result<Target> replaceable(const std::string& path) {
#ifdef KIGO_FAULTS
  KIGO_TRY(fault::check_no_golden(path));
#endif
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  struct stat info {};
  if (real == nullptr) {
    if (::lstat(path.c_str(), &info) == 0 && S_ISLNK(info.st_mode))
      return fail(Code::io, escaped(path, 4096), "is a symbolic link to nothing", "a regular file");
    return Target{path, {}};  // when the name cannot be had, making the file shows it
  }
  if (::stat(real.get(), &info) != 0) return io_error(path, "cannot stat");
  KIGO_TRY(check_regular(path, info.st_mode));
  return Target{real.get(), info.st_mode & 0777};
}

}  // namespace

Result<OutputFile> OutputFile::create(const std::string& path) {
  KIGO_ASSIGN(Target target, replaceable(path));
  std::string temporary = cat(target.name, ".tmp.", ::getpid());
  const int note = take_note(temporary);  // beforehand: a signal may come right behind the next line
  const int descriptor =
      ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, target.mode.value_or(0644));
  if (descriptor < 0) {
    const auto error = io_error(path, "cannot create");
    drop_note(note);
    return error;
  }
  OutputFile file(std::move(target.name), std::move(temporary), descriptor, note);
  // What umask took away from it.
  if (target.mode && ::fchmod(descriptor, *target.mode) != 0) return io_error(path, "cannot set its mode");
  return file;
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      note_(std::exchange(other.note_, -1)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
  drop_note(note_);
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

Status OutputFile::sync() {
  if (::fsync(descriptor_) != 0) return io_error(path_, "cannot write to the disk");
  return {};
}

Status OutputFile::commit() {
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return io_error(path_, "cannot replace");
  drop_note(std::exchange(note_, -1));
  // Some file systems report a failed write only here; the name is taken back rather than left on half a
  // file.
  if (::close(std::exchange(descriptor_, -1)) == 0) return {};
  const auto error = io_error(path_, "cannot close");
  ::unlink(path_.c_str());
  return error;
}

void remove_unfinished_files() noexcept {
  for (const Note& note : notes) {
    if (note.state == Note::State::holds_a_name) ::unlink(note.name.data());
  }
}

}  // namespace kigo
