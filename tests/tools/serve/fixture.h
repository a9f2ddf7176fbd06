// A worker over a backend that writes a given text, one byte a token, as fast or as slowly as a test wants.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "tests/core/text/sample_vocabulary.h"
#include "tools/lib/scripted_backend.h"
#include "tools/lib/serve/routes.h"
#include "tools/lib/serve/sse.h"
#include "tools/lib/serve/worker.h"

namespace kigo::tools {

inline std::vector<uint32_t> ids_of(std::string_view text) {
  std::vector<uint32_t> ids;
  for (const char c : text) ids.push_back(static_cast<unsigned char>(c));
  return ids;
}

struct ScriptOptions {
  std::string text = "hello";  // then the end token
  int64_t context = 10'000;
  bool chat = true;  // ChatML
  std::function<Status(size_t step)> on_step = {};
};

inline std::unique_ptr<Loaded> scripted(const ScriptOptions& options) {
  static const text::SampleVocabulary vocabulary;
  auto loaded = std::make_unique<Loaded>();
  loaded->name = "scripted";
  loaded->architecture = "none";
  loaded->quant_kind = "F32";
  loaded->tensor_types = {{"F32", 1}};
  loaded->tokenizer = std::make_unique<const text::Tokenizer>(vocabulary.tokenizer());
  if (options.chat) loaded->chat = text::find_chat_format_by_name("chatml");
  std::vector<uint32_t> script = ids_of(options.text);
  script.push_back(loaded->tokenizer->eos());
  auto backend =
      std::make_unique<ScriptedBackend>(std::move(script), loaded->tokenizer->size(), options.context);
  backend->on_step = options.on_step;
  loaded->backend = std::move(backend);
  return loaded;
}

/// Waits a little in every step, so that a job lasts as long as a test needs.
inline std::function<Status(size_t)> slowly(std::chrono::milliseconds step) {
  return [step](size_t) -> Status {
    std::this_thread::sleep_for(step);
    return {};
  };
}

/// What was logged, line by line.
struct Lines {
  std::mutex mutex;
  std::string text;
  void add(std::string_view line) {
    const std::lock_guard lock(mutex);
    text += line;
  }
  bool contains(std::string_view part) {
    const std::lock_guard lock(mutex);
    return text.find(part) != std::string::npos;
  }
};

/// A worker that is ready, unless `opener` says otherwise.
class ServedWorker {
 public:
  explicit ServedWorker(ScriptOptions script = {}, WorkerOptions options = {}, RouteOptions routing = {})
      : ServedWorker(
            [script](const LoadProgress&) -> Result<std::unique_ptr<Loaded>> { return scripted(script); },
            std::move(options), std::move(routing)) {
    const auto ready = worker.wait_ready(std::chrono::seconds(10));
    KIGO_CHECK(ready.has_value() && ready->has_value());
  }
  ServedWorker(Opener opener, WorkerOptions options, RouteOptions routing = {})
      : worker(std::move(options), log, metrics),
        routes(std::move(routing), worker, log, metrics, [this] { shutdowns.fetch_add(1); }) {
    worker.start(std::move(opener));
  }

  Reply send(const std::string& method, const std::string& path, const std::string& body = {},
             std::vector<std::pair<std::string, std::string>> headers = {
                 {"Content-Type", "application/json"}}) {
    const RequestHead head = Routes::head(method, path, std::move(headers));
    if (auto refusal = routes.before_body(head)) return *refusal;
    return routes.answer(head, body);
  }
  Reply execute(const std::string& body) { return send("POST", "/execute", body); }

  Lines lines;
  Log log{{.worker_id = "w"}, [this](std::string_view line) { lines.add(line); }};
  Metrics metrics;
  std::atomic<int> shutdowns = 0;
  Worker worker;
  Routes routes;
};

/// All that a job writes, until its end.
inline std::string drain(const Reply& reply) {
  KIGO_CHECK(reply.job != nullptr);
  std::string all;
  for (;;) {
    const EventBuffer::Part part = reply.job->buffer->take(std::chrono::milliseconds(50));
    all += part.bytes;
    if (part.last) return all;
  }
}

struct Event {
  std::string name;
  Json data;
};

/// The events of a stream; comments are left out. Fails the test for anything that is no event.
inline std::vector<Event> events_of(std::string_view stream) {
  std::vector<Event> events;
  while (!stream.empty()) {
    const size_t end = stream.find("\n\n");
    EXPECT_NE(end, std::string_view::npos) << stream;
    if (end == std::string_view::npos) break;
    const std::string_view block = stream.substr(0, end);
    stream.remove_prefix(end + 2);
    if (block.starts_with(':')) continue;
    const size_t line = block.find("\ndata: ");
    EXPECT_TRUE(block.starts_with("event: ") && line != std::string_view::npos) << block;
    if (line == std::string_view::npos) break;
    auto data = Json::parse(block.substr(line + 7), "event");
    EXPECT_TRUE(data) << block;
    events.push_back({std::string(block.substr(7, line - 7)), data ? *data : Json()});
    EXPECT_EQ(*events.back().data.find("type")->string(), events.back().name);
  }
  return events;
}

/// started (token | metrics)* (end | error), or error alone; tokens without a gap.
inline void expect_order(const std::vector<Event>& events) {
  ASSERT_FALSE(events.empty());
  const bool alone = events.size() == 1;
  EXPECT_EQ(events.front().name, alone ? "error" : "started");
  EXPECT_TRUE(events.back().name == "end" || events.back().name == "error") << events.back().name;
  int64_t next = 0;
  for (size_t i = 1; i + 1 < events.size(); ++i) {
    EXPECT_TRUE(events[i].name == "token" || events[i].name == "metrics") << events[i].name;
    if (events[i].name != "token") continue;
    EXPECT_EQ(events[i].data.find("i")->integer(), next);
    next += *events[i].data.find("n")->integer();
    EXPECT_FALSE(events[i].data.find("t")->string()->empty());
  }
  if (events.back().name != "end") return;
  EXPECT_EQ(events.back().data.find("tokens_out")->integer(),
            next + *events.back().data.find("tokens_withheld")->integer());
}

inline std::string text_of_events(const std::vector<Event>& events) {
  std::string text;
  for (const Event& event : events)
    if (event.name == "token") text += *event.data.find("t")->string();
  return text;
}

/// A greedy request to /execute.
inline std::string request(const std::string& id, const std::string& more = {}) {
  return cat(R"({"job_id":")", id, R"(","prompt":"hi","temperature":0)", more.empty() ? "" : ",", more, "}");
}
inline const std::string& code_of(const Event& event) { return *event.data.find("code")->string(); }
inline Json body(const Reply& reply) {
  auto json = Json::parse(reply.body, "reply");
  EXPECT_TRUE(json) << reply.body;
  return json ? *json : Json();
}
inline std::string error_code(const Reply& reply) {
  return *body(reply).find("error")->find("code")->string();
}

}  // namespace kigo::tools
