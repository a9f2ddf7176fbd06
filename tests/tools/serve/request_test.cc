// The validator of requests: every row of docs/worker.md, sections 2.1, 2.3 and 2.4, by name.
#include "tools/lib/serve/request.h"

#include "tests/tools/serve/refusals.h"

namespace kigo::tools {
namespace {

/// The fields of a good body of /execute with these members besides.
std::string with(std::string_view members) {
  return cat(R"({"job_id":"j1","prompt":"hi")", members.empty() ? "" : ",", members, "}");
}
ParsedRequest execute(std::string_view body) { return parse_request(Api::execute, body, kLimits); }

TEST(ExecuteRequest, HasTheDefaultsOfTheContract) {
  const auto parsed = execute(with(""));
  ASSERT_TRUE(parsed.request);
  const Request& request = *parsed.request;
  EXPECT_EQ(request.job_id, "j1");
  EXPECT_EQ(request.text, "hi");
  EXPECT_TRUE(request.ids.empty() && request.messages.empty() && request.stop.empty());
  EXPECT_TRUE(request.parse_special && request.stream);
  EXPECT_EQ(request.max_tokens, 2048);
  EXPECT_EQ(request.sampling.temperature, 1.0f);
  EXPECT_EQ(request.sampling.top_p, 1.0f);
  EXPECT_EQ(request.sampling.min_p, 0.0f);
  EXPECT_EQ(request.sampling.top_k, 0u);
  EXPECT_EQ(request.sampling.repetition_penalty, 1.0f);
  EXPECT_EQ(request.seed, std::nullopt);
  EXPECT_FALSE(request.ignore_eos || request.return_token_ids);
  EXPECT_EQ(request.metrics_every_tokens, 0);
}

TEST(ExecuteRequest, KeepsEveryField) {
  const auto parsed = execute(
      R"({"job_id":"a.B_9:-","prompt_tokens":[0,999],"template":"none","parse_special":false,"max_tokens":7,)"
      R"("temperature":0.5,"top_p":0.25,"min_p":0.125,"top_k":40,"repetition_penalty":1.5,"seed":18446744073709551615,)"
      R"("stop":["a","b"],"ignore_eos":true,"return_token_ids":true,"metrics_every_tokens":16})");
  ASSERT_TRUE(parsed.request) << parsed.errors.front().message;
  const Request& request = *parsed.request;
  EXPECT_EQ(request.job_id, "a.B_9:-");
  EXPECT_EQ(request.ids, (std::vector<uint32_t>{0, 999}));
  EXPECT_FALSE(request.parse_special);
  EXPECT_EQ(request.max_tokens, 7);
  EXPECT_EQ(request.sampling.temperature, 0.5f);
  EXPECT_EQ(request.sampling.top_p, 0.25f);
  EXPECT_EQ(request.sampling.min_p, 0.125f);
  EXPECT_EQ(request.sampling.top_k, 40u);
  EXPECT_EQ(request.sampling.repetition_penalty, 1.5f);
  EXPECT_EQ(request.seed, 18446744073709551615u);
  EXPECT_EQ(request.stop, (std::vector<std::string>{"a", "b"}));
  EXPECT_TRUE(request.ignore_eos && request.return_token_ids);
  EXPECT_EQ(request.metrics_every_tokens, 16);
}

TEST(ExecuteRequest, RoundsNumbersToFloatOnce) {
  const auto parsed = execute(with(R"("temperature":0.1)"));
  EXPECT_EQ(parsed.request->sampling.temperature, 0.1f);
}

TEST(ExecuteRequest, MakesAMessageOfThePromptForTheChatTemplate) {
  const auto parsed = execute(with(R"("template":"chat")"));
  ASSERT_TRUE(parsed.request);
  ASSERT_EQ(parsed.request->messages.size(), 1u);
  EXPECT_EQ(parsed.request->messages[0].role, text::Role::user);
  EXPECT_EQ(parsed.request->messages[0].content, "hi");
  EXPECT_TRUE(parsed.request->text.empty());
}

TEST(ExecuteRequest, TakesNullForAbsent) {
  const auto parsed = execute(with(
      R"("prompt_tokens":null,"temperature":null,"stop":null,"seed":null,"template":null,"ignore_eos":null)"));
  ASSERT_TRUE(parsed.request) << parsed.errors.front().message;
  EXPECT_EQ(parsed.request->sampling.temperature, 1.0f);
  EXPECT_EQ(refusals(execute(R"({"job_id":null,"prompt":null})")),
            (Refusals{"job_id required", "prompt one_of(prompt|prompt_tokens)"}));
}

TEST(ExecuteRequest, ListsEveryError) {
  const auto parsed =
      execute(R"({"job_id":"","prompt":5,"temperature":2.5,"top_k":-1,"seed":"x","temprature":1})");
  EXPECT_EQ(refusals(parsed),
            (Refusals{"job_id bytes(1..128)", "prompt type(string)", "temperature range(0..2)",
                      "top_k range(0..2147483647)", "seed type(integer)", "temprature known"}));
  EXPECT_EQ(parsed.errors[2].message, "temperature: 2.5, expected 0..2");
  EXPECT_EQ(parsed.errors[2].value, "2.5");
}

TEST(ExecuteRequest, AcceptsOddButLegalCombinations) {
  EXPECT_TRUE(execute(with(R"("temperature":0,"top_k":5,"top_p":0,"min_p":1,"stop":[],"seed":0)")).request);
}

std::vector<Row> rows() {
  std::vector<Row> rows{
      {"TemperatureAtItsEnds", R"("temperature":2)", ""},
      {"TemperatureZero", R"("temperature":0)", ""},
      {"TemperatureAbove", R"("temperature":2.0000001)", "temperature range(0..2)"},
      {"TemperatureBelow", R"("temperature":-0.1)", "temperature range(0..2)"},
      {"TemperatureAsText", R"("temperature":"0.7")", "temperature type(number)"},
      {"TemperatureAsBool", R"("temperature":true)", "temperature type(number)"},
      {"TemperatureAsArray", R"("temperature":[1])", "temperature type(number)"},
      {"TopPOne", R"("top_p":1)", ""},
      {"TopPZero", R"("top_p":0.0)", ""},
      {"TopPAbove", R"("top_p":1.1)", "top_p range(0..1)"},
      {"MinPAbove", R"("min_p":1.1)", "min_p range(0..1)"},
      {"MinPBelow", R"("min_p":-1)", "min_p range(0..1)"},
      {"TopKLargest", R"("top_k":2147483647)", ""},
      {"TopKAbove", R"("top_k":2147483648)", "top_k range(0..2147483647)"},
      {"TopKReal", R"("top_k":5.0)", "top_k type(integer)"},
      {"PenaltyTwo", R"("repetition_penalty":2)", ""},
      {"PenaltyZero", R"("repetition_penalty":0)", "repetition_penalty range(>0..2)"},
      {"PenaltyThatAFloatRoundsToZero", R"("repetition_penalty":1e-60)", "repetition_penalty range(>0..2)"},
      {"PenaltySmall", R"("repetition_penalty":1e-40)", ""},
      {"PenaltyAbove", R"("repetition_penalty":2.1)", "repetition_penalty range(>0..2)"},
      {"PenaltyAsText", R"("repetition_penalty":"1")", "repetition_penalty type(number)"},
      {"SeedZero", R"("seed":0)", ""},
      {"SeedLargest", R"("seed":18446744073709551615)", ""},
      {"SeedAbove", R"("seed":18446744073709551616)", "seed type(integer)"},
      {"SeedNegative", R"("seed":-1)", "seed range(0..18446744073709551615)"},
      {"SeedReal", R"("seed":5.0)", "seed type(integer)"},
      {"SeedWithExponent", R"("seed":1e3)", "seed type(integer)"},
      {"MaxTokensOne", R"("max_tokens":1)", ""},
      {"MaxTokensZero", R"("max_tokens":0)", "max_tokens range(1..2048)"},
      {"MaxTokensLargest", R"("max_tokens":2048)", ""},
      {"MaxTokensAbove", R"("max_tokens":2049)", "max_tokens range(1..2048)"},
      {"MaxTokensAsText", R"("max_tokens":"5")", "max_tokens type(integer)"},
      {"MetricsLargest", R"("metrics_every_tokens":1024)", ""},
      {"MetricsAbove", R"("metrics_every_tokens":1025)", "metrics_every_tokens range(0..1024)"},
      {"StopAsText", R"("stop":"x")", ""},
      {"StopAsNumber", R"("stop":5)", "stop type(string|array)"},
      {"StopEmptyText", R"("stop":"")", "stop bytes(1..100)"},
      {"StopEmptyInArray", R"("stop":["a",""])", "stop[1] bytes(1..100)"},
      {"StopNumberInArray", R"("stop":["a",7])", "stop[1] type(string)"},
      {"StopFour", R"("stop":["a","b","c","d"])", ""},
      {"StopFive", R"("stop":["a","b","c","d","e"])", "stop items(0..4)"},
      {"StopLongest", cat(R"("stop":")", times("x", 100), "\""), ""},
      {"StopTooLong", cat(R"("stop":")", times("x", 101), "\""), "stop bytes(1..100)"},
      {"StopCountsBytes", cat(R"("stop":")", times("\u00e9", 51), "\""), "stop bytes(1..100)"},
      {"IgnoreEosAsNumber", R"("ignore_eos":1)", "ignore_eos type(boolean)"},
      {"ReturnTokenIdsAsText", R"("return_token_ids":"yes")", "return_token_ids type(boolean)"},
      {"ParseSpecialAsText", R"("parse_special":"no")", "parse_special type(boolean)"},
      {"TemplateNone", R"("template":"none")", ""},
      {"TemplateOther", R"("template":"chatml")", "template one_of(none|chat)"},
      {"TemplateAsBool", R"("template":true)", "template one_of(none|chat)"},
      {"BothPrompts", R"("prompt_tokens":[1])", "prompt one_of(prompt|prompt_tokens)"},
      {"UnknownField", R"("temprature":1)", "temprature known"},
      {"UnknownFieldThatIsNull", R"("temprature":null)", "temprature known"},
  };
  return rows;
}

