// A worker as its clients feel it: the limits of docs/worker.md, section 9, measured over loopback.
//
//   build/cpu/bench/serve_bench [--model FILE] [--backend cpu|cuda] [--requests N] [--history FILE]
//
// Starts `kigo serve` as a process. What the server adds is the difference to the same generation loop in
// this process, both run in turns. Exit status: 0, 1 when a limit is not kept or the worker failed, 2 usage.
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "bench/serve_client.h"
#include "core/base/cat.h"
#include "tools/lib/generation.h"
#include "tools/lib/goldens.h"
#include "tools/lib/haiku/child_server.h"
#include "tools/lib/haiku/exchange.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/perf/history.h"
#include "tools/lib/serve/open_model.h"
#include "tools/lib/serve/request.h"

namespace kigo::bench {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Settings {
  std::string model = tools::shipped_model();
  std::string backend = "cpu";
  std::string program = KIGO_PROGRAM;
  std::string history;
  std::string machine = "unnamed";
  int requests = 50;
};

constexpr int kTokens = 32;          // of an answer
constexpr int kPrompt = 64;          // of a prompt
constexpr int kPositions = 24;       // events of a stream at which it is cancelled or left
constexpr size_t kQueue = 16;        // waiting jobs
constexpr int kProbes = 200;         // of /health under load
constexpr int64_t kMethod = 1;       // of measuring, in the history
constexpr int kManyRequests = 1000;  // after which memory must be what it was

/// The value below which a share of all lies: the smallest that has so many at or below it.
double quantile(std::vector<double> all, double share) {
  if (all.empty()) return std::nan("");
  std::ranges::sort(all);
  const double rank = std::ceil(share * static_cast<double>(all.size()));
  return all[static_cast<size_t>(std::max(rank, 1.0)) - 1];
}
double median(const std::vector<double>& all) { return quantile(all, 0.5); }

std::string body_of(const std::string& id, int tokens, const std::string& prompt) {
  return cat(R"({"job_id":")", id, R"(","temperature":0,"ignore_eos":true,"max_tokens":)", tokens,
             R"(,"prompt_tokens":)", prompt, "}");
}

/// Ids spread over the vocabulary, the same ones every time.
std::vector<uint32_t> prompt_ids(const text::Tokenizer& tokenizer, int count) {
  std::vector<uint32_t> ids;
  for (uint32_t at = 7; std::ssize(ids) < count; at += 131) {
    const auto id = static_cast<uint32_t>(at % tokenizer.size());
    if (tokenizer.drawable(id)) ids.push_back(id);
  }
  return ids;
}

std::string list_of(const std::vector<uint32_t>& ids) {
  std::string list;
  for (const uint32_t id : ids) list += cat(list.empty() ? "[" : ",", id);
  return list + "]";
}

class ServeBench {
 public:
  explicit ServeBench(Settings settings) : settings_(std::move(settings)) {}

  Status run() {
    KIGO_TRY(start());
    KIGO_TRY(open_here());
    KIGO_TRY(measure_overhead());
    KIGO_TRY(measure_cancel());
    KIGO_TRY(measure_vanishing());
    KIGO_TRY(measure_health_under_load());
    measure_memory();
    measure_validator();
    const auto begun = Clock::now();
    const int status = server_->stop(seconds(30));
    note("stop without a job", ms_between(begun, Clock::now()), "ms", 5000);
    if (status != 0) return fail(Code::io, "kigo serve", cat("exit status ", status), "0");
    return written_;
  }
  bool all_kept() const { return kept_; }

 private:
  /// A row of the table and a line of the history; without a limit it is only told.
  void note(const std::string& what, double value, const std::string& unit,
            std::optional<double> limit = {}) {
    const bool kept = !limit || value <= *limit;
    kept_ = kept_ && kept;
    const std::string bound = limit ? cat("at most ", *limit) : "";
    std::printf("%-58s %10.3f %-6s %-14s %s\n", what.c_str(), value, unit.c_str(), bound.c_str(),
                !limit ? ""
                : kept ? "kept"
                       : "BROKEN");
    std::fflush(stdout);
    if (!settings_.history.empty() && written_) written_ = keep(what, value, unit, limit);
  }

