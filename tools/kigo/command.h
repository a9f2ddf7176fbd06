// What the subcommands of kigo share: exit statuses, how an error is printed, and how a command registers
// itself.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools {

/// The exit statuses of kigo.
enum Exit : int {
  kPassed = 0,
  kFailed = 1,     // an input is wrong, or a check failed
  kUsage = 2,      // the command line is wrong
  kUndecided = 3,  // there was no outside truth to decide by
};

/// Prints one line `kigo: FILE: subject: found, expected ...` to standard error; with `json` also an object
/// to standard output. Returns kFailed.
int print_error(const Error& error, const std::string& file, bool json);

/// Prints a whole report: `text` for people, or the object.
int print(bool json, const std::string& text, const Json& object, int exit = kPassed);

// Each adds one subcommand, whose callback stores the exit status.
void add_inspect(CLI::App& app, int& exit);
void add_tokenize(CLI::App& app, int& exit);
void add_generate(CLI::App& app, int& exit);
void add_logits(CLI::App& app, int& exit);
void add_haiku(CLI::App& app, int& exit);
void add_verify(CLI::App& app, int& exit);
void add_make_model(CLI::App& app, int& exit);
void add_compare(CLI::App& app, int& exit);
void add_capture(CLI::App& app, int& exit);
void add_faults(CLI::App& app, int& exit);
void add_serve(CLI::App& app, int& exit);
void add_perf(CLI::App& app, int& exit);

}  // namespace kigo::tools
