// kigo: one program, one subcommand a file.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <new>
#include <span>
#include <string_view>

#include "core/base/cat.h"
#include "core/base/output_file.h"
#include "tools/kigo/command.h"

namespace kigo::tools {

#ifdef KIGO_FAULTS
constexpr const char* kFaultBuild = "kigo: FAULT BUILD: it can make mistakes on purpose\n";
#endif

int print_error(const Error& error, const std::string& file, bool json) {
  // An io error names its file itself; what comes after bad_data in the list is about a request or a run, not
  // the file.
  const bool alone = error.code == Code::io || error.code > Code::bad_data || file.empty();
  std::fprintf(stderr, "kigo: %s%s\n", alone ? "" : cat(file, ": ").c_str(), error.message().c_str());
  if (json) {
    Json object = Json::object({{"code", name(error.code)},
                                {"subject", error.subject},
                                {"found", error.found},
                                {"expected", error.expected}});
    if (error.offset) object.set("offset", *error.offset);
    std::printf("%s\n", Json::object({{"file", file}, {"error", std::move(object)}}).dump().c_str());
  }
  return kFailed;
}

int print(bool json, const std::string& text, const Json& object, int exit) {
#ifdef KIGO_FAULTS
  Json marked = object;
  if (json) marked.set("fault_build", true);
  const std::string shown = json ? marked.dump(2) + "\n" : cat(text, kFaultBuild);
#else
  const std::string shown = json ? object.dump(2) + "\n" : text;
#endif
  // Not fputs, which ends at a character zero.
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  return exit;
}

namespace {

/// A report that nobody got must not end in exit status 0: a full disk, a closed descriptor.
bool output_is_lost() {
  const bool lost = std::fflush(stdout) != 0 || std::ferror(stdout) != 0;
  if (lost) std::fputs("kigo: standard output: cannot write (io)\n", stderr);
  return lost;
}

/// Files are mapped: when one becomes shorter under us, the system sends this signal instead of an error.
void end_in_one_line(int) {
  constexpr char kLine[] = "kigo: a file became shorter while it was read, or its disk failed (io)\n";
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, kLine, sizeof kLine - 1);
  remove_unfinished_files();
  ::_exit(kFailed);
}

/// Ctrl-C, or an end that somebody asked for: as without this handler, but no partial file is left.
void end_without_partial_files(int signal) {
  remove_unfinished_files();
  std::signal(signal, SIG_DFL);
  ::raise(signal);
}

/// What ends us is handled; what whoever started us chose to ignore (nohup) stays ignored.
void handle_signals() {
  std::signal(SIGBUS, end_in_one_line);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    if (std::signal(signal, end_without_partial_files) == SIG_IGN) std::signal(signal, SIG_IGN);
  }
}

/// The command line cannot be trusted to say whether --json is an option or a value: one that stands alone is
/// enough.
bool wants_json(std::span<const char* const> arguments) {
  return std::ranges::any_of(arguments, [](std::string_view argument) { return argument == "--json"; });
}

int print_usage_error(const std::string& what, const std::string& command, bool json) {
  const std::string help = cat("kigo ", command, command.empty() ? "" : " ", "--help");
  std::fprintf(stderr, "kigo: %s; see %s\n", what.c_str(), help.c_str());
  if (json) {
    const Json error = Json::object({{"code", name(Code::invalid_request)},
                                     {"subject", "command line"},
                                     {"found", what},
                                     {"expected", help}});
    std::printf("%s\n", Json::object({{"file", ""}, {"error", error}}).dump().c_str());
  }
  return kUsage;
}

int run(int argc, char** argv) {
  CLI::App app{"kigo: reference and verification harness for LLM inference"};
  app.require_subcommand(1);
  app.set_version_flag("--version", KIGO_VERSION);
#ifdef KIGO_FAULTS
  std::fputs(kFaultBuild, stderr);
#endif
  int exit = kFailed;
  for (const auto add : {add_verify, add_compare, add_capture, add_haiku, add_generate, add_serve, add_logits,
                         add_tokenize, add_inspect, add_make_model, add_perf, add_faults}) {
    add(app, exit);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    exit = app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    const auto used = app.get_subcommands();
    return print_usage_error(error.what(), used.empty() ? "" : used.front()->get_name(),
                             wants_json({argv, static_cast<size_t>(argc)}));
  } catch (const std::bad_alloc&) {
    std::fputs("kigo: out of memory (out_of_memory)\n", stderr);
    return kFailed;
  }
  return output_is_lost() ? int{kFailed} : exit;
}

}  // namespace
}  // namespace kigo::tools

int main(int argc, char** argv) {
  kigo::tools::handle_signals();
  return kigo::tools::run(argc, argv);
}
