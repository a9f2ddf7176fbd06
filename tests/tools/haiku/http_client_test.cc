// The test's client against servers that send too much.
#include "tools/lib/haiku/http_client.h"

#include "tests/tools/haiku/tiny_http.h"

namespace kigo::tools {
namespace {

/// A client of a server that answers everything with so many bytes.
struct Flood {
  explicit Flood(size_t bytes)
      : server([bytes](const TinyRequest&) {
          return TinyReply{"text/plain", "", std::string(bytes, 'a')};
        }),
        client(WorkerClient::create(server.url(), "")) {}
  TinyHttp server;
  Result<WorkerClient> client;
};

TEST(WorkerClient, ReadsNoPageThatIsLongerThanAnyWorkers) {
  Flood flood(size_t{2} << 20);
  const auto metrics = flood.client->metrics();
  ASSERT_FALSE(metrics);
  EXPECT_EQ(metrics.error().message(),
            "GET /metrics: more than 1048576 bytes, expected a worker's answer (io)");
  const auto health = flood.client->health();
  ASSERT_FALSE(health);
  EXPECT_EQ(health.error().subject, "GET /health");
  EXPECT_EQ(health.error().found, "more than 1048576 bytes");
}

TEST(WorkerClient, EndsAStreamThatGoesOnAndOn) {
  Flood flood(size_t{5} << 20);
  Exchange exchange;
  exchange.request = Json::object({{"correlation_id", "c"}, {"body", Json::object()}});
  flood.client->execute(exchange);
  EXPECT_EQ(text_of(exchange.closed, "detail"), "more than 4194304 bytes");
}

TEST(WorkerClient, TakesAStreamThatEnds) {
  Flood flood(5000);
  Exchange exchange;
  exchange.request = Json::object({{"correlation_id", "c"}, {"body", Json::object()}});
  flood.client->execute(exchange);
  EXPECT_EQ(text_of(exchange.closed, "detail"), "whole");
}

}  // namespace
}  // namespace kigo::tools
