// `kigo serve` as its users meet it: a process, curl, and OpenAI's own Python package.
#include "tests/tools/serve_process.h"

namespace kigo::tools {
namespace {

struct ServeProgram : ServeProcess {
  void start(std::vector<std::string> more = {}) {
    more.insert(more.end(), {"--backend", "cpu"});
    ServeProcess::start(std::move(more));
  }
};

TEST_F(ServeProgram, IsReadyWithinASecondAndSaysWhatItIs) {
  for (int tries = 0; tries < 3 && (process_ == 0 || ready_ >= std::chrono::seconds(1)); ++tries) {
    end();  // the best of some tries, for machines that are busy
    start();
  }
  EXPECT_LT(ready_, std::chrono::seconds(1));
  const Json health = *Json::parse(shell("curl -s $URL/health"), "health");
  EXPECT_EQ(*health.find("status")->string(), "healthy");
  EXPECT_EQ(*health.find("backend")->string(), "cpu");
  EXPECT_EQ(health.find("device")->integer(), -1);
  EXPECT_EQ(*health.find("architecture")->string(), "qwen2");
  EXPECT_EQ(*health.find("quant_kind")->string(), "Q4_K_M");
  EXPECT_EQ(health.find("load_percent")->integer(), 100);
}

TEST_F(ServeProgram, CurlGetsTheIdsOfTheCommandLineGreedyAndSampled) {
  start();
  for (const auto& [fields, options] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {R"("temperature":0)", {"-t", "0"}},
           {R"("temperature":0.8,"top_k":40,"top_p":0.95,"repetition_penalty":1.1,"seed":11)",
            {"-t", "0.8", "--top-k", "40", "--top-p", "0.95", "--repetition-penalty", "1.1", "--seed",
             "11"}}}) {
    const std::string stream =
        post("/execute", execute_body(cat(",\"max_tokens\":40,\"return_token_ids\":true,", fields)));
    std::vector<std::string> arguments = {
        "generate", "--json", "-n", "40", "-c", "Write a haiku about rain that includes the word \"six\""};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(cat("[", ids_in(stream), "]"), kigo(arguments).json().find("ids")->dump()) << stream;
  }
}

TEST_F(ServeProgram, CurlSeesEveryErrorOfARequest) {
  start();
  const std::string answer =
      post("/execute", R"({"job_id":"a b","prompt":"","temperature":3})", "-i -H 'X-Correlation-ID: req-7'");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400")) << answer;
  EXPECT_NE(answer.find("X-Correlation-ID: req-7"), std::string::npos);
  for (const char* field : {"\"field\":\"job_id\"", "\"field\":\"prompt\"", "\"field\":\"temperature\""})
    EXPECT_NE(answer.find(field), std::string::npos) << answer;
}

/// Non-zero when something is not as OpenAI's clients expect it.
constexpr const char* kOpenAi = R"py(
import sys
from openai import OpenAI, BadRequestError
client = OpenAI(base_url=sys.argv[1] + "/v1", api_key="key", max_retries=0)
model = client.models.list().data[0].id
messages = [{"role": "user", "content": 'Write a haiku about rain that includes the word "six"'}]
options = dict(model="any", messages=messages, temperature=0, max_tokens=60)
whole = client.chat.completions.create(**options)
assert whole.model == model and whole.choices[0].finish_reason in ("stop", "length"), whole
assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
text, usage, reasons = "", None, []
for chunk in client.chat.completions.create(stream=True, stream_options={"include_usage": True}, **options):
    if chunk.choices:
        text += chunk.choices[0].delta.content or ""
        reasons.append(chunk.choices[0].finish_reason)
    usage = chunk.usage or usage
assert text == whole.choices[0].message.content, (text, whole)
assert reasons[-1] == whole.choices[0].finish_reason and not any(reasons[:-1])
assert usage == whole.usage, (usage, whole.usage)
plain = client.completions.create(model="any", prompt="rain", temperature=0, max_tokens=8)
pieces = client.completions.create(model="any", prompt="rain", temperature=0, max_tokens=8, stream=True)
assert "".join(c.choices[0].text for c in pieces) == plain.choices[0].text
try:
    client.chat.completions.create(**{**options, "temperature": 9})
    sys.exit("temperature 9 was taken")
except BadRequestError as error:
    assert error.code == "INVALID_REQUEST" and error.param == "temperature", error.body
print("done", repr(text))
)py";

