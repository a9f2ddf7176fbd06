// The routes that generate: from the body to a job that was admitted.
#include <algorithm>
#include <random>

#include "core/base/cat.h"
#include "core/base/sha256.h"
#include "tools/lib/serve/correlation.h"
#include "tools/lib/serve/routes.h"
#include "tools/lib/serve/sse.h"

namespace kigo::tools {
namespace {

/// Below 2^53, so that every JSON reader keeps it.
uint64_t fresh_seed() {
  std::random_device random;
  return random() | uint64_t{random() >> 11} << 32;
}

Problem prompt_problem(Api api, const Error& error) {
  const std::string message = fact_of(error);
  if (error.code == Code::context_overflow) return {WorkerError::context_overflow, message, {}};
  if (error.code == Code::out_of_memory) return {WorkerError::vram_oom, message, {}};
  const std::string field = api == Api::chat ? "messages" : "prompt";
  return invalid_request({{field, "tokens", cat(field, ": ", message), std::nullopt}});
}

std::string_view route_of(Api api) {
  return api == Api::execute ? "/execute" : api == Api::chat ? "/v1/chat/completions" : "/v1/completions";
}

std::string text_of(const Request& request) {
  std::string all = request.text;
  for (const text::Message& message : request.messages) all += message.content;
  return all;
}

GenerationOptions generation_options(const Request& request) {
  GenerationOptions options;
  options.sampling = request.sampling;
  options.sampling.seed = request.seed ? *request.seed : fresh_seed();
  options.max_tokens = request.max_tokens;
  options.stop = request.stop;
  options.ignore_end = request.ignore_eos;
  return options;
}

}  // namespace

Result<std::vector<uint32_t>> Routes::prompt_of(const Loaded& loaded, const Request& request) const {
  std::vector<uint32_t> ids = request.ids;
  if (!request.messages.empty()) {
    if (loaded.chat == nullptr)
      return fail(Code::unsupported, "chat format", "none that is known in the file",
                  "a name with --chat-template");
    KIGO_ASSIGN(ids, text::render(*loaded.tokenizer, *loaded.chat, request.messages));
  } else if (ids.empty()) {
    KIGO_ASSIGN(ids, loaded.tokenizer->encode(
                         request.text, request.parse_special ? text::Special::parse : text::Special::plain));
  }
  const int64_t room = loaded.backend->context() - 1;
  const int64_t limit = options_.tokens_in == 0 ? room : std::min(room, options_.tokens_in);
  if (static_cast<int64_t>(ids.size()) > limit)
    return fail(Code::context_overflow, "prompt", cat(ids.size(), " tokens"), cat("at most ", limit));
  return ids;
}

void Routes::bind(Job& job, Reply& reply, Api api, const Request& request, const std::string& model) const {
  const Identity identity{job.id, model, job.correlation_id};
  const OpenAiReply kind{api == Api::chat, request.include_usage};
  reply.stream = request.stream;
  if (api == Api::execute) {
    job.sink = execute_sink(job.buffer, identity, request.return_token_ids, request.stop);
  } else if (request.stream) {
    job.sink = openai_stream_sink(job.buffer, identity, kind);
  } else {
    reply.job_status = std::make_shared<std::atomic<int>>(500);
    job.sink = openai_body_sink(job.buffer, identity, kind, reply.job_status);
  }
  if (!reply.stream) return;
  reply.content_type = "text/event-stream; charset=utf-8";
  reply.headers.emplace_back("Cache-Control", "no-store");
  reply.headers.emplace_back("X-Accel-Buffering", "no");
  reply.close = true;
}

Reply Routes::generate(Api api, const RequestHead& head, std::string_view body) {
  const auto refused = [&](const Problem& problem, std::optional<int> retry_after_s = {}) {
    metrics_.request(route_of(api), "refused");
    metrics_.error(problem.code);
    return refuse(head, problem, retry_after_s);
  };
  const Loaded* loaded = worker_.loaded();
  if (loaded == nullptr) {
    const bool stopping = worker_.snapshot().state == WorkerState::stopping;
    return refused(stopping ? Problem{WorkerError::shutting_down, "worker is stopping", {}}
                            : Problem{WorkerError::not_ready, "loading", {}},
                   worker_.retry_after_s());
  }
  ParsedRequest parsed = parse_request(api, body,
                                       {.prompt_bytes = options_.prompt_bytes,
                                        .tokens_out = options_.tokens_out,
                                        .vocab = static_cast<int64_t>(loaded->tokenizer->size())});
  if (!parsed.request) return refused(invalid_request(std::move(parsed.errors)));
  const Request& request = *parsed.request;
  auto ids = prompt_of(*loaded, request);
  if (!ids) return refused(prompt_problem(api, ids.error()));

  Reply reply;
  reply.headers = {{"X-Correlation-ID", head.correlation_id}};
  auto job = std::make_shared<Job>();
  job->id = api == Api::execute ? request.job_id : cat(api == Api::chat ? "chatcmpl-" : "cmpl-", uuid4());
  job->correlation_id = head.correlation_id;
  job->route = route_of(api);
  const std::string prompt = text_of(request);
  job->prompt_bytes = prompt.size();
  job->prompt_sha256 = sha256(std::as_bytes(std::span(prompt)));
  job->prompt = std::move(*ids);
  job->options = generation_options(request);
  job->metrics_every_tokens = request.metrics_every_tokens;
  if (log_.options().text)
    log_.write(LogLevel::info, "prompt", Json::object({{"job_id", job->id}, {"text", prompt}}));
  if (!request.ignored.empty()) {
    std::string names;
    for (const std::string& name : request.ignored) names += cat(names.empty() ? "" : ", ", escaped(name));
    reply.headers.emplace_back("X-Kigo-Ignored", std::string(cut_text(names, 1024)));
  }
  bind(*job, reply, api, request, loaded->name);
  reply.job = job;
  if (auto refusal = worker_.submit(std::move(job)))
    return refuse(head, refusal->problem, refusal->retry_after_s);
  return reply;
}

}  // namespace kigo::tools
