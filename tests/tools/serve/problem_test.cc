// Error bodies and correlation ids: docs/worker.md, section 2.4.
#include "tools/lib/serve/problem.h"

#include <gtest/gtest.h>

#include <regex>

#include "core/base/json.h"
#include "tools/lib/serve/correlation.h"

namespace kigo::tools {
namespace {

constexpr const char* kBody =
    R"x({"error":{"code":"INVALID_REQUEST","type":"invalid_request_error","message":"2 fields are invalid",)x"
    R"x("param":"temperature","retriable":false,"correlation_id":"req-7"},"errors":[{"field":"temperature",)x"
    R"x("constraint":"range(0..2)","message":"temperature: 2.5, expected 0..2","value":"2.5"},)x"
    R"x({"field":"prompt","constraint":"bytes(1..131072)",)x"
    R"x("message":"prompt: 140000 bytes, expected 1..131072"}]})x";

TEST(ErrorBody, IsTheOneOfTheContract) {
  const Problem problem = invalid_request(
      {{"temperature", "range(0..2)", "temperature: 2.5, expected 0..2", "2.5"},
       {"prompt", "bytes(1..131072)", "prompt: 140000 bytes, expected 1..131072", std::nullopt}});
  EXPECT_EQ(error_body(problem, "req-7"), kBody);
}

TEST(ErrorBody, OfOneFieldSaysWhatIsWrongWithIt) {
  const Problem problem =
      invalid_request({{"seed", "type(integer)", "seed: 5.0, expected an integer", "5.0"}});
  EXPECT_EQ(problem.message, "seed: 5.0, expected an integer");
}

TEST(ErrorBody, WithoutFieldsHasNoList) {
  EXPECT_EQ(error_body({WorkerError::queue_full, "16 jobs wait, limit 16; retry in 12 s", {}}, "r"),
            R"({"error":{"code":"QUEUE_FULL","type":"rate_limit_error",)"
            R"("message":"16 jobs wait, limit 16; retry in 12 s","param":null,"retriable":true,)"
            R"("correlation_id":"r"}})");
}

TEST(CorrelationId, IsKeptWhenItIsGood) {
  for (const std::string& id : {std::string("req-7"), std::string("A.z_0-9"), std::string(64, 'x')})
    EXPECT_EQ(correlation_id(std::vector{id}), id);
}

TEST(CorrelationId, IsReplacedWhenItIsNot) {
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  const std::vector<std::vector<std::string>> bad{
      {}, {""}, {std::string(65, 'x')}, {"a b"}, {"a\r\nx: y"}, {"\u00e9"}, {"a", "a"}};
  for (const auto& headers : bad) {
    const std::string id = correlation_id(headers);
    EXPECT_TRUE(std::regex_match(id, uuid)) << id;
    EXPECT_NE(id, correlation_id(headers));
  }
}

}  // namespace
}  // namespace kigo::tools
