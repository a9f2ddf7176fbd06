// kigo: one program, one subcommand a file.
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <new>

#include "core/base/cat.h"
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
  if (json) {
    Json marked = object;
    marked.set("fault_build", true);
    std::fputs((marked.dump(2) + "\n").c_str(), stdout);
  } else {
    std::fputs(cat(text, kFaultBuild).c_str(), stdout);
  }
#else
  std::fputs(json ? (object.dump(2) + "\n").c_str() : text.c_str(), stdout);
#endif
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
  ::_exit(kFailed);
}

int run(int argc, char** argv) {
  CLI::App app{"kigo: reference and verification harness for LLM inference"};
  app.require_subcommand(1);
  app.set_version_flag("--version", KIGO_VERSION);
#ifdef KIGO_FAULTS
  std::fputs(kFaultBuild, stderr);
#endif
  int exit = kFailed;
  for (const auto add : {add_verify, add_compare, add_capture, add_haiku, add_generate, add_logits,
                         add_tokenize, add_inspect, add_make_model, add_faults}) {
    add(app, exit);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& wanted) {  // --help, --version
    exit = app.exit(wanted);
  } catch (const CLI::ParseError& error) {
    const auto used = app.get_subcommands();
    std::fprintf(stderr, "kigo: %s; see kigo %s--help\n", error.what(),
                 used.empty() ? "" : cat(used.front()->get_name(), " ").c_str());
    return kUsage;
  } catch (const std::bad_alloc&) {
    std::fputs("kigo: out of memory (out_of_memory)\n", stderr);
    return kFailed;
  }
  return output_is_lost() ? int{kFailed} : exit;
}

}  // namespace
}  // namespace kigo::tools

int main(int argc, char** argv) {
  std::signal(SIGBUS, kigo::tools::end_in_one_line);
  return kigo::tools::run(argc, argv);
}
