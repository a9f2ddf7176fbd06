// An event stream read by the rules of docs/worker.md, section 3.
#include "core/base/cat.h"
#include "tools/lib/haiku/exchange.h"

namespace kigo::tools {
namespace {

class Reader {
 public:
  Answer read(const Exchange& exchange) {
    head(exchange.reply);
    for (const WireEvent& event : exchange.events) {
      if (event.name == "comment") continue;
      if (over_) {
        problem(cat(event.name, " behind the last event"));
        continue;
      }
      read_event(event);
    }
    if (!over_) problem("no end");
    if (text_of(exchange.closed, "detail") != "whole") problem(text_of(exchange.closed, "detail"));
    return std::move(answer_);
  }

 private:
  void problem(std::string what) { answer_.problems.push_back(std::move(what)); }

  void head(const Json& reply) {
    const auto problem = [this](std::string what) { answer_.head_problems.push_back(std::move(what)); };
    if (reply.is_null()) return problem("no reply");
    if (integer_of(reply, "status") != 200)
      return problem(cat("status ", integer_of(reply, "status"), ": ", escaped(text_of(reply, "body"), 200)));
    if (text_of(reply, "content_type") != "text/event-stream; charset=utf-8")
      problem(cat("Content-Type ", escaped(text_of(reply, "content_type"))));
    if (text_of(reply, "cache_control") != "no-store")
      problem(cat("Cache-Control ", escaped(text_of(reply, "cache_control"))));
  }

  void read_event(const WireEvent& event) {
    const auto data = Json::parse(event.data, event.name);
    if (event.name == "malformed" || !data || !data->is_object())
      return problem(cat("no event: ", escaped(event.data, 80)));
    if (text_of(*data, "type") != event.name) problem(cat(event.name, ": type ", text_of(*data, "type")));
    if (event.name == "error") {
      over_ = true;
      return problem(cat("error ", text_of(*data, "code"), ": ", escaped(text_of(*data, "message"), 200)));
    }
    const bool first = answer_.started.is_null();
    if ((event.name == "started") != first) problem(cat(event.name, first ? " before started" : " again"));
    if (event.name == "started") {
      answer_.started = *data;
    } else if (event.name == "token") {
      token(*data);
    } else if (event.name == "end") {
      end(*data);
    } else if (event.name != "metrics") {
      problem(cat("unknown event ", escaped(event.name, 40)));
    }
  }

  void token(const Json& data) {
    const std::string text = text_of(data, "t");
    const int64_t count = integer_of(data, "n");
    if (text.empty()) problem(cat("token ", covered_, ": no t"));
    if (count < (covered_ == 0 ? 1 : 0)) problem(cat("token ", covered_, ": n ", count));
    if (integer_of(data, "i") != covered_) problem(cat("i ", integer_of(data, "i"), ", expected ", covered_));
    if (take_ids(data, "ids") != count) problem(cat("token ", covered_, ": n ", count, " and other ids"));
    covered_ += std::max<int64_t>(count, 0);
    answer_.text += text;
  }

  /// How many ids the member has; -1 when it is no list of numbers.
  int64_t take_ids(const Json& data, std::string_view key) {
    const Json* list = data.find(key);
    if (list == nullptr || list->items() == nullptr) return -1;
    for (const Json& item : *list->items()) {
      if (!item.integer()) return -1;
      answer_.ids.push_back(*item.integer());
    }
    return static_cast<int64_t>(list->items()->size());
  }

  void end(const Json& data) {
    over_ = true;
    answer_.end = data;
    const int64_t withheld = integer_of(data, "tokens_withheld");
    if (covered_ + withheld != integer_of(data, "tokens_out"))
      problem(cat("tokens_out ", integer_of(data, "tokens_out"), ", ", covered_, " in events and ", withheld,
                  " withheld"));
    if (withheld > 0 && take_ids(data, "withheld_ids") != withheld) problem("withheld_ids are others");
  }

  Answer answer_;
  int64_t covered_ = 0;
  bool over_ = false;
};

}  // namespace

Answer read_answer(const Exchange& exchange) { return Reader().read(exchange); }

}  // namespace kigo::tools
