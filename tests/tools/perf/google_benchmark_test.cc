// Google Benchmark's JSON as records: through `kigo perf import`, and name by name.
#include "tools/lib/perf/google_benchmark.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/tools/program.h"
#include "tools/lib/perf/history.h"

namespace kigo::tools::perf {
namespace {

constexpr const char* kGoogle = R"({
  "context": {"date": "2026-11-22T01:30:00+02:00", "host_name": "h", "executable": "x", "num_cpus": 8,
    "mhz_per_cpu": 2100, "library_build_type": "release"},
  "benchmarks": [
    {"name": "Encode/8", "run_name": "Encode/8", "run_type": "iteration", "repetitions": 2, "iterations": 5,
     "real_time": 1.5, "cpu_time": 1.4, "time_unit": "ms", "bytes_per_second": 2e6},
    {"name": "Encode/8", "run_name": "Encode/8", "run_type": "iteration", "repetitions": 2, "iterations": 5,
     "real_time": 1500, "cpu_time": 1.4, "time_unit": "us", "bytes_per_second": 2e6},
    {"name": "Encode/8_mean", "run_name": "Encode/8", "run_type": "aggregate", "aggregate_name": "mean",
     "real_time": 1, "cpu_time": 1, "time_unit": "ns"},
    {"name": "Bad", "run_name": "Bad", "run_type": "iteration", "error_occurred": true,
     "error_message": "no file", "real_time": 0, "cpu_time": 0, "time_unit": "ns"}
  ]
})";

class GoogleBenchmark : public ProgramTest {
 protected:
  Ran imported(const std::string& text) const {
    return kigo({"perf", "import", write("g.json", text), "--into", path("h.jsonl")});
  }
};

TEST_F(GoogleBenchmark, IsImported) {
  const std::string file = write("g.json", kGoogle);
  const Ran ran =
      kigo({"perf", "import", file, "--into", path("h.jsonl"), "--commit", "abc", "--machine", "m"});
  ASSERT_EQ(ran.exit, 0) << ran.err;
  const auto history = read_history(path("h.jsonl"));
  ASSERT_EQ(history->records.size(), 2u);
  const Record& bad = history->records[0].subject.name == "Bad" ? history->records[0] : history->records[1];
  const Record& good = history->records[0].subject.name == "Bad" ? history->records[1] : history->records[0];
  EXPECT_EQ(good.subject, (Subject{Kind::cpu, "Encode", "8", Cache::none}));
  EXPECT_EQ(good.us, (std::vector<double>{1500, 1500}));
  EXPECT_EQ(good.bytes, 3000);
  EXPECT_EQ(good.time, "2026-11-21T23:30:00.000Z");
  EXPECT_EQ(good.commit, "abc");
  EXPECT_EQ(good.machine, "m");
  EXPECT_EQ(good.setting.device, "8 processors");
  EXPECT_EQ(good.setting.clocks, "cpu 2100 MHz");
  EXPECT_EQ(bad.state, State::invalid);
  EXPECT_EQ(bad.why, "no file");
}

TEST_F(GoogleBenchmark, ThatWasCutIsRefused) {
  const std::string text = kGoogle;
  const Ran ran = imported(text.substr(0, text.size() / 2));
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(path("h.jsonl")));
}

/// The text with one thing in it replaced.
std::string with(std::string text, const std::string& old, const std::string& now) {
  const size_t at = text.find(old);
  EXPECT_NE(at, text.npos);
  return text.replace(at, old.size(), now);
}

TEST_F(GoogleBenchmark, WithAUnitThatItDoesNotHaveIsRefusedByTheNameOfItsFile) {
  const Ran ran = imported(with(kGoogle, R"("ms")", R"("h")"));
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(
      ran.err,
      cat("kigo: ", path("g.json"),
          ", Encode/8, real_time, time_unit: no time, expected a number of ns, us, ms or s (bad_value)\n"));
}

TEST_F(GoogleBenchmark, OfAggregatesOnlyGivesNothingAndSaysSo) {
  const Ran ran = imported(R"({
    "context": {"date": "2026-11-22T01:30:00+02:00"},
    "benchmarks": [{"name": "Encode_mean", "run_name": "Encode", "run_type": "aggregate",
                    "aggregate_name": "mean", "real_time": 1, "time_unit": "ns"}]})");
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.out, cat("0 records into ", path("h.jsonl"), "\n"));
  EXPECT_EQ(ran.err, cat("kigo: skipped ", path("g.json"),
                         ", benchmarks: aggregates only, expected repetitions (bad_value)\n"));
}

/// The records of benchmarks with these names, from a program that says nothing else.
std::vector<Record> records_of(const std::vector<std::string>& names) {
  std::string benchmarks;
  for (const std::string& name : names)
    benchmarks +=
        cat(benchmarks.empty() ? "" : ",", R"({"name":")", name, R"(","real_time":1,"time_unit":"us"})");
  const auto json = Json::parse(
      cat(R"({"context":{"date":"2026-11-22T01:30:00+02:00"},"benchmarks":[)", benchmarks, "]}"), "g");
  auto records = google_benchmark_records(*json, "g", {});
  EXPECT_TRUE(records);
  return records ? *records : std::vector<Record>();
}

Subject cpu(const std::string& name, const std::string& text) { return {Kind::cpu, name, text, Cache::none}; }

TEST_F(GoogleBenchmark, NameIsTakenApartOnlyWhereBothPartsAreThere) {
  const auto records = records_of({"a/b/c", "/x", "/", "a/", "a"});
  ASSERT_EQ(records.size(), 5u);
  EXPECT_EQ(records[0].subject, cpu("a", "b/c"));
  EXPECT_EQ(records[1].subject, cpu("/x", ""));
  EXPECT_EQ(records[2].subject, cpu("/", ""));
  EXPECT_EQ(records[3].subject, cpu("a/", ""));
  EXPECT_EQ(records[4].subject, cpu("a", ""));
  EXPECT_TRUE(read_text(lines_of(records), "h").broken.empty());
}

TEST_F(GoogleBenchmark, WithoutANumberOfProcessorsHasADeviceThatIsUnknown) {
  const auto records = records_of({"a"});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].setting.device, "unknown processors");
}

TEST_F(GoogleBenchmark, BeforeRunTypesHasAggregatesByTheirNames) {
  const auto records = records_of({"a_mean", "a_median", "a_stddev", "a_cv", "a_BigO", "a_RMS", "a"});
  ASSERT_EQ(records.size(), 1u);
  EXPECT_EQ(records[0].subject, cpu("a", ""));
}

}  // namespace
}  // namespace kigo::tools::perf