class ExecuteField : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(Rows, ExecuteField, testing::ValuesIn(rows()),
                         [](const auto& param) { return param.param.name; });

TEST_P(ExecuteField, IsAcceptedOrNamed) {
  const Refusals expected = GetParam().refusal.empty() ? Refusals{} : Refusals{GetParam().refusal};
  EXPECT_EQ(refusals(execute(with(GetParam().member))), expected);
}

TEST(ExecuteRequest, BoundsTheJobId) {
  const auto id = [](const std::string& text) {
    return refusals(execute(cat(R"({"prompt":"a","job_id":")", text, "\"}")));
  };
  EXPECT_EQ(id(times("x", 128)), Refusals{});
  EXPECT_EQ(id(times("x", 129)), Refusals{"job_id bytes(1..128)"});
  EXPECT_EQ(id(""), Refusals{"job_id bytes(1..128)"});
  EXPECT_EQ(id("a b"), Refusals{"job_id characters(A-Za-z0-9._:-)"});
  EXPECT_EQ(id("a\\u0000"), Refusals{"job_id characters(A-Za-z0-9._:-)"});
  EXPECT_EQ(refusals(execute(R"({"prompt":"a","job_id":7})")), Refusals{"job_id type(string)"});
}

TEST(ExecuteRequest, BoundsThePromptInBytes) {
  const auto prompt = [](const std::string& text) {
    return refusals(execute(cat(R"({"job_id":"a","prompt":")", text, "\"}")));
  };
  EXPECT_EQ(prompt(times("x", 131072)), Refusals{});
  EXPECT_EQ(prompt(times("x", 131073)), Refusals{"prompt bytes(1..131072)"});
  EXPECT_EQ(prompt(times("\u00e9", 65536)), Refusals{});
  EXPECT_EQ(prompt(times("\u00e9", 65537)), Refusals{"prompt bytes(1..131072)"});
  EXPECT_EQ(prompt(""), Refusals{"prompt bytes(1..131072)"});
  EXPECT_EQ(prompt(times("\\u0041", 131072)), Refusals{});  // counted after decoding
}