  /// A line of the history. What is no time (KiB) stands as bytes.
  Status keep(const std::string& what, double value, const std::string& unit, std::optional<double> limit) {
    tools::perf::Record record;
    record.time = now();
    record.run = run_;
    record.machine = settings_.machine;
    record.commit = KIGO_COMMIT;
    record.setting.device = device_.empty() ? settings_.backend : device_;
    record.setting.method = kMethod;
    record.subject = {tools::perf::Kind::serve, model_name_,
                      cat("backend=", settings_.backend, " what=", what), tools::perf::Cache::none};
    if (limit) record.why = cat("limit ", *limit, " ", unit);
    if (unit == "ms") {
      record.us = {value * 1e3};
    } else {
      record.bytes = value * 1024;
    }
    return tools::perf::append_history(settings_.history, std::span(&record, 1));
  }

  static std::string now() {
    return tools::iso_time(std::chrono::floor<milliseconds>(std::chrono::system_clock::now()));
  }

  Status start() {
    const auto begun = Clock::now();
    const std::string log =
        (std::filesystem::temp_directory_path() / cat("kigo-serve-bench-", ::getpid(), ".log")).string();
    KIGO_ASSIGN(server_, tools::ChildServer::start(
                             {{.argv = {settings_.program, "serve", "--model", settings_.model, "--backend",
                                        settings_.backend, "--port", "0", "--log-format", "json"},
                               .environment = {{"OMP_WAIT_POLICY", "passive"}},
                               .log = log}}));
    const double ready_ms = ms_between(begun, Clock::now());
    std::filesystem::remove(log);
    const Json health = client().get("/health");
    model_name_ = tools::text_of(health, "model");
    device_ = tools::text_of(health, "device_name");
    std::printf("%s on %s%s%s\n", model_name_.c_str(), settings_.backend.c_str(), device_.empty() ? "" : ", ",
                device_.c_str());
    const bool shipped_on_cpu = settings_.backend == "cpu" && settings_.model == tools::shipped_model();
    note("start to ready", ready_ms, "ms", shipped_on_cpu ? 1000 : on_gpu() ? 10'000 : 60'000);
    return {};
  }

  /// The same model in this process: the generation loop without a server.
  Status open_here() {
    tools::ModelOptions options;
    options.path = settings_.model;
    options.engine.backend = on_gpu() ? tools::Device::cuda : tools::Device::cpu;
    KIGO_ASSIGN(here_, tools::open_loaded(options, [](uint64_t, uint64_t) { return Status(); }));
    prompt_ = prompt_ids(*here_->tokenizer, kPrompt);
    return {};
  }

  struct Times {
    double first_ms = 0;  // to the first piece of text
    double token_ms = 0;  // of one token behind it
  };

  Result<Times> generate_here() {
    tools::GenerationOptions options;
    options.sampling.temperature = 0;
    options.max_tokens = kTokens;
    options.ignore_end = true;
    const auto begun = Clock::now();
    std::optional<Clock::time_point> first;
    tools::GenerationEvents events;
    events.piece = [&](const tools::Piece&) {
      if (!first) first = Clock::now();
    };
    KIGO_TRY(tools::generate(*here_->backend, *here_->tokenizer, prompt_, options, events));
    const auto end = Clock::now();
    return Times{ms_between(begun, first.value_or(end)),
                 ms_between(first.value_or(end), end) / (kTokens - 1)};
  }

