// Whatever a body holds: it is accepted and well-formed, or every field that is wrong is named.
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/base/cat.h"
#include "core/sample/stop.h"
#include "core/text/unicode.h"
#include "tools/lib/serve/request.h"

namespace kigo::tools {
namespace {

constexpr RequestLimits kSmallLimits{.prompt_bytes = 1000, .tokens_out = 100, .vocab = 50};

/// What every other part of the worker relies on.
void expect_sound(const ParsedRequest& parsed, Api api) {
  RC_ASSERT(parsed.request.has_value() == parsed.errors.empty());
  for (const FieldError& each : parsed.errors) {
    RC_ASSERT((!each.field.empty() && !each.constraint.empty()));
    RC_ASSERT(each.message.starts_with(each.field));
    if (each.value) RC_ASSERT((each.value->size() <= 64 && !text::first_ill_formed(*each.value)));
    RC_ASSERT(!text::first_ill_formed(each.message).has_value());
  }
  if (!parsed.request) return;
  const Request& request = *parsed.request;
  RC_ASSERT(sample::check(request.sampling).has_value());
  RC_ASSERT(sample::check_stops(request.stop).has_value());
  RC_ASSERT((request.max_tokens >= 1 && request.max_tokens <= kSmallLimits.tokens_out));
  RC_ASSERT(int{!request.text.empty()} + int{!request.ids.empty()} + int{!request.messages.empty()} == 1);
  RC_ASSERT(std::ranges::all_of(request.ids, [](uint32_t id) { return id < kSmallLimits.vocab; }));
  RC_ASSERT(request.text.size() <= kSmallLimits.prompt_bytes);
  RC_ASSERT((api == Api::execute) == !request.job_id.empty());
}

rc::Gen<Api> apis() { return rc::gen::element(Api::execute, Api::completions, Api::chat); }

RC_GTEST_PROP(AnyBytes, AreAcceptedOrRefusedByName, (const std::string& body)) {
  const Api api = *apis();
  expect_sound(parse_request(api, body, kSmallLimits), api);
}

/// A field, values that are good for it, and values that are not.
struct Field {
  std::string name;
  std::vector<std::string> good;
  std::vector<std::string> bad;
};

const std::vector<Field> kFields = {
    {"job_id", {R"("a")", R"("A.b_c:-9")"}, {R"("")", R"("a b")", "7", "null", "[]"}},
    {"template", {R"("none")", R"("chat")", "null"}, {R"("x")", "true", "{}"}},
    {"parse_special", {"true", "false", "null"}, {"0", R"("true")", "[]"}},
    {"max_tokens", {"1", "100", "null"}, {"0", "101", "-1", "5.0", "1e1", R"("5")", "18446744073709551616"}},
    {"temperature", {"0", "0.0", "2", "1e-300", "null"}, {"-0.1", "2.1", "1e300", R"("1")", "true", "{}"}},
    {"top_p", {"0", "0.5", "1"}, {"1.5", "-1", "[]"}},
    {"min_p", {"0", "1"}, {"2", "false"}},
    {"top_k", {"0", "2147483647"}, {"2147483648", "-1", "1.5"}},
    {"repetition_penalty", {"0.5", "2", "null"}, {"0", "-1", "2.5", "1e-300", "[1]"}},
    {"seed", {"0", "18446744073709551615", "null"}, {"-1", "1.0", R"("1")"}},
    {"stop", {"[]", R"("x")", R"(["a","b"])", "null"}, {"5", "{}", R"(["a","b","c","d","e"])"}},
    {"ignore_eos", {"true"}, {"1", "{}"}},
    {"return_token_ids", {"false"}, {R"("")", "0.5"}},
    {"metrics_every_tokens", {"0", "1024"}, {"1025", "-3", "[]"}},
    {"unknown", {}, {"1", "null", "[[[[]]]]"}},
};

RC_GTEST_PROP(ExecuteFields, ExactlyTheWrongOnesAreNamed, ()) {
  std::set<std::string> wrong;
  std::vector<std::string> members{R"("prompt":"hi")"};
  for (const Field& field : kFields) {
    const auto choice = *rc::gen::weightedElement<int>({{2, 0}, {4, 1}, {1, 2}});
    const bool required = field.name == "job_id";
    if (choice == 2) wrong.insert(field.name);
    if ((choice == 0 && required) || (choice == 1 && field.good.empty())) {
      if (required) wrong.insert(field.name);
    } else if (choice != 0) {
      members.push_back(
          cat("\"", field.name, "\":", *rc::gen::elementOf(choice == 1 ? field.good : field.bad)));
    }
  }
  // Any order of the members.
  for (size_t i = members.size(); i > 1; --i)
    std::swap(members[i - 1], members[*rc::gen::inRange<size_t>(0, i)]);
  std::string body = "{";
  for (const std::string& member : members) body += cat(body.size() == 1 ? "" : ",", member);
  const auto parsed = parse_request(Api::execute, body + "}", kSmallLimits);
  expect_sound(parsed, Api::execute);
  std::set<std::string> named;
  for (const FieldError& each : parsed.errors) named.insert(each.field.substr(0, each.field.find('[')));
  RC_ASSERT(named == wrong);
  RC_CLASSIFY(wrong.empty(), "accepted");
}

/// Values of every kind, few levels deep.
rc::Gen<std::string> any_json(int depth) {
  const auto leaf = rc::gen::elementOf(std::vector<std::string>{"null", "true", "false", "0", "-1", "1.5",
                                                                "1e30", "18446744073709551615", R"("")",
                                                                R"("user")", R"("text")", R"("\u00e9\n")"});
  if (depth == 0) return leaf;
  const auto inner = any_json(depth - 1);
  const auto key = rc::gen::element<std::string>("role", "content", "type", "text", "include_usage", "x");
  const auto array = rc::gen::map(rc::gen::resize(4, rc::gen::container<std::vector<std::string>>(inner)),
                                  [](const std::vector<std::string>& items) {
                                    std::string out = "[";
                                    for (const auto& item : items)
                                      out += cat(out.size() == 1 ? "" : ",", item);
                                    return out + "]";
                                  });
  const auto object =
      rc::gen::map(rc::gen::resize(4, rc::gen::container<std::map<std::string, std::string>>(key, inner)),
                   [](const std::map<std::string, std::string>& members) {
                     std::string out = "{";
                     for (const auto& [name, value] : members)
                       out += cat(out.size() == 1 ? "" : ",", "\"", name, "\":", value);
                     return out + "}";
                   });
  return rc::gen::oneOf(leaf, array, object);
}

RC_GTEST_PROP(AnyJson, IsAcceptedOrRefusedByName, ()) {
  const Api api = *apis();
  const std::vector<std::string> names = {
      "job_id", "prompt", "prompt_tokens", "messages", "stop",  "stream_options",  "max_completion_tokens",
      "n",      "tools",  "logit_bias",    "seed",     "model", "response_format", "template"};
  std::string body = "{";
  for (const std::string& name : names) {
    if (*rc::gen::inRange(0, 3) == 0)
      body += cat(body.size() == 1 ? "" : ",", "\"", name, "\":", *any_json(3));
  }
  expect_sound(parse_request(api, body + "}", kSmallLimits), api);
}

RC_GTEST_PROP(DamagedJson, IsAcceptedOrRefusedByName, ()) {
  std::string body =
      R"({"job_id":"j","prompt":"a\u00e9","temperature":0.5,"stop":["x"],"seed":12,"ignore_eos":true})";
  const int changes = *rc::gen::inRange(1, 5);
  for (int i = 0; i < changes; ++i) {
    const size_t at = *rc::gen::inRange<size_t>(0, body.size());
    const char byte = *rc::gen::arbitrary<char>();
    switch (*rc::gen::inRange(0, 3)) {
      case 0:
        body[at] = byte;
        break;
      case 1:
        body.insert(at, 1, byte);
        break;
      default:
        body.erase(at, 1);
    }
  }
  const auto parsed = parse_request(Api::execute, body, kSmallLimits);
  expect_sound(parsed, Api::execute);
}

}  // namespace
}  // namespace kigo::tools
