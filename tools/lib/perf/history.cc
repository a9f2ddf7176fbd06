#include "tools/lib/perf/history.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <numeric>
#include <system_error>
#include <thread>
#include <tuple>
#include <utility>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/output_file.h"

namespace kigo::tools::perf {
namespace {

constexpr size_t kWorthAThread = 1 << 20;

History read_lines(std::string_view text, const std::string& name, size_t number) {
  History history;
  for (; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
    auto record = parse_record(line, cat(name, ":", number));
    if (record) {
      history.records.push_back(std::move(*record));
    } else {
      history.broken.push_back({record.error(), std::string(line)});
    }
  }
  return history;
}

template <class T>
void move_behind(std::vector<T>& all, std::vector<T>& more) {
  all.insert(all.end(), std::move_iterator(more.begin()), std::move_iterator(more.end()));
}

tl::unexpected<Error> no_name(const std::string& path, const std::error_code& error) {
  return fail(Code::io, escaped(path, 4096), error.message(), "the name of a file to write");
}

/// Holds the folder of a file until destroyed: between our own programs on one machine, a file that is being
/// replaced is not appended to. It is the folder of the file itself where a link names it, so that all who
/// write the file hold the same one.
class FolderLock {
 public:
  static Result<FolderLock> take(const std::string& path) {
    std::error_code error;
    const auto file = std::filesystem::weakly_canonical(path, error);
    if (error) return no_name(path, error);
    std::error_code ignored;  // a file that is not there yet is no link
    if (std::filesystem::is_symlink(file, ignored))
      return fail(Code::io, escaped(path, 4096), "is a symbolic link to nothing", "a regular file");
    const std::string folder = file.parent_path().string();
    const char* const name = folder.empty() ? "." : folder.c_str();
    const int descriptor = ::open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return io_error(path, "cannot open its folder");
    FolderLock lock(descriptor);
    while (::flock(descriptor, LOCK_EX) != 0) {
      if (errno != EINTR) return io_error(path, "cannot lock its folder");
    }
    return lock;
  }
  FolderLock(FolderLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

 private:
  explicit FolderLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

Status write_synced(const std::string& path, std::string_view text) {
  KIGO_ASSIGN(OutputFile file, OutputFile::create(path));
  KIGO_TRY(file.append(std::as_bytes(std::span(text.data(), text.size()))));
  KIGO_TRY(file.sync());
  return file.commit();
}

/// Whether the file's last line lacks its end.
bool is_cut(int descriptor) {
  const off_t size = ::lseek(descriptor, 0, SEEK_END);
  char last = '\n';
  return size > 0 && ::pread(descriptor, &last, 1, size - 1) == 1 && last != '\n';
}

}  // namespace

History read_text(std::string_view text, const std::string& name) {
  if (text.size() < kWorthAThread) return read_lines(text, name, 1);
  const size_t end = text.find('\n', text.size() / 2);
  const std::string_view first = text.substr(0, end == std::string_view::npos ? end : end + 1);
  const std::string_view rest = text.substr(first.size());
  History behind;
  std::thread thread([&] {
    const auto lines = static_cast<size_t>(std::ranges::count(first, '\n'));
    behind = read_lines(rest, name, lines + 1);
  });
  History history = read_lines(first, name, 1);
  thread.join();
  move_behind(history.records, behind.records);
  move_behind(history.broken, behind.broken);
  return history;
}

Result<History> read_history(const std::string& path) {
  std::vector<std::string> files;
  std::error_code error;
  if (std::filesystem::is_directory(path, error)) {
    std::filesystem::directory_iterator entry(path, error);
    for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
      if (entry->path().extension() == ".jsonl") files.push_back(entry->path().string());
    }
    if (error) return fail(Code::io, escaped(path, 4096), error.message(), "a folder that can be read");
    std::ranges::sort(files);
  } else {
    files.push_back(path);
  }
  History history;
  for (const std::string& file : files) {
    KIGO_ASSIGN(const FileMap map, FileMap::open(file));
    History more = read_text({reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size()}, file);
    move_behind(history.records, more.records);
    move_behind(history.broken, more.broken);
  }
  return history;
}

std::vector<Record> merged(std::vector<Record> records) {
  const auto place = [&](size_t i) {
    const Record& record = records[i];
    return std::tie(record.time, record.run, record.machine, record.commit, record.subject, record.block);
  };
  // Text takes long: it is made only of records that their places do not tell apart.
  std::vector<std::string> lines(records.size());
  const auto line = [&](size_t i) -> const std::string& {
    if (lines[i].empty()) lines[i] = line_of(records[i]);
    return lines[i];
  };
  const auto before = [&](size_t a, size_t b) {
    const auto order = place(a) <=> place(b);
    return order != 0 ? order < 0 : line(a) < line(b);
  };
  const auto same = [&](size_t a, size_t b) { return place(a) == place(b) && line(a) == line(b); };
  std::vector<size_t> order(records.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, before);
  order.erase(std::unique(order.begin(), order.end(), same), order.end());
  std::vector<Record> all;
  all.reserve(order.size());
  for (const size_t i : order) all.push_back(std::move(records[i]));
  return all;
}

std::string lines_of(std::span<const Record> records) {
  std::string text;
  for (const Record& record : records) text += line_of(record);
  return text;
}

Result<History> write_union(const std::string& path, std::span<const std::string> from) {
  KIGO_ASSIGN(const FolderLock lock, FolderLock::take(path));
  History all;
  for (const std::string& file : from) {
    KIGO_ASSIGN(History history, read_history(file));
    move_behind(all.records, history.records);
    move_behind(all.broken, history.broken);
  }
  all.records = merged(std::move(all.records));
  KIGO_TRY(write_synced(path, lines_of(all.records)));
  return all;
}

Status append_history(const std::string& path, std::span<const Record> records) {
  KIGO_ASSIGN(const FolderLock lock, FolderLock::take(path));
  const int descriptor = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
  if (descriptor < 0) return io_error(path, "cannot open");
  const std::string text = cat(is_cut(descriptor) ? "\n" : "", lines_of(records));
  Status status;
  for (size_t done = 0; status && done < text.size();) {
    const ssize_t written = ::write(descriptor, text.data() + done, text.size() - done);
    if (written >= 0) {
      done += static_cast<size_t>(written);
    } else if (errno != EINTR) {
      status = io_error(path, "cannot write");
    }
  }
  if (::close(descriptor) != 0 && status) status = io_error(path, "cannot close");
  return status;
}

Result<std::vector<Broken>> merge_into(const std::string& path, std::vector<Record> records) {
  KIGO_ASSIGN(const FolderLock lock, FolderLock::take(path));
  History history;
  std::error_code error;
  const bool exists = std::filesystem::exists(path, error);
  if (error) return no_name(path, error);
  if (exists) {
    KIGO_ASSIGN(history, read_history(path));
  }
  move_behind(history.records, records);
  std::string text = lines_of(merged(std::move(history.records)));
  for (const Broken& broken : history.broken) text += cat(broken.line, "\n");
  KIGO_TRY(write_synced(path, text));
  return std::move(history.broken);
}

}  // namespace kigo::tools::perf
