#include "tools/lib/perf/google_benchmark.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "core/base/cat.h"
#include "tools/lib/iso_time.h"

namespace kigo::tools::perf {
namespace {

std::string text_member(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member != nullptr && member->string() != nullptr ? *member->string() : "";
}

double number_member(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member != nullptr ? member->number().value_or(std::nan("")) : std::nan("");
}

bool true_member(const Json& json, std::string_view key) {
  const Json* member = json.find(key);
  return member != nullptr && member->boolean() != nullptr && *member->boolean();
}

/// "2026-11-22T06:01:02+02:00", the local time and how far it is ahead, as UTC.
Result<std::string> utc(const std::string& date, const std::string& name) {
  const auto wrong = [&] {
    return fail(Code::bad_value, cat(name, ", context.date"), escaped(date),
                "a time as 2026-11-22T06:01:02+02:00");
  };
  if (date.size() != 25 || (date[19] != '+' && date[19] != '-') || date[22] != ':') return wrong();
  const auto local = parse_iso_time(cat(date.substr(0, 19), "Z"));
  const auto ahead = parse_iso_time(cat("2000-01-01T", date.substr(20), ":00Z"));
  const auto midnight = parse_iso_time("2000-01-01T00:00:00Z");
  if (!local || !ahead) return wrong();
  const auto offset = *ahead - *midnight;
  return iso_time(date[19] == '+' ? *local - offset : *local + offset);
}

/// Microseconds of a unit; NaN for none that Google Benchmark has.
double us_of(const std::string& unit) {
  constexpr std::array<std::pair<std::string_view, double>, 4> kUnits{
      {{"ns", 1e-3}, {"us", 1}, {"ms", 1e3}, {"s", 1e6}}};
  const auto found = std::ranges::find(kUnits, unit, &std::pair<std::string_view, double>::first);
  return found == kUnits.end() ? std::nan("") : found->second;
}

/// Versions before 1.5 do not say so, but call their averages NAME_mean.
bool is_aggregate(const Json& benchmark) {
  if (benchmark.find("run_type") != nullptr) return text_member(benchmark, "run_type") == "aggregate";
  const std::string name = text_member(benchmark, "name");
  return std::ranges::any_of(
      std::to_array<std::string_view>({"_mean", "_median", "_stddev", "_cv", "_BigO", "_RMS"}),
      [&](std::string_view end) { return name.ends_with(end); });
}

/// Adds what one entry says to the record of its benchmark.
Status add_sample(const Json& benchmark, const std::string& subject, Record& record) {
  if (true_member(benchmark, "error_occurred") || true_member(benchmark, "skipped")) {
    const std::string error = text_member(benchmark, "error_message");
    record.state = State::invalid;
    record.why = error.empty() ? text_member(benchmark, "skip_message") : error;
    return {};
  }
  const double us = number_member(benchmark, "real_time") * us_of(text_member(benchmark, "time_unit"));
  if (!std::isfinite(us) || us < 0)
    return fail(Code::bad_value, cat(subject, ", real_time, time_unit"), "no time",
                "a number of ns, us, ms or s");
  record.us.push_back(us);
  const double bytes_per_s = number_member(benchmark, "bytes_per_second");
  if (bytes_per_s > 0) record.bytes = std::round(bytes_per_s * us * 1e-6);
  return {};
}

/// Name and case, on both sides of the first slash. A record needs a name, and "a/" is another benchmark than
/// "a": with nothing on one side it stays whole.
Subject cpu_subject(const std::string& run_name) {
  const size_t slash = run_name.find('/');
  if (slash == 0 || slash >= run_name.size() - 1) return {Kind::cpu, run_name, "", Cache::none};
  return {Kind::cpu, run_name.substr(0, slash), run_name.substr(slash + 1), Cache::none};
}

Setting setting_of(const Json& context, const ImportOptions& options) {
  Setting setting;
  const double processors = number_member(context, "num_cpus"), mhz = number_member(context, "mhz_per_cpu");
  setting.device = options.device;
  if (setting.device.empty())
    setting.device = processors > 0 ? cat(processors, " processors") : "unknown processors";
  if (mhz > 0) setting.clocks = cat("cpu ", mhz, " MHz");
  setting.flags = cat("google benchmark ", text_member(context, "library_build_type"));
  setting.method = 1;
  return setting;
}

}  // namespace

bool is_google_benchmark(const Json& json) {
  const Json* benchmarks = json.find("benchmarks");
  return json.find("context") != nullptr && benchmarks != nullptr && benchmarks->items() != nullptr;
}

Result<std::vector<Record>> google_benchmark_records(const Json& json, const std::string& name,
                                                     const ImportOptions& options) {
  const Json& context = *json.find("context");
  KIGO_ASSIGN(const std::string time, utc(text_member(context, "date"), name));
  std::vector<Record> records;
  for (const Json& benchmark : *json.find("benchmarks")->items()) {
    if (is_aggregate(benchmark)) continue;
    std::string run_name = text_member(benchmark, "run_name");
    if (run_name.empty()) run_name = text_member(benchmark, "name");
    if (run_name.empty())
      return fail(Code::bad_value, cat(name, ", benchmarks"), "one without a name", "a name");
    Subject subject = cpu_subject(run_name);
    auto record = std::ranges::find(records, subject, &Record::subject);
    if (record == records.end()) {
      records.emplace_back();
      record = records.end() - 1;
      record->time = time;
      record->run = cat("import ", time);
      record->machine = options.machine;
      record->commit = options.commit;
      record->setting = setting_of(context, options);
      record->subject = std::move(subject);
    }
    KIGO_TRY(add_sample(benchmark, cat(name, ", ", escaped(run_name)), *record));
  }
  return records;
}

}  // namespace kigo::tools::perf
