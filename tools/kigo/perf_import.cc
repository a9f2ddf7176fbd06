// kigo perf import and merge: measurements of other files and programs into one history.
#include <cstdio>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/kigo/options.h"
#include "tools/kigo/perf.h"
#include "tools/lib/perf/google_benchmark.h"
#include "tools/lib/perf/history.h"

namespace kigo::tools {
namespace {

struct ImportArguments {
  std::vector<std::string> files;
  std::string into;
  perf::ImportOptions options;
};

/// What could not be read is said, one line each; the exit status then says so too.
int report_broken(const std::vector<perf::Broken>& broken) {
  for (const perf::Broken& line : broken)
    std::fprintf(stderr, "kigo: skipped %s\n", line.error.message().c_str());
  return broken.empty() ? kPassed : kFailed;
}

/// A file of Google Benchmark, or of records.
Result<perf::History> read_any(const std::string& file, const perf::ImportOptions& options) {
  KIGO_ASSIGN(const FileMap map, FileMap::open(file));
  const std::string_view text{reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size()};
  const auto whole = Json::parse(text, file);  // of records it stops at the second line
  const std::string_view first = text.substr(0, text.find('\n'));
  if (!whole && first.find_first_not_of("{ \t\r") == std::string_view::npos && !first.empty())
    return tl::unexpected<Error>(whole.error());  // JSON over many lines, which no record is
  if (!whole || !perf::is_google_benchmark(*whole)) return perf::read_text(text, file);
  KIGO_ASSIGN(auto records, perf::google_benchmark_records(*whole, file, options));
  perf::History history{std::move(records), {}};
  if (history.records.empty() && !whole->find("benchmarks")->items()->empty())
    history.broken.push_back(
        {{Code::bad_value, cat(file, ", benchmarks"), "aggregates only", "repetitions", {}}, ""});
  return history;
}

Result<int> import(const ImportArguments& arguments) {
  std::vector<perf::Record> records;
  std::vector<perf::Broken> broken;
  for (const std::string& file : arguments.files) {
    KIGO_ASSIGN(perf::History history, read_any(file, arguments.options));
    records.insert(records.end(), history.records.begin(), history.records.end());
    broken.insert(broken.end(), history.broken.begin(), history.broken.end());
  }
  const size_t count = records.size();
  KIGO_ASSIGN(const auto stayed, perf::merge_into(arguments.into, std::move(records)));
  std::printf("%zu records into %s\n", count, arguments.into.c_str());
  broken.insert(broken.end(), stayed.begin(), stayed.end());
  return report_broken(broken);
}

Result<int> merge(const ImportArguments& arguments) {
  KIGO_ASSIGN(const perf::History all, perf::write_union(arguments.into, arguments.files));
  std::printf("%zu records in %s\n", all.records.size(), arguments.into.c_str());
  return report_broken(all.broken);
}

/// An error names the file that it is about, one of those read or the one written.
int finish(const Result<int>& status) { return status ? *status : print_error(status.error(), "", false); }

}  // namespace

void add_perf_import(CLI::App& perf, int& exit) {
  const auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command =
      perf.add_subcommand("import", "Add records, or plain Google Benchmark JSON, to a history");
  command->add_option("files", arguments->files, "Records (.jsonl) or JSON of Google Benchmark")->required();
  command->add_option("--into", arguments->into, "The history's file; made when there is none")
      ->required()
      ->check(not_empty());
  command->add_option("--machine", arguments->options.machine, "Its name, for Google Benchmark's files");
  command->add_option("--commit", arguments->options.commit, "What was measured, for the same");
  command->add_option("--device", arguments->options.device, "Name of the processor, for the same");
  command->callback([arguments, &exit] { exit = finish(import(*arguments)); });
}

void add_perf_merge(CLI::App& perf, int& exit) {
  const auto arguments = std::make_shared<ImportArguments>();
  CLI::App* command = perf.add_subcommand("merge", "The union of histories, by time");
  command->add_option("histories", arguments->files, "Files, or folders of .jsonl files")->required();
  command->add_option("--out", arguments->into, "The file to write; may be one of those read")
      ->required()
      ->check(not_empty());
  command->callback([arguments, &exit] { exit = finish(merge(*arguments)); });
}

}  // namespace kigo::tools
