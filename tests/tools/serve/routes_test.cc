// The routes over a worker, without sockets: who is refused before anything is read, OpenAI's replies, state.
#include "tools/lib/serve/routes.h"

#include "core/base/cat.h"
#include "tests/tools/serve/fixture.h"

namespace kigo::tools {
namespace {

constexpr const char* kJson = "application/json";

TEST(OpenAi, AnswersWhole) {
  ServedWorker served;
  const Reply reply =
      served.send("POST", "/v1/chat/completions",
                  R"({"messages":[{"role":"user","content":"hi"}],"seed":3,"temperature":0})");
  ASSERT_TRUE(reply.job);
  EXPECT_FALSE(reply.stream);
  const Json json = *Json::parse(drain(reply), "reply");
  EXPECT_EQ(*reply.job_status, 200);
  EXPECT_EQ(*json.find("object")->string(), "chat.completion");
  EXPECT_TRUE(json.find("id")->string()->starts_with("chatcmpl-"));
  EXPECT_EQ(json.find("choices")->dump(),
            R"([{"index":0,"message":{"role":"assistant","content":"hello"},"finish_reason":"stop"}])");
  EXPECT_EQ(json.find("usage")->find("completion_tokens")->integer(), 5);
  EXPECT_EQ(json.find("seed")->integer(), 3);
}

TEST(OpenAi, StreamsChunksUsageAndDone) {
  ServedWorker served;
  const std::string stream = drain(served.send(
      "POST", "/v1/completions",
      R"({"prompt":"hi","temperature":0,"max_tokens":2,"stream":true,"stream_options":{"include_usage":true}})"));
  std::vector<Json> chunks;
  std::string_view rest = stream;
  while (rest.starts_with("data: {")) {
    chunks.push_back(*Json::parse(rest.substr(6, rest.find("\n\n") - 6), "chunk"));
    rest.remove_prefix(rest.find("\n\n") + 2);
  }
  EXPECT_EQ(rest, "data: [DONE]\n\n");
  ASSERT_EQ(chunks.size(), 4u);
  EXPECT_EQ(chunks[0].find("choices")->dump(), R"([{"index":0,"text":"h","finish_reason":null}])");
  EXPECT_EQ(chunks[2].find("choices")->dump(), R"([{"index":0,"text":"","finish_reason":"length"}])");
  EXPECT_EQ(chunks[3].find("choices")->dump(), "[]");
  EXPECT_EQ(chunks[3].find("usage")->dump(), R"({"prompt_tokens":2,"completion_tokens":2,"total_tokens":4})");
}

TEST(OpenAi, AnErrorEndsTheStreamWithoutDone) {
  ServedWorker served({.on_step = [](size_t step) -> Status {
    return step == 1 ? Status(fail(Code::inference_failed, "logits", "NaN")) : Status();
  }});
  const std::string members = R"("prompt":"hi","temperature":0)";
  const std::string stream =
      drain(served.send("POST", "/v1/completions", cat("{", members, R"(,"stream":true})")));
  EXPECT_EQ(stream.find("[DONE]"), std::string::npos);
  EXPECT_NE(stream.find(R"(data: {"error":{"code":"INFERENCE_FAILED")"), std::string::npos) << stream;
  const Reply whole = served.send("POST", "/v1/completions", cat("{", members, "}"));
  drain(whole);
  EXPECT_EQ(*whole.job_status, 500);
}

TEST(Prompts, WithoutAKnownChatFormatAreRefusedAndNameTheOption) {
  ServedWorker served(ScriptOptions{.chat = false});
  for (const Reply& reply :
       {served.send("POST", "/v1/chat/completions", R"({"messages":[{"role":"user","content":"hi"}]})"),
        served.execute(request("j", R"("template":"chat")"))}) {
    EXPECT_EQ(reply.status, 400);
    EXPECT_EQ(error_code(reply), "INVALID_REQUEST");
    EXPECT_NE(reply.body.find("--chat-template"), std::string::npos) << reply.body;
  }
}

TEST(Prompts, OfTheContextsLengthAreRefused) {
  ServedWorker served({.context = 16});
  const auto sent = [&](size_t tokens) {
    std::string ids;
    for (size_t i = 0; i < tokens; ++i) ids += cat(i == 0 ? "" : ",", "1");
    return served.execute(cat(R"({"job_id":"j","prompt_tokens":[)", ids, "]}"));
  };
  const Reply refused = sent(16);
  EXPECT_EQ(refused.status, 400);
  EXPECT_EQ(error_code(refused), "CONTEXT_OVERFLOW");
  EXPECT_EQ(*body(refused).find("error")->find("message")->string(),
            "prompt: 16 tokens, expected at most 15");
  const Reply fits = sent(15);
  EXPECT_EQ(fits.status, 200);
  drain(fits);
}

/// method, path, headers, status and code.
struct Row {
  std::string name, method, path;
  std::vector<std::pair<std::string, std::string>> headers;
  int status;
  std::string code;
};
void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

class RefusedBeforeTheBody : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(
    Rows, RefusedBeforeTheBody,
    testing::Values(
        Row{"NoKey", "POST", "/execute", {{"Content-Type", kJson}}, 401, "UNAUTHORIZED"},
        Row{"WrongKey", "GET", "/metrics", {{"Authorization", "Bearer wrong"}}, 401, "UNAUTHORIZED"},
        Row{"KeyTooLong", "GET", "/metrics", {{"Authorization", "Bearer keykey"}}, 401, "UNAUTHORIZED"},
        Row{"KeyBeforeRoute", "GET", "/nowhere", {}, 401, "UNAUTHORIZED"},
        Row{"OtherOrigin",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Host", "127.0.0.1:8080"}, {"Origin", "http://example.org"}},
            403,
            "FORBIDDEN_ORIGIN"},
        Row{"OriginOfAnotherPort",
            "GET",
            "/health",
            {{"Host", "a:1"}, {"Origin", "http://a:2"}},
            403,
            "FORBIDDEN_ORIGIN"},
        Row{"NoRoute", "GET", "/nowhere", {{"Authorization", "Bearer key"}}, 404, "NOT_FOUND"},
        Row{"WrongMethod", "GET", "/execute", {{"Authorization", "Bearer key"}}, 405, "METHOD_NOT_ALLOWED"},
        Row{"PostHealth", "POST", "/health", {}, 405, "METHOD_NOT_ALLOWED"},
        Row{"WrongType",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Content-Type", "text/plain"}},
            415,
            "UNSUPPORTED_MEDIA_TYPE"},
        Row{"NoType", "POST", "/cancel", {{"Authorization", "Bearer key"}}, 415, "UNSUPPORTED_MEDIA_TYPE"},
        Row{"TooLarge",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Content-Type", kJson}, {"Content-Length", "1048577"}},
            413,
            "PAYLOAD_TOO_LARGE"},
        Row{"LengthIsNoNumber",
            "POST",
            "/execute",
            {{"Authorization", "Bearer key"}, {"Content-Type", kJson}, {"Content-Length", "-1"}},
            413,
            "PAYLOAD_TOO_LARGE"}),
    [](const auto& param) { return param.param.name; });

TEST_P(RefusedBeforeTheBody, WithStatusAndCode) {
  RouteOptions routing;
  routing.api_key = "key";
  ServedWorker served(ScriptOptions{}, {}, routing);
  const Row& row = GetParam();
  const auto reply = served.routes.before_body(Routes::head(row.method, row.path, row.headers));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->status, row.status);
  EXPECT_EQ(error_code(*reply), row.code);
  EXPECT_TRUE(reply->close);
}

TEST(Routes, LetGoodRequestsPass) {
  RouteOptions routing;
  routing.api_key = "key";
  ServedWorker served(ScriptOptions{}, {}, routing);
  const auto passes = [&](const std::string& method, const std::string& path,
                          std::vector<std::pair<std::string, std::string>> headers) {
    return !served.routes.before_body(Routes::head(method, path, std::move(headers)));
  };
  EXPECT_TRUE(passes("GET", "/health", {}));
  EXPECT_TRUE(passes("GET", "/", {}));
  EXPECT_TRUE(passes("POST", "/shutdown", {{"AUTHORIZATION", "Bearer key"}}));
  EXPECT_TRUE(passes("POST", "/execute",
                     {{"authorization", "Bearer key"},
                      {"Content-Type", "Application/JSON; charset=utf-8"},
                      {"Content-Length", "1048576"},
                      {"Host", "h:1"},
                      {"Origin", "http://h:1"}}));
}

TEST(Routes, TellEveryoneTheStateAndCount) {
  ServedWorker served;
  drain(served.execute(request("j")));
  served.execute("[]");
  const std::string metrics = served.send("GET", "/metrics").body;
  for (const char* line :
       {R"(worker_requests_total{outcome="ok",route="/execute"} 1)",
        R"(worker_requests_total{outcome="refused",route="/execute"} 1)", "worker_tokens_generated_total 5",
        "worker_prompt_tokens_total 2", R"(worker_errors_total{code="INVALID_REQUEST"} 1)",
        "worker_healthy 1", "worker_queue_depth 0", "worker_first_token_ms_count 1",
        "worker_inter_token_ms_count 4"})
    EXPECT_NE(metrics.find(line), std::string::npos) << line << "\n" << metrics;
  EXPECT_NE(served.send("GET", "/").body.find("<title>kigo</title>"), std::string::npos);
  EXPECT_NE(served.send("GET", "/v1/models").body.find(R"("id":"scripted")"), std::string::npos);
}

TEST(Log, NeverHoldsAPromptUnlessAsked) {
  ServedWorker served;
  drain(served.execute(R"({"job_id":"j","prompt":"secret words","temperature":0})"));
  EXPECT_FALSE(served.lines.contains("secret"));
  EXPECT_TRUE(served.lines.contains(R"("prompt_bytes":12)"));
}

}  // namespace
}  // namespace kigo::tools