TEST(ExecuteRequest, NeverRepeatsThePrompt) {
  const auto parsed = execute(R"({"job_id":"a","prompt":"","stop":["secret","",7]})");
  ASSERT_EQ(parsed.errors.size(), 3u);
  for (const FieldError& each : parsed.errors) EXPECT_EQ(each.value, std::nullopt) << each.field;
}

TEST(ExecuteRequest, ChecksIdsAgainstTheVocabulary) {
  const auto ids = [](const std::string& list) {
    return refusals(execute(cat(R"({"job_id":"a","prompt_tokens":)", list, "}")));
  };
  EXPECT_EQ(ids("[0,999]"), Refusals{});
  EXPECT_EQ(ids("[0,1000]"), Refusals{"prompt_tokens[1] range(0..999)"});
  EXPECT_EQ(ids("[-1]"), Refusals{"prompt_tokens[0] range(0..999)"});
  EXPECT_EQ(ids("[1.0]"), Refusals{"prompt_tokens[0] range(0..999)"});
  EXPECT_EQ(ids("[\"1\"]"), Refusals{"prompt_tokens[0] range(0..999)"});
  EXPECT_EQ(ids("[]"), Refusals{"prompt_tokens items(1..)"});
  EXPECT_EQ(ids("5"), Refusals{"prompt_tokens type(array)"});
}