  Status measure_overhead() {
    std::vector<double> first, here_first, token, here_token, gaps;
    ServeClient client = this->client();
    for (int i = 0; i < settings_.requests + 2; ++i) {
      KIGO_ASSIGN(const Times here, generate_here());
      const Streamed there = client.execute(body_of("overhead", kTokens, list_of(prompt_)));
      if (there.last != "end" || there.tokens.empty())
        return fail(Code::io, "a request", cat("status ", there.status, ", last event '", there.last, "'"),
                    "end");
      if (i < 2) continue;  // warm-up
      first.push_back(ms_between(there.sent, there.tokens.front()));
      token.push_back(ms_between(there.tokens.front(), there.ended) / (kTokens - 1));
      here_first.push_back(here.first_ms);
      here_token.push_back(here.token_ms);
      for (size_t k = 1; k < there.tokens.size(); ++k)
        gaps.push_back(ms_between(there.tokens[k - 1], there.tokens[k]));
    }
    const auto on_gpu_only = [&](double limit) { return on_gpu() ? std::optional(limit) : std::nullopt; };
    note("first token behind a prompt of 64, p95", quantile(first, 0.95), "ms", on_gpu_only(100));
    note("between two events, p95", quantile(gaps, 0.95), "ms", on_gpu_only(50));
    note("a token, median", median(token), "ms", on_gpu_only(50));
    note("a token in this process, median", median(here_token), "ms");
    note("the server's share of the first event, medians", median(first) - median(here_first), "ms", 2);
    note("the server's share of a token, medians", median(token) - median(here_token), "ms", 0.2);
    return {};
  }

  /// Asked for at every event of a stream; the client's clock.
  Status measure_cancel() {
    std::vector<double> all;
    for (int position = 0; position < kPositions; ++position) {
      const std::string id = cat("cancel-", position);
      ServeClient other = client();
      Clock::time_point asked;
      int seen = 0;
      const Streamed job = client().execute(body_of(id, 400, list_of(prompt_)), [&](const std::string&) {
        if (seen++ != position) return true;
        asked = Clock::now();
        other.cancel(id);
        return true;
      });
      if (job.last != "error")
        return fail(Code::io, cat("a job cancelled at event ", position), cat("last event '", job.last, "'"),
                    "error");
      all.push_back(ms_between(asked, job.ended));
    }
    note("cancel to the last event, worst of 24", quantile(all, 1), "ms", 100);
    return {};
  }

  /// Until so many jobs are running, or waiting.
  Result<double> ms_until(const std::string& field, int64_t count) const {
    const auto begun = Clock::now();
    ServeClient observer = client();
    while (tools::integer_of(observer.get("/health"), field) != count) {
      if (Clock::now() - begun > seconds(30))
        return fail(Code::io, cat("/health: ", field), "another count for 30 s", cat(count));
      std::this_thread::sleep_for(milliseconds(1));
    }
    return ms_between(begun, Clock::now());
  }

  Status measure_vanishing() {
    std::vector<double> running, waiting;
    for (int position = 0; position < kPositions; ++position) {
      int seen = 0;
      client().execute(body_of(cat("gone-", position), 400, list_of(prompt_)),
                       [&](const std::string&) { return seen++ != position; });
      KIGO_ASSIGN(const double ms, ms_until("running", 0));
      running.push_back(ms);
    }
    for (int i = 0; i < 5; ++i) {
      ServeClient leaving = client();
      const std::jthread busy([&] { client().execute(body_of("busy", 400, list_of(prompt_))); });
      KIGO_TRY(ms_until("running", 1));
      const std::jthread left([&] { leaving.execute(body_of("leaving", 400, list_of(prompt_))); });
      KIGO_TRY(ms_until("waiting", 1));
      leaving.vanish();
      KIGO_ASSIGN(const double ms, ms_until("waiting", 0));
      waiting.push_back(ms);
      client().cancel("busy");
    }
    note("client gone to generation stopped, worst of 24", quantile(running, 1), "ms", 100);
    note("client gone to place in the queue free, worst of 5", quantile(waiting, 1), "ms", 100);
    return {};
  }

