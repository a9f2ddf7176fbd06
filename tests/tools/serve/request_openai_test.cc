// The validator for OpenAI's routes: docs/worker.md, section 2.3.
#include "tests/tools/serve/refusals.h"

namespace kigo::tools {
namespace {

ParsedRequest chat(std::string_view members) {
  return parse_request(
      Api::chat,
      cat(R"({"messages":[{"role":"user","content":"hi"}])", members.empty() ? "" : ",", members, "}"),
      kLimits);
}

TEST(CompletionsRequest, TakesATextOrIds) {
  const auto text = parse_request(Api::completions, R"({"model":"any","prompt":"hi"})", kLimits);
  ASSERT_TRUE(text.request);
  EXPECT_EQ(text.request->text, "hi");
  EXPECT_FALSE(text.request->stream);
  EXPECT_EQ(text.request->max_tokens, 2048);
  EXPECT_TRUE(text.request->ignored.empty());
  const auto ids = parse_request(Api::completions, R"({"prompt":[5,6]})", kLimits);
  EXPECT_EQ(ids.request->ids, (std::vector<uint32_t>{5, 6}));
  EXPECT_EQ(refusals(parse_request(Api::completions, R"({"prompt":["a","b"]})", kLimits)),
            Refusals{"prompt[0] range(0..999)"});
  EXPECT_EQ(refusals(parse_request(Api::completions, "{}", kLimits)), Refusals{"prompt required"});
}

TEST(ChatRequest, ReadsRolesAndParts) {
  const auto parsed = parse_request(
      Api::chat,
      R"({"messages":[{"role":"developer","content":"be brief"},{"role":"user","content":[)"
      R"({"type":"text","text":"a"},{"type":"text","text":"b"}],"name":"x"},{"role":"assistant","content":""}]})",
      kLimits);
  ASSERT_TRUE(parsed.request) << parsed.errors.front().message;
  const auto& messages = parsed.request->messages;
  ASSERT_EQ(messages.size(), 3u);
  EXPECT_EQ(messages[0].role, text::Role::system);
  EXPECT_EQ(messages[0].content, "be brief");
  EXPECT_EQ(messages[1].content, "ab");
  EXPECT_EQ(messages[2].role, text::Role::assistant);
}

TEST(ChatRequest, NamesTheMessage) {
  const auto messages = [](const std::string& list) {
    return refusals(parse_request(Api::chat, cat(R"({"messages":)", list, "}"), kLimits));
  };
  EXPECT_EQ(messages("5"), Refusals{"messages type(array)"});
  EXPECT_EQ(messages("[]"), Refusals{"messages items(1..1024)"});
  EXPECT_EQ(messages("[7]"), Refusals{"messages[0] type(object)"});
  EXPECT_EQ(
      messages(R"([{"role":"user","content":"a"},{"role":"tool"}])"),
      (Refusals{"messages[1].role one_of(system|developer|user|assistant)", "messages[1].content required"}));
  EXPECT_EQ(messages(R"([{"role":"user","content":[{"type":"image_url"}]}])"),
            Refusals{"messages[0].content[0] text"});
  EXPECT_EQ(messages(R"([{"role":"assistant","content":"","tool_calls":[{}]}])"),
            Refusals{"messages[0].tool_calls unsupported"});
  EXPECT_EQ(messages(cat("[", times(R"({"role":"user","content":"a"},)", 1024),
                         R"({"role":"user","content":""}])")),
            Refusals{"messages items(1..1024)"});
  EXPECT_EQ(messages(cat(R"([{"role":"user","content":")", times("x", 131071),
                         R"("},{"role":"user","content":"ab"}])")),
            Refusals{"messages bytes(0..131072)"});
  EXPECT_EQ(refusals(parse_request(Api::chat, "{}", kLimits)), Refusals{"messages required"});
}

TEST(ChatRequest, IgnoresUnknownFieldsByName) {
  const auto parsed = chat(R"("user":"me","metadata":{},"job_id":"x","model":"y")");
  ASSERT_TRUE(parsed.request);
  EXPECT_EQ(parsed.request->ignored, (std::vector<std::string>{"user", "metadata", "job_id"}));
}

TEST(ChatRequest, TakesStreamOptionsAndTheOtherNameOfMaxTokens) {
  const auto parsed =
      chat(R"("stream":true,"stream_options":{"include_usage":true},"max_completion_tokens":9)");
  ASSERT_TRUE(parsed.request);
  EXPECT_TRUE(parsed.request->stream && parsed.request->include_usage);
  EXPECT_EQ(parsed.request->max_tokens, 9);
  EXPECT_EQ(refusals(chat(R"("max_tokens":8,"max_completion_tokens":9)")),
            Refusals{"max_completion_tokens equal(max_tokens)"});
  EXPECT_EQ(refusals(chat(R"("max_completion_tokens":0)")), Refusals{"max_completion_tokens range(1..2048)"});
  EXPECT_EQ(refusals(chat(R"("stream_options":7)")), Refusals{"stream_options type(object)"});
  EXPECT_EQ(refusals(chat(R"("stream_options":{"include_usage":1})")),
            Refusals{"stream_options.include_usage type(boolean)"});
}

class UnsupportedField : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(
    Rows, UnsupportedField,
    testing::Values(Row{"NOne", R"("n":1)", ""}, Row{"NTwo", R"("n":2)", "n unsupported"},
                    Row{"BestOf", R"("best_of":2)", "best_of unsupported"},
                    Row{"LogprobsFalse", R"("logprobs":false)", ""},
                    Row{"Logprobs", R"("logprobs":true)", "logprobs unsupported"},
                    Row{"LogprobsCount", R"("logprobs":0)", "logprobs unsupported"},
                    Row{"LogitBiasNone", R"("logit_bias":{})", ""},
                    Row{"LogitBias", R"("logit_bias":{"5":1})", "logit_bias unsupported"},
                    Row{"PenaltyZero", R"("presence_penalty":0.0)", ""},
                    Row{"Presence", R"("presence_penalty":0.1)", "presence_penalty unsupported"},
                    Row{"Frequency", R"("frequency_penalty":-1)", "frequency_penalty unsupported"},
                    Row{"Echo", R"("echo":true)", "echo unsupported"},
                    Row{"Suffix", R"("suffix":"x")", "suffix unsupported"},
                    Row{"ToolsNone", R"("tools":[])", ""},
                    Row{"Tools", R"("tools":[{"type":"function"}])", "tools unsupported"},
                    Row{"TextFormat", R"("response_format":{"type":"text"})", ""},
                    Row{"JsonFormat", R"("response_format":{"type":"json_object"})",
                        "response_format unsupported"}),
    [](const auto& param) { return param.param.name; });

TEST_P(UnsupportedField, IsNamedUnlessItAsksForNothing) {
  const Refusals expected = GetParam().refusal.empty() ? Refusals{} : Refusals{GetParam().refusal};
  EXPECT_EQ(refusals(chat(GetParam().member)), expected);
}

}  // namespace
}  // namespace kigo::tools