TEST_F(ServeProgram, OpenAisPythonPackageUnderstandsIt) {
  const char* named = std::getenv("KIGO_PYTHON");
  const std::string python = named != nullptr ? named : "python3";
  if (std::system(cat(python, " -c 'import openai' 2> /dev/null").c_str()) != 0)
    GTEST_SKIP() << python << " lacks openai; KIGO_PYTHON names another";
  write("key", "key\n");
  start({"--api-key-file", path("key")});
  write("client.py", kOpenAi);
  EXPECT_TRUE(shell(cat("NO_PROXY=127.0.0.1 ", python, " ", path("client.py"), " $URL")).starts_with("done"));
  EXPECT_NE(shell("curl -s $URL/v1/models").find("UNAUTHORIZED"), std::string::npos);
}

/// A prompt of single tokens and no end: as long a job as the model's context allows.
constexpr const char* kLong = R"({"job_id":"long","prompt_tokens":[5],"max_tokens":500,"ignore_eos":true})";

TEST_F(ServeProgram, SigtermLetsTheRunningJobFinishAndSendsTheOthersAway) {
  start();
  write("long.json", R"({"job_id":"j","prompt_tokens":[5],"max_tokens":100,"ignore_eos":true})");
  const std::string curl = cat("curl -sN -H 'Content-Type: application/json' --data-binary @",
                               path("long.json"), " ", url_, "/execute > ", path("long"), " &");
  ASSERT_EQ(std::system(curl.c_str()), 0);
  for (int i = 0; i < 2000; ++i) {
    const auto stream = read_text_file(path("long"));
    if (stream && stream->find("event: token") != std::string::npos) break;
    std::this_thread::sleep_for(milliseconds(2));
  }
  send_signal(SIGTERM);
  std::this_thread::sleep_for(milliseconds(60));
  EXPECT_EQ(exit_within(std::chrono::seconds(40)), 0);
  std::string stream;  // curl may still be writing what the worker has sent
  for (int i = 0; i < 1000 && stream.find("event: end") == std::string::npos; ++i) {
    std::this_thread::sleep_for(milliseconds(2));
    stream = *read_text_file(path("long"));
  }
  EXPECT_NE(stream.find("event: end"), std::string::npos) << stream;
  EXPECT_NE(errors().find("\"event\":\"shutdown\""), std::string::npos);
}

TEST_F(ServeProgram, ASecondSignalEndsTheRunningJob) {
  start({"--max-tokens-out", "500"});
  write("long.json", kLong);
  ASSERT_EQ(std::system(cat("curl -sN -H 'Content-Type: application/json' --data-binary @", path("long.json"),
                            " ", url_, "/execute > ", path("long"), " &")
                            .c_str()),
            0);
  for (int i = 0; i < 2000 && (!read_text_file(path("long")) || read_text_file(path("long"))->empty()); ++i)
    std::this_thread::sleep_for(milliseconds(2));
  send_signal(SIGTERM);
  std::this_thread::sleep_for(milliseconds(20));
  send_signal(SIGINT);
  EXPECT_EQ(exit_within(std::chrono::seconds(2)), 0);
}

TEST_F(ServeProgram, StopsWithinSecondsWithoutAJob) {
  start();
  send_signal(SIGTERM);
  EXPECT_EQ(exit_within(std::chrono::seconds(5)), 0);
}

TEST_F(ServeProgram, StopsWhenARouteAsks) {
  start();
  EXPECT_NE(shell("curl -s -X POST $URL/shutdown").find("\"state\":\"stopping\""), std::string::npos);
  EXPECT_EQ(exit_within(std::chrono::seconds(5)), 0);
}

TEST_F(ServeProgram, APortThatIsTakenIsStatus4) {
  start();
  const Ran ran = kigo({"serve", "-m", shipped_model(), "--port", url_.substr(url_.rfind(':') + 1)});
  EXPECT_EQ(ran.exit, 4);
  EXPECT_NE(ran.err.find("cannot bind"), std::string::npos) << ran.err;
}

