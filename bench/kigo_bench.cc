// The benchmarks that need no GPU: by Google Benchmark's own options, or as records like the other programs'.
//   kigo_bench [--benchmark_filter=REGEX ...] | --history FILE | --list | --serve
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "bench/cpu_delay.h"
#include "bench/driver.h"
#include "bench/sampling.h"
#include "bench/tokenizer_bench.h"
#include "core/base/cat.h"

namespace kigo::bench {
namespace {

using tools::perf::Kind;

constexpr int64_t kMethod = 1;

/// Those whose ten samples take minutes.
constexpr std::array<std::string_view, 5> kSlow{"Forward/", "ForwardFast/", "Decode/", "DecodeFast/",
                                                "Haiku/"};
constexpr std::array<std::string_view, 3> kOfVocabulary{"LoadVocabulary", "Encode", "DecodeAsAStream"};

template <size_t N>
bool is_among(const std::array<std::string_view, N>& beginnings, std::string_view name) {
  return std::ranges::any_of(beginnings, [&](std::string_view part) { return name.starts_with(part); });
}

/// Options of Google Benchmark, as if they had been given.
void set_options(std::vector<std::string> options) {
  options.insert(options.begin(), "kigo_bench");
  std::vector<char*> arguments;
  for (std::string& option : options) arguments.push_back(option.data());
  int count = static_cast<int>(arguments.size());
  benchmark::Initialize(&count, arguments.data());
}

/// Keeps what Google Benchmark reports, and prints nothing.
class Keeper : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    kept.insert(kept.end(), runs.begin(), runs.end());
  }
  std::vector<Run> kept;
};

std::vector<std::string> all_benchmarks() {
  Keeper keeper;
  std::ostringstream text;
  keeper.SetOutputStream(&text);
  set_options({"--benchmark_list_tests=true"});
  benchmark::RunSpecifiedBenchmarks(&keeper, "all");
  set_options({"--benchmark_list_tests=false"});
  std::vector<std::string> names;
  std::istringstream lines(text.str());
  for (std::string line; std::getline(lines, line);) names.push_back(line);
  return names;
}

/// The name as a regular expression that matches nothing else.
std::string exactly(std::string_view name) {
  std::string expression = "^";
  for (const char c : name) {
    if (std::string_view(R"(\^$.|?*+()[]{})").find(c) != std::string_view::npos) expression += '\\';
    expression += c;
  }
  return expression + "$";
}

/// The value of the first line "key : value" of a file; empty without one.
std::string field_of(const char* path, std::string_view key) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    const size_t colon = line.find(": ");
    if (line.starts_with(key) && colon != std::string::npos) return line.substr(colon + 2);
  }
  return {};
}

std::string clocks() {
  std::ifstream file("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq");
  int64_t khz = 0;
  return file >> khz ? cat("up to ", khz / 1000, " MHz") : "unknown";
}

class CpuBench final : public Program {
 public:
  std::string name() const override { return "kigo_bench"; }
  std::string summary() const override {
    return "Times what runs on the host; --benchmark_... are Google Benchmark's options";
  }
  std::vector<std::string> names(bool quick) const override {
    std::vector<std::string> all;
    for (const std::string& one : all_benchmarks()) {
      if (quick && is_among(kSlow, one)) continue;
      if (is_among(kOfVocabulary, one) && !has_vocabulary()) continue;
      all.push_back(cat("cpu/", one));
    }
    return all;
  }
  Result<std::optional<std::string>> prepare(bool) override {
    // Long enough for the clock and the caches, short enough for many samples.
    set_options({"--benchmark_min_time=0.02"});
    return std::nullopt;
  }
  Setting setting() const override {
    return {.device = cat(field_of("/proc/cpuinfo", "model name"), ", ", std::thread::hardware_concurrency(),
                          " threads"),
            .driver = {},
            .cuda = {},
            .clocks = clocks(),
            .flags = KIGO_FLAGS,
            .method = kMethod};
  }
  Result<std::vector<Record>> measure(const Request& request) override {
    Record record;
    record.subject = subject_of(request.name);
    record.setting = setting();
    set_delay(request.delay_us);
    const std::string expression = exactly(record.subject.name);
    KIGO_ASSIGN(Sampled sampled, sample(
                                     Plan{.limit_s = 180}, [&] { return take(expression); }, steady_seconds));
    fill(record, std::move(sampled));
    return std::vector<Record>{record};
  }

 private:
  /// One run, of as many iterations as Google Benchmark finds right: the real time of one.
  static Result<std::vector<Taken>> take(const std::string& expression) {
    Keeper keeper;
    if (benchmark::RunSpecifiedBenchmarks(&keeper, expression) == 0 || keeper.kept.empty())
      return fail(Code::invalid_request, expression, "no such benchmark", "a name of kigo_bench --list");
    const auto& run = keeper.kept.front();
    if (run.error_occurred) return fail(Code::io, expression, run.error_message, "a benchmark that runs");
    return std::vector<Taken>{
        {.us = 1e6 * run.real_accumulated_time / static_cast<double>(run.iterations), .mhz = 0, .off = {}}};
  }
};

}  // namespace
}  // namespace kigo::bench

int main(int count, char** arguments) {
  const bool plain =
      count == 1 || std::any_of(arguments + 1, arguments + count, [](std::string_view argument) {
        return argument.starts_with("--benchmark_");
      });
  if (!plain) {
    kigo::bench::CpuBench bench;
    return kigo::bench::run_program(bench, count, arguments);
  }
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 1;
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
