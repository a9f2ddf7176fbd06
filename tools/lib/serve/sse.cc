#include "tools/lib/serve/sse.h"

#include "core/base/cat.h"
#include "tools/lib/iso_time.h"

namespace kigo::tools {
namespace {

class ExecuteSink final : public JobSink {
 public:
  ExecuteSink(std::shared_ptr<EventBuffer> buffer, Identity identity, bool ids, std::vector<std::string> stop)
      : buffer_(std::move(buffer)), identity_(std::move(identity)), ids_(ids), stop_(std::move(stop)) {}

  bool started(const Started& started) override {
    seed_ = started.seed;
    prompt_tokens_ = started.prompt_tokens;
    const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
    return buffer_->append(
        sse_event("started", Json::object({{"type", "started"},
                                           {"job_id", identity_.job_id},
                                           {"model", identity_.model},
                                           {"started_at", iso_time(now)},
                                           {"seed", started.seed},
                                           {"prompt_tokens", started.prompt_tokens},
                                           {"max_tokens", started.max_tokens},
                                           {"correlation_id", identity_.correlation_id}})));
  }

  bool piece(const Piece& piece) override {
    Json data = Json::object({{"type", "token"},
                              {"t", piece.text},
                              {"i", piece.first},
                              {"n", static_cast<uint64_t>(piece.ids.size())}});
    if (ids_) data.set("ids", Json::array_of(piece.ids));
    return buffer_->append(sse_event("token", data));
  }

  bool metrics(const JobMetrics& metrics) override {
    return buffer_->append(sse_event("metrics", Json::object({{"type", "metrics"},
                                                              {"tokens_out", metrics.tokens_out},
                                                              {"tokens_per_sec", metrics.tokens_per_sec},
                                                              {"vram_bytes", metrics.vram_bytes}})));
  }

  void end(const Generation& generation, const JobTimes& times) override {
    Json data = Json::object({{"type", "end"},
                              {"tokens_out", static_cast<uint64_t>(generation.ids.size())},
                              {"prompt_tokens", prompt_tokens_},
                              {"stop_reason", name(generation.stop_reason)},
                              {"seed", seed_},
                              {"queue_ms", times.queue_ms},
                              {"prefill_ms", times.prefill_ms},
                              {"first_token_ms", times.first_token_ms},
                              {"decode_time_ms", times.decode_ms},
                              {"tokens_withheld", generation.withheld},
                              {"invalid_utf8_bytes", generation.invalid_utf8_bytes}});
    if (generation.stop_index) data.set("stop_sequence_matched", stop_[*generation.stop_index]);
    if (ids_ && generation.withheld != 0) data.set("withheld_ids", Json::array_of(generation.withheld_ids()));
    buffer_->close(sse_event("end", data));
  }

  void error(const Problem& problem) override {
    buffer_->close(sse_event("error", Json::object({{"type", "error"},
                                                    {"code", name(problem.code)},
                                                    {"message", problem.message},
                                                    {"retriable", row(problem.code).retriable}})));
  }

 private:
  std::shared_ptr<EventBuffer> buffer_;
  Identity identity_;
  bool ids_;
  std::vector<std::string> stop_;
  uint64_t seed_ = 0;
  int64_t prompt_tokens_ = 0;
};

}  // namespace

std::string sse_event(std::string_view name, const Json& data) {
  return cat("event: ", name, "\ndata: ", data.dump(), "\n\n");
}
std::string sse_data(std::string_view data) { return cat("data: ", data, "\n\n"); }
std::string sse_comment(std::string_view text) { return cat(": ", text, "\n\n"); }

std::unique_ptr<JobSink> execute_sink(std::shared_ptr<EventBuffer> buffer, Identity identity, bool ids,
                                      std::vector<std::string> stop) {
  return std::make_unique<ExecuteSink>(std::move(buffer), std::move(identity), ids, std::move(stop));
}

}  // namespace kigo::tools
