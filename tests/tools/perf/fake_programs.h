// Programs that measure nothing but speak the protocol, and fail as they are told. Each is a link to one
// program with a file of JSON beside it:
//   commit, code, seed; log: file to which all write their requests, "head 1 op/a/x" (block, name)
//   start: die, hang, garbage, not_run, fault_build, never_ends, ends_badly; broken_from: starts that go well
//   names: name, us, samples, spread (of samples), block_spread, process (spread from process to process),
//   drift
//     (a request), bimodal (the other mode's distance), sleep_ms,
//     do: die, crash, hang, garbage, half, endless, many, other_block, invalid, silent, last; at: the block
//     (any without)
#pragma once

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

class FakePrograms : public testing::Test {
 protected:
  FakePrograms() {
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
  }
  ~FakePrograms() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return cat(folder_, "/", name); }

  /// `names` and `more` as members in JSON: `{"name": "op/a/x"}, ...` and `"start": "die"`.
  std::string program(const std::string& name, const std::string& names, const std::string& more = {}) const {
    if (!std::filesystem::exists(path(name))) std::filesystem::create_symlink(KIGO_FAKE_BENCH, path(name));
    EXPECT_TRUE(write_file(path(name + ".json"),
                           cat("{\"commit\": \"", name, "0\", \"log\": \"", path("log"), "\", \"names\": [",
                               names, "]", more.empty() ? "" : ", ", more, "}")));
    return path(name);
  }

  /// The requests that came, without the lines that say that a program was started.
  std::vector<std::string> requests() const {
    std::vector<std::string> lines = lines_of(path("log"));
    std::erase_if(lines, [](const std::string& line) { return line.starts_with("start "); });
    return lines;
  }

  int64_t starts(const std::string& name) const {
    return std::ranges::count(lines_of(path("log")), cat("start ", name));
  }

  static std::vector<std::string> lines_of(const std::string& file) {
    std::vector<std::string> lines;
    const std::string text = read_text_file(file).value_or("");
    for (size_t begin = 0, end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1)
      lines.push_back(text.substr(begin, end - begin));
    return lines;
  }

  static std::vector<Record> records_of(const std::string& file) {
    std::vector<Record> records;
    for (const std::string& line : lines_of(file)) {
      auto record = parse_record(line, file);
      EXPECT_TRUE(record) << record.error().message();
      if (record) records.push_back(*std::move(record));
    }
    return records;
  }

  static bool alive(pid_t process) { return ::kill(process, 0) == 0; }

 private:
  const std::string folder_ = cat(std::filesystem::temp_directory_path().string(), "/kigo_perf_test.",
                                  static_cast<int64_t>(::getpid()));
};

}  // namespace kigo::tools::perf
