// Running the kigo program as a user does: arguments in, exit status and both outputs back.
#pragma once

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"

namespace kigo::tools {

struct Ran {
  int exit = -1;
  std::string out;
  std::string err;

  Json json() const {
    auto parsed = Json::parse(out, "output");
    EXPECT_TRUE(parsed) << out;
    return parsed ? *parsed : Json();
  }
  size_t error_lines() const { return static_cast<size_t>(std::ranges::count(err, '\n')); }
};

/// A test with a folder of its own that is gone afterwards.
class ProgramTest : public testing::Test {
 protected:
  ProgramTest() { std::filesystem::create_directories(folder_); }
  ~ProgramTest() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return folder_ + "/" + name; }

  std::string write(const std::string& name, std::string_view bytes) const {
    EXPECT_TRUE(write_file(path(name), bytes));
    return path(name);
  }

  Ran kigo(const std::vector<std::string>& arguments, const std::string& input = {}) const {
    std::string command = cat("cd ", quoted(folder_), " && ", quoted(KIGO_PROGRAM));
    for (const std::string& argument : arguments) command += cat(" ", quoted(argument));
    EXPECT_TRUE(write_file(path(".in"), input));
    command += " < .in > .out 2> .err";
    const int status = std::system(command.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, *read_text_file(path(".out")),
            *read_text_file(path(".err"))};
  }

  /// Every file in the folder but the ones that kigo() makes itself.
  std::vector<std::string> files() const {
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) {
      const std::string name = entry.path().filename();
      if (!name.starts_with('.') && entry.is_regular_file()) names.push_back(name);
    }
    std::ranges::sort(names);
    return names;
  }

 private:
  static std::string quoted(const std::string& text) {
    std::string out(1, '\'');
    for (const char c : text) out += c == '\'' ? std::string_view("'\\''") : std::string_view(&c, 1);
    return cat(out, '\'');
  }

  std::string folder_ =
      cat(std::filesystem::temp_directory_path().string(), "/kigo_program_test.", ::getpid());
};

}  // namespace kigo::tools
