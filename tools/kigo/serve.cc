// kigo serve: the worker. Its options are those of docs/worker.md, section 1.
#include "tools/lib/serve/server.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "tools/kigo/options.h"
#include "tools/lib/serve/callback.h"
#include "tools/lib/serve/correlation.h"

namespace kigo::tools {
namespace {

struct ServeArguments {
  ServeOptions serve;
  std::string backend = "auto";
  std::string log_format;
  std::string log_level = "info";
  std::string api_key;
  std::string api_key_file;
  bool no_auth = false;
  int64_t http_threads = 0;
};

/// lowest..highest in decimal digits.
CLI::Validator in_range(uint64_t lowest, uint64_t highest) {
  return {[lowest, highest](std::string& text) -> std::string {
            std::string problem = whole_number(highest)(text);
            const bool below = problem.empty() && std::strtoull(text.c_str(), nullptr, 10) < lowest;
            return problem.empty() && !below ? "" : cat(escaped(text), ", expected ", lowest, "..", highest);
          },
          "NUMBER"};
}

template <class Duration>
void add_seconds(CLI::App& command, const char* name, Duration& out, uint64_t lowest, const char* help) {
  command
      .add_option_function<uint64_t>(
          name, [&out](uint64_t value) { out = std::chrono::seconds(value); }, help)
      ->transform(in_range(lowest, 86'400))
      ->default_str(cat(std::chrono::duration_cast<std::chrono::seconds>(out).count()));
}

void add_model_options(CLI::App& command, ServeArguments& options) {
  ModelOptions& model = options.serve.model;
  command.add_option("-m,--model", model.path, "GGUF file")->required()->check(not_empty());
  command.add_option("--backend", options.backend, "cpu, cuda, or auto: cuda where it can run")
      ->check(CLI::IsMember({"auto", "cpu", "cuda"}))
      ->capture_default_str();
  command.add_option("--gpu-device", model.engine.device, "Number of the GPU")
      ->transform(whole_number(1023))
      ->capture_default_str();
  command.add_option("--alias", model.alias, "Name of the model in replies")
      ->check([](const std::string& name) {
        const bool good = !name.empty() && name.size() <= 128 && escaped(name, 128) == name;
        return good ? std::string() : cat(escaped(name), ", expected 1..128 printable bytes");
      });
  command.add_option("--chat-template", model.chat_template,
                     "Chat format by name, not by the file's template");
  command.add_option("--max-context", model.engine.context, "Positions; 0: as many as the model has")
      ->transform(whole_number(1'000'000'000))
      ->capture_default_str();
  command.add_option("--kv-cache-mib", model.kv_cache_mib, "Of keys and values; 0: what the context needs")
      ->transform(whole_number(1 << 24))
      ->capture_default_str();
}

void add_limit_options(CLI::App& command, ServeArguments& options) {
  ServeOptions& serve = options.serve;
  command.add_option("--max-tokens-in", serve.routes.tokens_in, "Of a prompt; 0: context - 1")
      ->transform(whole_number(1'000'000'000));
  command.add_option("--max-tokens-out", serve.routes.tokens_out, "Upper end of max_tokens")
      ->transform(in_range(1, 1'000'000'000))
      ->capture_default_str();
  command
      .add_option("--max-prompt-bytes", serve.routes.prompt_bytes,
                  "Of a prompt; a body may be 8 times as long")
      ->transform(in_range(1, 1 << 27))
      ->capture_default_str();
  command.add_option("--queue", serve.worker.queue, "Jobs that may wait; 0: run or refuse")
      ->transform(whole_number(1024))
      ->capture_default_str();
  command.add_option("--http-threads", options.http_threads, "At least queue + 5; queue + 9 when absent")
      ->transform(whole_number(4096));
  add_seconds(command, "--inference-timeout-s", serve.worker.inference_timeout, 1, "Of a job that runs");
  add_seconds(command, "--queue-timeout-s", serve.worker.queue_timeout, 1, "Of a job that waits");
  add_seconds(command, "--read-timeout-s", serve.http.read_timeout, 1, "No byte arrives for so long");
  add_seconds(command, "--write-timeout-s", serve.http.write_timeout, 1, "No byte is taken for so long");
  add_seconds(command, "--load-timeout-s", serve.load_timeout, 0, "From the start to ready; 0: off");
  add_seconds(command, "--shutdown-timeout-s", serve.shutdown_timeout, 1, "From the signal to the end");
  add_seconds(command, "--heartbeat-s", serve.http.heartbeat, 0, "A comment after so much silence; 0: off");
  add_seconds(command, "--residency-check-s", serve.worker.residency_check, 0, "Between self-checks; 0: off");
}

void add_server_options(CLI::App& command, ServeArguments& options) {
  ServeOptions& serve = options.serve;
  command.add_option("--host", serve.http.host, "Address to listen on")
      ->check(not_empty())
      ->capture_default_str();
  command.add_option("--port", serve.http.port, "1024..65535, or 0: the system chooses")
      ->transform(whole_number(65'535))
      ->capture_default_str();
  command.add_option("--callback-url", serve.callback_url, "POST there when ready: http://host:port/path")
      ->check([](const std::string& url) {
        return is_callback_url(url) ? std::string() : cat(escaped(url), ", expected http://host:port/path");
      });
  command.add_option("--worker-id", serve.log.worker_id, "In logs and /health; random when absent")
      ->check(not_empty());
  auto* key =
      command.add_option("--api-key", options.api_key, "Clients must send it; also from KIGO_API_KEY")
          ->check(not_empty());
  command.add_option("--api-key-file", options.api_key_file, "The same from a file")->excludes(key);
  command.add_flag("--no-auth", options.no_auth, "Let every machine that reaches --host use the worker");
  command.add_option("--log-format", options.log_format, "json, text; text on a terminal")
      ->check(CLI::IsMember({"json", "text"}));
  command.add_option("--log-level", options.log_level, "error, warn, info, debug")
      ->check(CLI::IsMember({"error", "warn", "info", "debug"}))
      ->capture_default_str();
  command.add_flag("--log-text", serve.log.text, "Log prompts, which may be private");
}

/// The key without the end of its line. Errors: io; invalid_request for one that no header can hold.
Result<std::optional<std::string>> api_key(const ServeArguments& options) {
  std::string key = options.api_key;
  if (const char* from_environment = std::getenv("KIGO_API_KEY"); key.empty() && from_environment != nullptr)
    key = from_environment;
  if (!options.api_key_file.empty()) {
    KIGO_ASSIGN(key, read_text_file(options.api_key_file));
    while (key.ends_with('\n') || key.ends_with('\r')) key.pop_back();
    if (key.empty()) return fail(Code::invalid_request, "--api-key-file", "an empty file", "a key");
  }
  if (key.empty()) return std::optional<std::string>();
  const bool printable = std::ranges::all_of(key, [](char c) { return c > 0x20 && c < 0x7F; });
  if (!printable)
    return fail(Code::invalid_request, "API key", "other characters", "printable ASCII without spaces");
  return std::optional(key);
}

/// What the options say together. Errors: invalid_request.
Status settle(ServeArguments& options) {
  ServeOptions& serve = options.serve;
  if (serve.http.port > 0 && serve.http.port < 1024)
    return fail(Code::invalid_request, "--port", cat(serve.http.port), "0 or 1024..65535");
  if (serve.model.engine.context > 0 && serve.model.engine.context < 16)
    return fail(Code::invalid_request, "--max-context", cat(serve.model.engine.context), "0 or at least 16");
  const auto fewest = static_cast<int64_t>(serve.worker.queue) + 5;
  if (options.http_threads != 0 && options.http_threads < fewest)
    return fail(Code::invalid_request, "--http-threads", cat(options.http_threads), cat("at least ", fewest));
  serve.http.threads = static_cast<size_t>(options.http_threads != 0 ? options.http_threads : fewest + 4);
  KIGO_ASSIGN(serve.routes.api_key, api_key(options));
  if (!serve.routes.api_key && !options.no_auth && !is_loopback(serve.http.host))
    return fail(Code::invalid_request, cat("--host ", escaped(serve.http.host)),
                "no API key, and others reach it", "--api-key-file, or --no-auth");
  serve.choose_backend = options.backend == "auto";
  serve.model.engine.backend = options.backend == "cuda" ? Device::cuda : Device::cpu;
  serve.log.json = options.log_format.empty() ? ::isatty(STDERR_FILENO) == 0 : options.log_format == "json";
  serve.log.level = *log_level_named(options.log_level);
  if (serve.log.worker_id.empty()) serve.log.worker_id = uuid4();
  serve.routes.host = serve.http.host;
  serve.routes.shutdown_limit_s = static_cast<int>(serve.shutdown_timeout.count());
  serve.worker.version = KIGO_VERSION;
  return {};
}

}  // namespace

void add_serve(CLI::App& app, int& exit) {
  const auto options = std::make_shared<ServeArguments>();
  CLI::App* command =
      app.add_subcommand("serve", "Answer over HTTP: events of /execute, OpenAI's routes, a page");
  add_model_options(*command, *options);
  add_server_options(*command, *options);
  add_limit_options(*command, *options);
  command->callback([options, &exit] {
    if (const Status settled = settle(*options); !settled) {
      print_error(settled.error(), "", false);
      exit = kUsage;
      return;
    }
    exit = serve(options->serve);
  });
}

}  // namespace kigo::tools