  Status measure_health_under_load() {
    std::vector<std::jthread> clients;
    for (size_t i = 0; i <= kQueue; ++i)
      clients.emplace_back([this, i] { client().execute(body_of(cat("load-", i), 400, list_of(prompt_))); });
    KIGO_TRY(ms_until("waiting", kQueue));
    std::vector<double> all;
    ServeClient observer = client();
    for (int i = 0; i < kProbes; ++i) {
      const auto begun = Clock::now();
      observer.get("/health");
      all.push_back(ms_between(begun, Clock::now()));
      std::this_thread::sleep_for(milliseconds(2));
    }
    for (size_t i = kQueue + 1; i-- > 0;) client().cancel(cat("load-", i));
    clients.clear();  // waits
    note("/health, a job running and the queue full, p99 of 200", quantile(all, 0.99), "ms", 10);
    return {};
  }

  int64_t resident_bytes() const {
    std::ifstream file(cat("/proc/", server_->process(), "/statm"));
    int64_t size = 0, resident = 0;
    file >> size >> resident;
    return resident * ::sysconf(_SC_PAGESIZE);
  }

  void measure_memory() {
    const std::string one = list_of({prompt_.front()});
    ServeClient client = this->client();
    for (int i = 0; i < 50; ++i) client.execute(body_of("memory", 1, one));
    const int64_t before = resident_bytes();
    for (int i = 0; i < kManyRequests; ++i) client.execute(body_of("memory", 1, one));
    const auto grown = static_cast<double>(resident_bytes() - before);
    note("host memory more after 1,000 requests", grown / 1024, "KiB", 1024);
  }

  /// In this process: a body read, checked and taken apart.
  void measure_validator() {
    const auto p99 = [](size_t bytes, int runs) {
      std::string text;
      while (text.size() < bytes) text += "seven words of a prompt, and a \\n ";
      const std::string body = cat(R"({"job_id":"j","prompt":")", text, "\"}");
      std::vector<double> all;
      for (int i = 0; i < runs; ++i) {
        const auto begun = Clock::now();
        const auto parsed = tools::parse_request(tools::Api::execute, body, {.prompt_bytes = 2 << 20});
        all.push_back(ms_between(begun, Clock::now()));
        if (!parsed.request) return std::nan("");
      }
      return quantile(all, 0.99);
    };
    note("/execute parsed and checked, 4 KiB, p99 of 1,000", p99(4 << 10, 1000), "ms", 1);
    note("/execute parsed and checked, 1 MiB, p99 of 100", p99(1 << 20, 100), "ms", 20);
  }

  bool on_gpu() const { return settings_.backend == "cuda"; }
  ServeClient client() const { return ServeClient(server_->url()); }

  Settings settings_;
  std::unique_ptr<tools::ChildServer> server_;
  std::unique_ptr<tools::Loaded> here_;
  std::vector<uint32_t> prompt_;
  std::string model_name_, device_;
  const std::string run_ = cat(now(), " serve_bench ", ::getpid());
  bool kept_ = true;
  Status written_;
};

int main_of(int argc, char** argv) {
  Settings settings;
  CLI::App app("The limits of docs/worker.md, section 9, measured over loopback");
  app.add_option("-m,--model", settings.model, "GGUF file; without it the model that ships with kigo");
  app.add_option("--backend", settings.backend)->check(CLI::IsMember({"cpu", "cuda"}));
  app.add_option("--program", settings.program, "The program kigo");
  app.add_option("--requests", settings.requests, "For times of tokens")->check(CLI::Range(1, 10'000));
  app.add_option("--history", settings.history, "A line of JSON for each figure is added to this file");
  app.add_option("--machine", settings.machine, "Its name in the history");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  ServeBench bench(settings);
  if (const Status status = bench.run(); !status) {
    std::fprintf(stderr, "serve_bench: %s\n", status.error().message().c_str());
    return 1;
  }
  return bench.all_kept() ? 0 : 1;
}

}  // namespace
}  // namespace kigo::bench

int main(int argc, char** argv) { return kigo::bench::main_of(argc, argv); }
