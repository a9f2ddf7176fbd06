// Times every pair's bench() cases on a GPU: cold, one after another, and hot, against what the hardware can
// do, and looks at the values afterwards: a fast kernel that is wrong is no kernel.
//   ops_bench [--quick] [--filter REGEX] [--history FILE] | --list | --serve | --benchmark_... (Google
//   Benchmark's)
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bench/driver.h"
#include "bench/gpu_ceilings.h"
#include "bench/gpu_clock.h"
#include "bench/gpu_kernels.h"
#include "bench/machine_code.h"
#include "bench/ops_copies.h"
#include "bench/ops_selection.h"
#include "core/base/cat.h"
#include "kernels/runtime/context.h"
#include "tools/lib/perf/validity.h"

namespace kigo::bench {
namespace {

using tools::perf::Cache;
using tools::perf::KernelUse;
using tools::perf::Kind;
using tools::perf::State;

constexpr int64_t kMethod = 1;
// What the twin computes and compares in about half a second on one core; larger cases are compared by the
// laws, on their edges.
constexpr double kVerifiedFlops = 2e8;
constexpr double kVerifiedBytes = 4e7;
// What is drawn and laid out in less than a tenth of a second is drawn afresh for every block.
constexpr size_t kFreshBytes = 24 << 20;
// Copies of a case to rotate over, and what they may take.
constexpr size_t kMostCopies = 128;
constexpr size_t kMostBytes = size_t{8} << 30;
// A graph of launches takes about this long: events wander by half a microsecond.
constexpr double kGraphUs = 400;
constexpr double kMostLaunches = 100, kLeastLaunches = 4;

/// Roughly what a launch takes. From its cost and not from a measurement: how many launches share a graph,
/// and its start, must not depend on chance, nor on which of two builds is measured.
double rough_us(const pairs::Cost& cost) { return 2 + cost.bytes / 3e6 + cost.flops / 2e8; }

/// The data of a case.
struct Drawn {
  std::string name;
  uint64_t seed = 0;
  pairs::CasePtr one;
  std::vector<pairs::Tensor> tensors;
  std::vector<test::Image> images;
};

/// A case on the device, ready to be measured; kept for the next block of the same case.
struct Prepared {
  Drawn drawn;
  std::optional<Copies> copies;
};

class OpsBench final : public Program {
 public:
  std::string name() const override { return "ops_bench"; }
  std::string summary() const override { return "Times every kernel of the library on the GPU"; }
  std::vector<std::string> names(bool quick) const override {
    std::vector<std::string> all;
    for (const Selected& one : selected(quick)) all.push_back(one.name());
    return all;
  }
  Result<std::optional<std::string>> prepare(bool quick) override;
  Setting setting() const override { return clock_ ? clock_->setting(kMethod) : Setting{}; }
  Result<std::vector<Record>> measure(const Request& request) override;
  Result<std::vector<Record>> ceilings(const Request& request) override;
  void expect(const Request& request) override;
  bool usable() override { return !context_ || context_->health().has_value(); }

 private:
  Status need_limits();
  static Drawn drawn(const Selected& chosen, const Request& request);
  Status stage(const Selected& chosen, const Request& request);
  Result<Record> cold(const Request& request, const pairs::Cost& cost);
  Result<Record> in_a_row(Cache cache, size_t copies, const Request& request, const pairs::Cost& cost);
  Record record_of(Cache cache, const pairs::Cost& cost, Sampled sampled);
  Status verify(const Request& request);
  Launch launch_of(size_t copy) const;

