// Times every pair's bench() cases on a GPU, cold and hot, against what the hardware can do, and looks at the
// values afterwards: a fast kernel that is wrong is no kernel.
//   ops_bench [--quick] [--history FILE] [--machine NAME] [Google Benchmark's own options]
#include <benchmark/benchmark.h>

#include <chrono>
#include <cstdio>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/ops_clock.h"
#include "bench/ops_history.h"
#include "bench/ops_selection.h"
#include "core/base/cat.h"
#include "tests/pairs/any_pair.h"

namespace kigo::bench {
namespace {

constexpr int kColdRuns = 20;
// What the twin computes and compares in about half a second on one core; larger cases are compared by the
// laws, on their edges.
constexpr double kVerifiedFlops = 2e8;
constexpr double kVerifiedBytes = 4e7;

struct Options {
  std::string history;
  std::string machine = "unnamed";
  bool quick = false;
};

/// Takes our options out of the arguments. Nothing when one lacks its value.
std::optional<Options> take_options(int& count, char** arguments) {
  Options options;
  int kept = 1;
  for (int i = 1; i < count; ++i) {
    const std::string_view name = arguments[i];
    if (name == "--quick") {
      options.quick = true;
      continue;
    }
    std::string* const value = name == "--history"   ? &options.history
                               : name == "--machine" ? &options.machine
                                                     : nullptr;
    if (value == nullptr) {
      arguments[kept++] = arguments[i];
    } else if (++i < count) {
      *value = arguments[i];
    } else {
      std::cerr << name << ": no value\n";
      return std::nullopt;
    }
  }
  count = kept;
  return options;
}

std::string version_text(int version) { return cat(version / 1000, ".", version % 1000 / 10); }

std::string today() {
  const std::chrono::year_month_day date(
      std::chrono::floor<std::chrono::days>(std::chrono::system_clock::now()));
  const auto two = [](unsigned n) { return cat(n < 10 ? "0" : "", n); };
  return cat(static_cast<int>(date.year()), "-", two(static_cast<unsigned>(date.month())), "-",
             two(static_cast<unsigned>(date.day())));
}

Setup setup_of(const Clock& clock, const Limits& limits, const Options& options) {
  int driver = 0, runtime = 0;
  cudaDriverGetVersion(&driver);
  cudaRuntimeGetVersion(&runtime);
  return {.machine = options.machine,
          .gpu = clock.device().name,
          .driver = version_text(driver),
          .cuda = version_text(runtime),
          .commit = KIGO_COMMIT,
          .date = today(),
          .copy_bytes_per_s = limits.copy_bytes_per_s,
          .half_flops_per_s = limits.half_flops_per_s};
}

/// A fresh run of the case on the stage, compared with the twin.
Status verify(const pairs::AnyPair& pair, const pairs::AnyCase& one, std::span<const pairs::Tensor> tensors,
              const test::Stage& stage, const Clock& clock) {
  KIGO_TRY(stage.reset(clock.stream()));
  KIGO_TRY(one.kernel(stage.placed(), clock.stream()));
  KIGO_ASSIGN(const test::Held held, stage.read(clock.stream()));
  KIGO_ASSIGN(const pairs::Outputs truth, one.reference(tensors));
  for (const compare::Report& report : judge(pair, one, tensors, truth, held.values, "")) {
    if (!report.pass) return fail(Code::bad_value, pair.name(), report.text(), "the twin's values");
  }
  return {};
}

/// What all benchmarks of the run share.
struct Run {
  Clock clock;
  Limits limits;
  Setup setup;
  std::optional<History> history = {};
  bool failed = false;
};

void print_header() {
  std::printf("%-32s %10s %6s %10s %6s %10s %6s  %s\n", "pair", "cold_us", "copy", "row_us", "copy", "hot_us",
              "half", "case");
}

void print_row(const Measurement& measured, const Limits& limits, bool compared) {
  const auto share = [&](double us) {
    return us == 0 ? 0 : measured.bytes / (1e-6 * us) / limits.copy_bytes_per_s;
  };
  std::printf("%-32s %10.2f %6.3f %10.2f %6.3f %10.2f %6.3f  %s%s\n", measured.pair.c_str(), measured.cold_us,
              share(measured.cold_us), measured.row_us, share(measured.row_us), measured.hot_us,
              measured.flops / (1e-6 * measured.cold_us) / limits.half_flops_per_s, measured.text.c_str(),
              compared ? "" : " (values not compared)");
  std::fflush(stdout);
}

/// One launch of many in a row, each on memory that the second-level cache has lost since the last time. 0
/// for a case so small that this would take too many copies of it.
Result<double> rotated_us(Clock& clock, const pairs::AnyCase& one, std::span<const pairs::Tensor> tensors) {
  constexpr size_t kMostCopies = 100;
  size_t bytes = 0;
  for (const pairs::Tensor& tensor : tensors)
    if (tensor.part != pairs::Part::host) bytes += tensor.data.size();
  const auto cache = static_cast<size_t>(clock.device().l2_bytes);
  const size_t copies = 3 * cache / std::max<size_t>(bytes, 1) + 2;
  if (copies > kMostCopies) return 0.0;
  std::vector<test::Stage> stages;
  std::vector<Launch> launches;
  for (size_t i = 0; i < copies; ++i) {
    KIGO_ASSIGN(test::Stage stage, test::Stage::make(tensors, {}));
    KIGO_TRY(stage.reset(clock.stream()));
    stages.push_back(std::move(stage));
  }
  for (const test::Stage& stage : stages)
    launches.emplace_back([&](kernels::Stream stream) { return one.kernel(stage.placed(), stream); });
  return clock.in_a_row_us(launches);
}

/// One benchmark: a pair and one of its cases.
Status measure(benchmark::State& state, Run& run, const pairs::AnyPair& pair, const pairs::AnyCase& one) {
  Clock& clock = run.clock;
  const std::vector<pairs::Tensor> tensors = one.arguments();
  KIGO_ASSIGN(const test::Stage stage, test::Stage::make(tensors, {}));
  KIGO_TRY(stage.reset(clock.stream()));
  const Launch launch = [&](kernels::Stream stream) { return one.kernel(stage.placed(), stream); };
  KIGO_TRY(launch(clock.stream()));  // the first launch loads the kernel's code
  std::vector<double> cold_us;
  for (auto _ : state) {
    KIGO_ASSIGN(const double us, clock.cold_us(launch));
    state.SetIterationTime(1e-6 * us);
    cold_us.push_back(us);
  }
  KIGO_ASSIGN(const double hot_us, clock.in_a_row_us(std::span(&launch, 1)));
  KIGO_ASSIGN(const double row_us, rotated_us(clock, one, tensors));
  const pairs::Cost cost = one.cost();
  const Measurement result{pair.name(), one.text(), median(std::move(cold_us)), row_us, hot_us,
                           cost.bytes,  cost.flops};
  const bool compared = cost.flops <= kVerifiedFlops && cost.bytes <= kVerifiedBytes;
  if (compared) KIGO_TRY(verify(pair, one, tensors, stage, clock));
  print_row(result, run.limits, compared);
  return run.history ? run.history->add(run.setup, result) : Status{};
}

/// The table is printed row by row while it is measured, so there is nothing left to report.
class Silent : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<benchmark::BenchmarkReporter::Run>&) override {}
};