TEST_F(ServeProgram, AModelThatIsNoneIsStatus1WithTheReasonLast) {
  write("bad.gguf", "no model");
  const Ran ran = kigo({"serve", "-m", "bad.gguf", "--port", "0", "--backend", "cpu"});
  EXPECT_EQ(ran.exit, 1);
  const size_t last = ran.err.rfind("\nerror MODEL_LOAD_FAILED: ");
  ASSERT_NE(last, std::string::npos) << ran.err;
  EXPECT_EQ(ran.err.find('\n', last + 1), ran.err.size() - 1);
  EXPECT_EQ(kigo({"serve", "-m", "absent.gguf", "--port", "0"}).exit, 1);
}

class ServeUsage : public ServeProgram, public testing::WithParamInterface<std::vector<std::string>> {};
INSTANTIATE_TEST_SUITE_P(
    Options, ServeUsage,
    testing::Values(
        std::vector<std::string>{"--port", "80"}, std::vector<std::string>{"--port", "65536"},
        std::vector<std::string>{"--queue", "1025"}, std::vector<std::string>{"--queue", "-1"},
        std::vector<std::string>{"--http-threads", "20"}, std::vector<std::string>{"--max-context", "15"},
        std::vector<std::string>{"--host", "0.0.0.0"}, std::vector<std::string>{"--backend", "gpu"},
        std::vector<std::string>{"--inference-timeout-s", "0"}, std::vector<std::string>{"--api-key", "a b"},
        std::vector<std::string>{"--alias", ""}, std::vector<std::string>{"--callback-url", "ftp://a"},
        std::vector<std::string>{"--no-such-option"}));

TEST_P(ServeUsage, IsStatus2) {
  std::vector<std::string> arguments = {"serve", "-m", shipped_model()};
  arguments.insert(arguments.end(), GetParam().begin(), GetParam().end());
  const Ran ran = kigo(arguments);
  EXPECT_EQ(ran.exit, 2) << ran.err;
  EXPECT_NE(ran.err.find(GetParam().front() == "--api-key" ? "API key" : GetParam().front()),
            std::string::npos)
      << ran.err;
}

/// Answers one request, and writes its body into a file.
constexpr const char* kListener = R"py(
import http.server, sys
class Once(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        open(sys.argv[2], "wb").write(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(204); self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Once)
open(sys.argv[1], "w").write(str(server.server_port) + "\n")
server.timeout = 20
server.handle_request()
)py";

TEST_F(ServeProgram, TellsWhoeverStartedItThatItIsReady) {
  write("listen.py", kListener);
  ASSERT_EQ(
      std::system(cat("python3 ", path("listen.py"), " ", path("port"), " ", path("told"), " 2> /dev/null &")
                      .c_str()),
      0);
  const auto content = [&](const std::string& name) {
    for (int i = 0; i < 2000; ++i) {
      if (const auto text = read_text_file(path(name)); text && !text->empty()) return *text;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return std::string();
  };
  const std::string port = content("port");
  start({"--worker-id", "w1", "--callback-url", cat("http://127.0.0.1:", std::atoi(port.c_str()), "/ready")});
  const std::string told = content("told");
  EXPECT_TRUE(told.starts_with(cat(R"({"worker_id":"w1","uri":")", url_, R"(","vram_bytes":)"))) << told;
}

TEST_F(ServeProgram, AShorterContextIsWhatHealthSays) {
  start({"--max-context", "64", "--alias", "my-model"});
  const Json health = *Json::parse(shell("curl -s $URL/health"), "health");
  EXPECT_EQ(health.find("context_length")->integer(), 64);
  EXPECT_EQ(*health.find("model")->string(), "my-model");
}

TEST_F(ServeProgram, ACacheTooSmallForTheContextIsStatus1WithBothFigures) {
  const Ran ran = kigo({"serve", "-m", shipped_model(), "--port", "0", "--backend", "cpu", "--kv-cache-mib",
                        "1", "--max-context", "512"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(
      ran.err.find(
          "error INSUFFICIENT_VRAM: --kv-cache-mib: 1 MiB, which hold 128 positions, expected at least 512"),
      std::string::npos)
      << ran.err;
}

}  // namespace
}  // namespace kigo::tools