  std::optional<kernels::Context> context_;
  std::optional<GpuClock> clock_;
  MachineCode code_;
  std::map<std::string, Selected> cases_;
  std::optional<tools::perf::Limits> limits_;
  double limit_s_ = 3;
  Room room_;
  Prepared prepared_;
  std::optional<Drawn> expected_;  // what will probably be asked next
  bool expects_ = true;            // not after another name was asked than expected
  const Selected* chosen_ = nullptr;
  std::set<std::string> verified_;
};

Result<std::optional<std::string>> OpsBench::prepare(bool quick) {
  const auto devices = kernels::device_count();
  if (!devices) return std::optional(devices.error().message());
  if (*devices == 0) return std::optional<std::string>("no CUDA device");
  KIGO_ASSIGN(kernels::Context context, kernels::Context::create());
  context_.emplace(std::move(context));
  KIGO_ASSIGN(GpuClock clock, GpuClock::create(context_->info(), context_->stream()));
  clock_.emplace(std::move(clock));
  if (auto code = MachineCode::of_this_program()) {
    code_ = std::move(*code);
  } else {
    std::cerr << code.error().message() << "; going on without\n";
  }
  for (Selected& one : selected(false)) cases_.emplace(one.name(), one);
  if (quick) limit_s_ = 1;
  return std::nullopt;
}

Result<std::vector<Record>> OpsBench::ceilings(const Request& request) {
  KIGO_ASSIGN(std::vector<Record> records, measure_ceilings(*clock_, context_->vram(), request.delay_us));
  // With a delay they would be too low.
  if (request.delay_us.value_or(0) == 0)
    limits_ = tools::perf::limits_of(records)[""];  // no run has a name yet
  return records;
}

Status OpsBench::need_limits() {
  if (limits_) return {};
  KIGO_TRY(ceilings({.name = "ceilings"}));
  return {};
}

uint64_t seed_of(const Request& request) { return 1 + static_cast<uint64_t>(request.block); }

Drawn OpsBench::drawn(const Selected& chosen, const Request& request) {
  Drawn data{request.name, seed_of(request), nullptr, {}, {}};
  const pairs::CasePtr other = chosen.one->reseeded(data.seed);
  data.one = request.block > 0 && other ? other : chosen.one;
  data.tensors = data.one->arguments();
  data.images = images_of(data.tensors);
  return data;
}

void OpsBench::expect(const Request& request) {
  const auto found = cases_.find(request.name);
  if (!expects_ || found == cases_.end() || (expected_ && expected_->name == request.name)) return;
  expected_.reset();
  expected_ = drawn(found->second, request);
}

/// Draws the case's data for this block and lays it out, unless it is there already.
Status OpsBench::stage(const Selected& chosen, const Request& request) {
  chosen_ = &chosen;
  const Drawn& last = prepared_.drawn;
  if (prepared_.copies && last.name == request.name &&
      (last.seed == seed_of(request) || bytes_of_copy(last.tensors) > kFreshBytes))
    return {};
  prepared_ = {};
  if (expected_ && expected_->name == request.name && expected_->seed == seed_of(request)) {
    prepared_.drawn = std::move(*expected_);
  } else {
    expects_ = !expected_;
    prepared_.drawn = drawn(chosen, request);
  }
  expected_.reset();
  Drawn& now = prepared_.drawn;
  const size_t bytes = bytes_of_copy(now.tensors);
  // Memory that is not touched does not push anything out of the cache.
  const double touched = std::max(1.0, std::min(static_cast<double>(bytes), now.one->cost().bytes));
  const double copies = std::floor(2 * static_cast<double>(clock_->device().l2_bytes) / touched) + 2;
  const bool rotates = copies <= kMostCopies && copies * static_cast<double>(bytes) <= kMostBytes;
  KIGO_ASSIGN(prepared_.copies, Copies::make(std::move(now.images), rotates ? static_cast<size_t>(copies) : 1,
                                             room_, clock_->stream()));
  return {};
}

Launch OpsBench::launch_of(size_t copy) const {
  return [this, copy](kernels::Stream stream) {
    return prepared_.drawn.one->kernel(prepared_.copies->placed(copy), stream);
  };
}

Record OpsBench::record_of(Cache cache, const pairs::Cost& cost, Sampled sampled) {
  Record record;
  record.subject = {Kind::op, chosen_->pair->name(), chosen_->one->text(), cache};
  record.setting = setting();
  record.bytes = cost.bytes;
  record.flops = cost.flops;
  fill(record, std::move(sampled));
  clock_->describe(record);
  if (const std::string why = tools::perf::beyond(record, *limits_);
      !why.empty() && record.state == State::ok) {
    record.state = State::invalid;
    record.why = why;
  }
  return record;
}

Result<Record> OpsBench::cold(const Request& request, const pairs::Cost& cost) {
  const Launch launch = clock_->delayed(launch_of(0), request.delay_us);
  KIGO_ASSIGN(Sampled sampled, sample(Plan{.limit_s = limit_s_},
                                      clock_->take(launch, GpuClock::Flush::yes, 5), steady_seconds));
  Record record = record_of(Cache::cold, cost, std::move(sampled));
  KIGO_ASSIGN(record.kernels, kernels_of(launch_of(0), clock_->stream()));
  return record;
}

/// Launches one after another in a graph, round and round over so many copies: one of them is hot.
Result<Record> OpsBench::in_a_row(Cache cache, size_t copies, const Request& request,
                                  const pairs::Cost& cost) {
  std::vector<Launch> launches;
  for (size_t i = 0; i < copies; ++i) launches.push_back(clock_->delayed(launch_of(i), request.delay_us));
  const double wanted = std::clamp(std::ceil(kGraphUs / rough_us(cost)), kLeastLaunches, kMostLaunches);
  const double rounds = std::ceil(wanted / static_cast<double>(copies));
  const auto count = static_cast<int64_t>(rounds) * static_cast<int64_t>(copies);
  KIGO_ASSIGN(const kernels::GraphExec graph, clock_->graph_of(launches, count));
  const Launch replay = [&](kernels::Stream stream) { return graph.launch(stream); };
  KIGO_ASSIGN(
      Sampled sampled,
      sample(Plan{.limit_s = limit_s_},
             clock_->take(replay, GpuClock::Flush::no, 3, static_cast<double>(count)), steady_seconds));
  return record_of(cache, cost, std::move(sampled));
}

/// A fresh run of the case, compared with the twin.
Status OpsBench::verify(const Request& request) {
  KIGO_TRY(prepared_.copies->reset(0, clock_->stream()));
  KIGO_TRY(launch_of(0)(clock_->stream()));
  KIGO_ASSIGN(const pairs::Outputs got, prepared_.copies->outputs(0, clock_->stream()));
  request.timed();
  const auto& [name, seed, one, tensors, images] = prepared_.drawn;
  KIGO_ASSIGN(const pairs::Outputs truth, one->reference(tensors));
  for (const auto& report : judge(*chosen_->pair, *one, tensors, truth, got, "")) {
    if (!report.pass) return fail(Code::bad_value, chosen_->pair->name(), report.text(), "the twin's values");
  }
  return {};
}

Result<std::vector<Record>> OpsBench::measure(const Request& request) {
  const auto found = cases_.find(request.name);
  if (found == cases_.end())
    return fail(Code::invalid_request, request.name, "not known", "a name of ops_bench --list");
  KIGO_TRY(need_limits());
  KIGO_TRY(stage(found->second, request));
  for (size_t i = 0; i < prepared_.copies->count(); ++i)
    KIGO_TRY(prepared_.copies->reset(i, clock_->stream()));
  KIGO_TRY(launch_of(0)(clock_->stream()));  // the first launch loads the kernel's code
  const pairs::Cost cost = prepared_.drawn.one->cost();
  std::vector<Record> records;
  KIGO_ASSIGN(Record first, cold(request, cost));
  std::vector<std::string> functions;
  for (const KernelUse& kernel : first.kernels) functions.push_back(kernel.name);
  records.push_back(std::move(first));
  if (prepared_.copies->count() > 1) {
    KIGO_ASSIGN(Record row, in_a_row(Cache::row, prepared_.copies->count(), request, cost));
    records.push_back(std::move(row));
  }
  KIGO_ASSIGN(Record hot, in_a_row(Cache::hot, 1, request, cost));
  records.push_back(std::move(hot));
  const bool affordable = cost.flops <= kVerifiedFlops && cost.bytes <= kVerifiedBytes;
  Status right;
  if (request.verify && affordable && !verified_.contains(request.name)) {
    right = verify(request);
    if (right) verified_.insert(request.name);
  }
  for (Record& record : records) {
    record.code = code_.hash_of(functions);
    record.verified = verified_.contains(request.name);
    if (right) continue;
    record.state = State::invalid;
    record.why = right.error().message();
  }
  return records;
}

/// Google Benchmark's view of the same: one iteration is a whole measurement, whose time is the cold one.
void register_all(OpsBench& bench) {
  for (const std::string& name : bench.names(false)) {
    const auto body = [&bench, name](benchmark::State& state) {
      for (auto _ : state) {
        const auto records = bench.measure({.name = name});
        if (!records) return state.SkipWithError(records.error().message().c_str());
        for (const Record& record : *records) {
          if (record.state != State::ok) return state.SkipWithError(record.why.c_str());
          const double us = median(record.us);
          if (record.subject.cache == Cache::cold) state.SetIterationTime(1e-6 * us);
          state.counters[cat(name_of(record.subject.cache), "_us")] = us;
        }
      }
    };
    benchmark::RegisterBenchmark(name.c_str(), body)
        ->UseManualTime()
        ->Iterations(1)
        ->Unit(benchmark::kMicrosecond);
  }
}

int run_google_benchmark(OpsBench& bench, int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  const auto missing = bench.prepare(false);
  if (!missing || *missing) {
    std::cerr << (missing ? cat("NOT RUN: ", **missing) : missing.error().message()) << '\n';
    return missing ? 0 : 1;
  }
  register_all(bench);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}

}  // namespace
}  // namespace kigo::bench

int main(int count, char** arguments) {
  kigo::bench::OpsBench bench;
  const bool plain = std::any_of(arguments + 1, arguments + count, [](std::string_view argument) {
    return argument.starts_with("--benchmark_");
  });
  return plain ? kigo::bench::run_google_benchmark(bench, count, arguments)
               : kigo::bench::run_program(bench, count, arguments);
}
