#include "tools/lib/haiku/run.h"

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "core/base/cat.h"
#include "tools/lib/haiku/child_server.h"
#include "tools/lib/haiku/http_client.h"
#include "tools/lib/haiku/run_files.h"
#include "tools/lib/haiku_check.h"
#include "tools/lib/haiku_run.h"
#include "tools/lib/serve/correlation.h"

namespace kigo::tools {
namespace {

constexpr std::chrono::seconds kHealthyLimit(30);  // of a worker that runs already
constexpr std::chrono::seconds kStopLimit(40);     // the worker's own is 30 s
constexpr int kFlips = 2;  // minutes that changed under a question; then it is undecided
constexpr int64_t kChallengeTokens = 32;

Time system_time() { return std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()); }

uint64_t random_below(uint64_t limit) {
  static std::random_device device;
  return std::uniform_int_distribution<uint64_t>(0, limit - 1)(device);
}

/// 16..48 ids that a sampler could draw.
std::vector<uint32_t> random_prompt(const text::Tokenizer& tokenizer) {
  std::vector<uint32_t> ids(16 + random_below(33));
  for (uint32_t& id : ids) {
    do {
      id = static_cast<uint32_t>(random_below(tokenizer.size()));
    } while (!tokenizer.drawable(id));
  }
  return ids;
}

uint64_t fresh_seed() { return random_below(uint64_t{1} << 53); }

/// Asks one question after the other and keeps what came back.
class Examiner {
 public:
  Examiner(const Truth& truth, const HttpRunOptions& options, WorkerClient& client)
      : truth_(truth), options_(options), client_(client) {}

  /// Until a poem is right, the attempts are used up, the minute changed twice, or the worker fails.
  void ask_for_haikus(std::string nonce, const Lexicon& lexicon, bool shipped) {
    for (int misses = 0, flips = 0; misses < options_.attempts && flips < kFlips;) {
      if (++attempt_ > 1) nonce = options_.nonce ? options_.nonce() : fresh_nonce();
      const Exchange& asked = ask_for_haiku(nonce);
      const Answer answer = read_answer(asked);
      const std::string word = text_of(asked.request, "word");
      const auto closed = parse_iso_time(text_of(asked.closed, "at"));
      const bool flipped = closed && minute_word(*closed) != word;
      if (!answer.problems.empty()) break;
      if (!flipped && all_required_pass(check_poem(answer.text, word, nonce, lexicon, shipped))) break;
      (flipped ? flips : misses) += 1;
    }
  }

  void challenge() {
    const Json greedy = body_of(random_prompt(truth_.tokenizer()), fresh_seed(), false);
    send("greedy", now(), greedy);
    for (const char* name : {"sampled 1", "sampled 2"})
      send(name, now(), body_of(random_prompt(truth_.tokenizer()), fresh_seed(), true));
    send("repeat", now(), greedy);
  }

  std::vector<Exchange> exchanges() && { return std::move(exchanges_); }

 private:
  Time now() const { return options_.clock ? options_.clock() : system_time(); }

  const Exchange& ask_for_haiku(const std::string& nonce) {
    const Time at = now();  // of the word and of the request: the minute may change at any time
    const std::string word = minute_word(at);
    Json body = Json::object({{"prompt", haiku_prompt(options_.topic, word, nonce)},
                              {"template", "chat"},
                              {"temperature", 0},
                              {"seed", fresh_seed()},
                              {"max_tokens", options_.max_tokens},
                              {"return_token_ids", true}});
    return send("haiku", at, std::move(body), {{"topic", options_.topic}, {"word", word}, {"nonce", nonce}});
  }

  static Json body_of(const std::vector<uint32_t>& prompt, uint64_t seed, bool sampled) {
    Json body = Json::object({{"prompt_tokens", Json::array_of(prompt)},
                              {"temperature", sampled ? Json(0.8) : Json(0)},
                              {"seed", seed},
                              {"max_tokens", kChallengeTokens},
                              {"ignore_eos", true},
                              {"return_token_ids", true}});
    if (!sampled) return body;
    body.set("top_k", 40);
    body.set("top_p", 0.95);
    body.set("repetition_penalty", 1.1);
    return body;
  }

  const Exchange& send(const char* name, Time at, Json body, std::initializer_list<Json::Member> asked = {}) {
    Exchange exchange;
    exchange.attempt = attempt_;
    exchange.name = name;
    const std::string job = cat("haiku-", uuid4());
    Json with_id = Json::object({{"job_id", job}});
    for (const Json::Member& member : *body.members()) with_id.set(member.first, member.second);
    exchange.request = Json::object(asked);
    exchange.request.set("sent_at", iso_time(at));
    exchange.request.set("job_id", job);
    exchange.request.set("correlation_id", uuid4());
    exchange.request.set("body", std::move(with_id));
    client_.execute(exchange);
    exchange.closed.set("at", iso_time(now()));
    exchanges_.push_back(std::move(exchange));
    return exchanges_.back();
  }