TEST(ExecuteRequest, IdsAreNoMessage) {
  EXPECT_EQ(refusals(execute(R"({"job_id":"a","prompt_tokens":[1],"template":"chat"})")),
            Refusals{"template one_of(none)"});
}

TEST(ExecuteRequest, CutsAValueBetweenCharacters) {
  const auto parsed = execute(with(cat(R"("template":")", times("\u20ac", 30), "\"")));
  ASSERT_EQ(parsed.errors.size(), 1u);
  EXPECT_EQ(parsed.errors[0].value, times("\u20ac", 21));  // 63 of 90 bytes
}

TEST(ExecuteRequest, ListsAtMost64UnknownFields) {
  std::string members;
  for (int i = 0; i < 70; ++i) members += cat(i == 0 ? "" : ",", "\"u", i, "\":1");
  const auto parsed = execute(with(members));
  ASSERT_EQ(parsed.errors.size(), 65u);
  EXPECT_EQ(parsed.errors[63].field, "u63");
  EXPECT_NE(parsed.errors[64].message.find("6 more"), std::string::npos) << parsed.errors[64].message;
}

TEST(ExecuteRequest, TakesTheLimitsOfTheWorker) {
  const RequestLimits small{.prompt_bytes = 3, .tokens_out = 5, .vocab = 10};
  EXPECT_EQ(parse_request(Api::execute, with(""), small).request->max_tokens, 5);
  EXPECT_EQ(refusals(parse_request(Api::execute, with(R"("max_tokens":6)"), small)),
            Refusals{"max_tokens range(1..5)"});
  EXPECT_EQ(refusals(parse_request(Api::execute, R"({"job_id":"a","prompt":"four"})", small)),
            Refusals{"prompt bytes(1..3)"});
  const RequestLimits large{.tokens_out = 4096, .vocab = 10};
  EXPECT_EQ(parse_request(Api::execute, with(""), large).request->max_tokens, 2048);
  EXPECT_TRUE(parse_request(Api::execute, with(R"("max_tokens":4096)"), large).request);
}

class BadBody : public testing::TestWithParam<Row> {};
INSTANTIATE_TEST_SUITE_P(
    Rows, BadBody,
    testing::Values(
        Row{"Empty", "", "body json"}, Row{"Spaces", "  ", "body json"},
        Row{"NotUtf8", "{\"job_id\":\"\xFF\"}", "body utf8"},
        Row{"Surrogate", R"({"job_id":"\ud800"})", "body json"},
        Row{"NaN", R"({"temperature":NaN})", "body json"},
        Row{"Infinity", R"({"temperature":Infinity})", "body json"},
        Row{"Overflow", R"({"temperature":1e999})", "body json"},
        Row{"Trailing", R"({"job_id":"a"} x)", "body json"}, Row{"TwoObjects", R"({}{})", "body json"},
        Row{"DuplicateKey", R"({"seed":1,"seed":2})", "body json"},
        Row{"DuplicateKeyWithin", R"({"stop":{"a":1,"a":1}})", "body json"},
        Row{"Comment", R"({/**/"seed":1})", "body json"}, Row{"TrailingComma", R"({"seed":1,})", "body json"},
        Row{"LeadingZero", R"({"seed":01})", "body json"}, Row{"Array", "[]", "body type(object)"},
        Row{"Text", "\"a\"", "body type(object)"}, Row{"Null", "null", "body type(object)"},
        Row{"Deep", cat(R"({"stop":)", times("[", 32), times("]", 32), "}"), "body json"},
        Row{"VeryDeep", times("[", 100000), "body json"}),
    [](const auto& param) { return param.param.name; });

TEST_P(BadBody, IsRefusedAsAWhole) {
  for (const Api api : {Api::execute, Api::completions, Api::chat})
    EXPECT_EQ(refusals(parse_request(api, GetParam().member, kLimits)), Refusals{GetParam().refusal});
}

TEST(Body, MayNestTo32) {
  const auto parsed = execute(with(cat(R"("x":)", times("[", 31), times("]", 31))));
  EXPECT_EQ(refusals(parsed), Refusals{"x known"});
}

TEST(CancelRequest, WantsAJobId) {
  EXPECT_EQ(parse_cancel(R"({"job_id":"j1"})").job_id, "j1");
  EXPECT_TRUE(parse_cancel(R"({"job_id":"j1"})").errors.empty());
  EXPECT_EQ(parse_cancel("{}").errors.front().constraint, "required");
  EXPECT_EQ(parse_cancel(R"({"job_id":"j1","x":1})").errors.front().field, "x");
  EXPECT_EQ(parse_cancel("[").errors.front().field, "body");
}

}  // namespace
}  // namespace kigo::tools
