// Replies of the OpenAI-compatible routes, in chunks or whole: docs/worker.md, section 2.3.
#include <ctime>

#include "tools/lib/serve/sse.h"

namespace kigo::tools {
namespace {

std::string_view finish_reason(StopReason reason) {
  return reason == StopReason::eos || reason == StopReason::stop_sequence ? "stop" : "length";
}

/// What both kinds of reply say about the job.
class OpenAiSink : public JobSink {
 protected:
  OpenAiSink(std::shared_ptr<EventBuffer> buffer, Identity identity, OpenAiReply reply)
      : buffer_(std::move(buffer)), identity_(std::move(identity)), reply_(reply) {}

  bool metrics(const JobMetrics&) override { return true; }

  void remember(const Started& started) {
    seed_ = started.seed;
    prompt_tokens_ = started.prompt_tokens;
  }
  /// The object with these choices.
  Json reply(std::string_view chat_object, Json choices) const {
    return Json::object({{"id", identity_.job_id},
                         {"object", reply_.chat ? chat_object : "text_completion"},
                         {"created", created_},
                         {"model", identity_.model},
                         {"choices", std::move(choices)}});
  }
  Json usage(uint64_t tokens_out) const {
    const auto prompt = static_cast<uint64_t>(prompt_tokens_);
    return Json::object({{"prompt_tokens", prompt},
                         {"completion_tokens", tokens_out},
                         {"total_tokens", prompt + tokens_out}});
  }

  std::shared_ptr<EventBuffer> buffer_;
  Identity identity_;
  OpenAiReply reply_;
  int64_t created_ = static_cast<int64_t>(std::time(nullptr));
  uint64_t seed_ = 0;
  int64_t prompt_tokens_ = 0;
};

class StreamSink final : public OpenAiSink {
 public:
  StreamSink(std::shared_ptr<EventBuffer> buffer, Identity identity, OpenAiReply reply)
      : OpenAiSink(std::move(buffer), std::move(identity), reply) {}

  bool started(const Started& started) override {
    remember(started);
    return !reply_.chat || send(Json::object({{"role", "assistant"}, {"content", ""}}), Json());
  }
  bool piece(const Piece& piece) override {
    return send(reply_.chat ? Json::object({{"content", piece.text}}) : Json(piece.text), Json());
  }
  void end(const Generation& generation, const JobTimes&) override {
    std::string last = chunk(reply_.chat ? Json::object() : Json(""), finish_reason(generation.stop_reason));
    if (reply_.include_usage) {
      Json whole = reply("chat.completion.chunk", Json::array());
      whole.set("usage", usage(generation.ids.size()));
      last += sse_data(whole.dump());
    }
    buffer_->close(last + sse_data("[DONE]"));
  }
  void error(const Problem& problem) override {
    buffer_->close(sse_data(error_body(problem, identity_.correlation_id)));
  }

 private:
  std::string chunk(Json content, Json finish) const {
    Json choice = Json::object({{"index", 0}});
    choice.set(reply_.chat ? "delta" : "text", std::move(content));
    choice.set("finish_reason", std::move(finish));
    return sse_data(reply("chat.completion.chunk", Json::array({std::move(choice)})).dump());
  }
  bool send(Json content, Json finish) {
    return buffer_->append(chunk(std::move(content), std::move(finish)));
  }
};

class BodySink final : public OpenAiSink {
 public:
  BodySink(std::shared_ptr<EventBuffer> buffer, Identity identity, OpenAiReply reply,
           std::shared_ptr<std::atomic<int>> status)
      : OpenAiSink(std::move(buffer), std::move(identity), reply), status_(std::move(status)) {}

  bool started(const Started& started) override {
    remember(started);
    return true;
  }
  bool piece(const Piece&) override { return true; }
  void end(const Generation& generation, const JobTimes&) override {
    Json choice = Json::object({{"index", 0}});
    if (reply_.chat) {
      choice.set("message", Json::object({{"role", "assistant"}, {"content", generation.text}}));
    } else {
      choice.set("text", generation.text);
    }
    choice.set("finish_reason", finish_reason(generation.stop_reason));
    Json whole = reply("chat.completion", Json::array({std::move(choice)}));
    whole.set("usage", usage(generation.ids.size()));
    whole.set("seed", seed_);
    *status_ = 200;
    buffer_->close(whole.dump());
  }
  void error(const Problem& problem) override {
    const int http = row(problem.code).http_status;
    *status_ = http != 0 ? http : 500;
    buffer_->close(error_body(problem, identity_.correlation_id));
  }

 private:
  std::shared_ptr<std::atomic<int>> status_;
};

}  // namespace

std::unique_ptr<JobSink> openai_stream_sink(std::shared_ptr<EventBuffer> buffer, Identity identity,
                                            OpenAiReply reply) {
  return std::make_unique<StreamSink>(std::move(buffer), std::move(identity), reply);
}

std::unique_ptr<JobSink> openai_body_sink(std::shared_ptr<EventBuffer> buffer, Identity identity,
                                          OpenAiReply reply, std::shared_ptr<std::atomic<int>> status) {
  return std::make_unique<BodySink>(std::move(buffer), std::move(identity), reply, std::move(status));
}

}  // namespace kigo::tools