  const Truth& truth_;
  const HttpRunOptions& options_;
  WorkerClient& client_;
  std::vector<Exchange> exchanges_;
  int64_t attempt_ = 0;
};

/// Its health once it is healthy. Errors: io.
Result<Json> await_healthy(WorkerClient& client) {
  const auto end = std::chrono::steady_clock::now() + kHealthyLimit;
  for (;;) {
    KIGO_ASSIGN(Json health, client.health());
    if (text_of(health, "status") == "healthy") return health;
    if (std::chrono::steady_clock::now() > end)
      return fail(Code::io, "worker", text_of(health, "status"), "healthy");
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
}

Json deltas(const Json& before, const Json& after) {
  Json out = Json::object();
  for (const Json::Member& sample : *after.members()) {
    if (sample.first.find("_total") == std::string::npos) continue;
    const Json* was = before.find(sample.first);
    out.set(sample.first, *sample.second.number() - (was == nullptr ? 0 : *was->number()));
  }
  return out;
}

Result<std::unique_ptr<ChildServer>> start_worker(const HttpRunOptions& options, const std::string& model,
                                                  const std::string& folder) {
  ChildOptions child;
  child.argv = {options.program, "serve",  "--model", model,          "--backend",
                options.backend, "--port", "0",       "--gpu-device", cat(options.device),
                "--log-format",  "json"};
  child.environment = options.environment;
  child.log = cat(folder, "/worker.log");
  return ChildServer::start(child);
}

std::string first_line(const char* path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

std::string cpu_name() {
  std::ifstream info("/proc/cpuinfo");
  for (std::string line; std::getline(info, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown CPU";
}

Json environment(const HttpRunOptions& options, const Json& model, const Json& health, const Json& exit) {
  const std::string found = text_of(health, "backend");
  const std::string gpu = text_of(health, "device_name");
  Json out = Json::object({{"version", KIGO_VERSION},
                           {"commit", KIGO_COMMIT},
                           {"command", options.command},
                           {"backend", options.backend == "auto" ? found : options.backend},
                           {"device", gpu.empty() ? cpu_name() : gpu},
                           {"cpu", cpu_name()},
                           {"clock", options.clock ? "injected" : "system"},
                           {"model", model}});
  if (!gpu.empty()) {
    out.set("gpu", gpu);
    out.set("cuda_runtime", text_of(health, "cuda_runtime_version"));
    out.set("driver", first_line("/proc/driver/nvidia/version"));
  }
  Json worker = Json::object({{"version", text_of(health, "version")}});
  if (!exit.is_null()) worker.set("exit", exit);
  out.set("worker", std::move(worker));
  return out;
}

std::string folder_name(Time start, const std::string& nonce) {
  std::string stamp;
  for (const char c : iso_time(start).substr(0, 19))
    if (c != '-' && c != ':') stamp += c;
  return cat(stamp, "Z-", nonce);
}

/// All of the run but its verdict. The worker is stopped behind the last question, before the reference
/// begins.
Result<RunFiles> examine(const Truth& truth, const HttpRunOptions& options, const std::string& nonce,
                         const std::string& folder, const Lexicon& lexicon) {
  const Json model = truth.description();
  std::unique_ptr<ChildServer> child;
  if (options.url.empty()) {
    KIGO_ASSIGN(child, start_worker(options, text_of(model, "file"), folder));
  }
  KIGO_ASSIGN(WorkerClient client, WorkerClient::create(child ? child->url() : options.url, options.key));
  KIGO_ASSIGN(Json health, await_healthy(client));
  KIGO_ASSIGN(Json before, client.metrics());
  Examiner examiner(truth, options, client);
  examiner.ask_for_haikus(nonce, lexicon, *model.find("shipped")->boolean());
  examiner.challenge();
  // A worker that broke down in between may not answer any more; that is for the checks to say.
  Json after = client.metrics().value_or(Json::object());
  Json health_after = client.health().value_or(Json::object());
  const Json exit = child ? Json(child->stop(kStopLimit)) : Json();

  RunFiles files;
  files.exchanges = std::move(examiner).exchanges();
  files.environment = environment(options, model, health, exit);
  Json rise = deltas(before, after);
  files.metrics = Json::object(
      {{"before", std::move(before)},
       {"after", std::move(after)},
       {"deltas", std::move(rise)},
       {"health", Json::object({{"before", std::move(health)}, {"after", std::move(health_after)}})}});
  KIGO_ASSIGN(files.reference, truth.judge(files.exchanges, text_of(files.environment, "backend") == "cuda"));
  return files;
}

}  // namespace

Result<HttpRun> run_over_http(const Truth& truth, const HttpRunOptions& options, const Lexicon& lexicon) {
  const std::string nonce = options.nonce ? options.nonce() : fresh_nonce();
  const std::string folder =
      cat(options.out, "/", folder_name(options.clock ? options.clock() : system_time(), nonce));
  std::error_code error;
  std::filesystem::create_directories(options.out, error);
  const bool made = !error && std::filesystem::create_directory(folder, error);
  if (!made) return fail(Code::io, folder, cat("cannot create: ", error ? error.message() : "it is there"));
  auto files = examine(truth, options, nonce, folder, lexicon);
  if (!files) {
    std::filesystem::remove_all(folder, error);
    std::filesystem::remove(options.out, error);  // only when nothing else is in it
    return tl::unexpected<Error>(std::move(files.error()));
  }
  KIGO_TRY(write_run(*files, folder));
  KIGO_ASSIGN(Json verification, verify_run_folder(folder, lexicon));
  return HttpRun{folder, std::move(verification)};
}

}  // namespace kigo::tools