void register_case(Run& run, const pairs::PairPtr& pair, const pairs::CasePtr& one) {
  const auto body = [&run, pair, one](benchmark::State& state) {
    const Status status = measure(state, run, *pair, *one);
    if (status) return;
    run.failed = true;
    std::cout << "FAILED " << pair->name() << ' ' << one->text() << '\n'
              << status.error().message() << std::endl;
    state.SkipWithError(status.error().message().c_str());
  };
  benchmark::RegisterBenchmark(cat(pair->name(), "/", one->text()).c_str(), body)
      ->UseManualTime()
      ->Iterations(kColdRuns)
      ->Unit(benchmark::kMicrosecond);
}

void register_all(Run& run, bool quick) {
  for (const pairs::PairPtr& pair : pairs::all_pairs()) {
    if (quick && !in_quick_run(pair->name())) continue;
    std::set<std::string> seen;
    for (const pairs::CasePtr& one : pair->bench())
      if (!quick || seen.insert(sizes_of(one->text())).second) register_case(run, pair, one);
  }
}

int failed(const Error& error) {
  std::cerr << error.message() << '\n';
  return 1;
}

int run_benchmarks(const Options& options) {
  Result<Clock> clock = Clock::create();
  if (!clock) return failed(clock.error());
  const Result<Limits> limits = clock->limits();
  if (!limits) return failed(limits.error());
  const Setup setup = setup_of(*clock, *limits, options);
  Run run{std::move(*clock), *limits, setup};
  if (!options.history.empty()) {
    Result<History> history = History::open(options.history);
    if (!history) return failed(history.error());
    run.history = std::move(*history);
  }
  std::cout << setup.gpu << ", CUDA " << setup.cuda << " on driver " << setup.driver << ": copy "
            << 1e-12 * setup.copy_bytes_per_s << " TB/s, half products " << 1e-12 * setup.half_flops_per_s
            << " TFLOP/s" << std::endl;
  print_header();
  register_all(run, options.quick);
  Silent silent;
  benchmark::RunSpecifiedBenchmarks(&silent);
  return run.failed ? 1 : 0;
}

}  // namespace
}  // namespace kigo::bench

int main(int count, char** arguments) {
  const auto options = kigo::bench::take_options(count, arguments);
  if (!options) return 2;
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto devices = kigo::kernels::device_count();
  if (!devices || *devices == 0) {
    std::cout << "NOT RUN: no CUDA device\n";
    return 0;
  }
  return kigo::bench::run_benchmarks(*options);
}
