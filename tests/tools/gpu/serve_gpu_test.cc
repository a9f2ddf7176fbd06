// `kigo serve` on a GPU.
#include "tests/support/gpu.h"
#include "tests/tools/serve_process.h"

namespace kigo::tools {
namespace {

class GpuServe : public ServeProcess {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(GpuServe, SaysWhatItRunsOn) {
  start({"--backend", "auto"});
  const Json health = *Json::parse(shell("curl -s $URL/health"), "health");
  EXPECT_EQ(*health.find("status")->string(), "healthy");
  EXPECT_EQ(*health.find("backend")->string(), "cuda");
  EXPECT_EQ(health.find("device")->integer(), 0);
  for (const char* field : {"device_name", "sm", "cuda_runtime_version"})
    EXPECT_NE(health.find(field), nullptr) << field;
  EXPECT_GT(*health.find("vram_bytes")->find("weights")->integer(), 0);
}

TEST_F(GpuServe, GivesTheIdsOfTheCommandLineGreedyAndSampled) {
  start({"--backend", "cuda"});
  for (const auto& [fields, options] : std::vector<std::pair<std::string, std::vector<std::string>>>{
           {R"("temperature":0)", {"-t", "0"}},
           {R"("temperature":0.8,"top_k":40,"seed":11)", {"-t", "0.8", "--top-k", "40", "--seed", "11"}}}) {
    const std::string stream =
        post("/execute", execute_body(cat(",\"max_tokens\":40,\"return_token_ids\":true,", fields)));
    std::vector<std::string> arguments = {
        "generate", "--json", "--backend", "cuda",
        "-n",       "40",     "-c",        "Write a haiku about rain that includes the word \"six\""};
    arguments.insert(arguments.end(), options.begin(), options.end());
    EXPECT_EQ(cat("[", ids_in(stream), "]"), kigo(arguments).json().find("ids")->dump()) << stream;
  }
}

TEST_F(GpuServe, ChecksItselfWhileItIsIdle) {
  start({"--backend", "cuda", "--residency-check-s", "1"});
  std::this_thread::sleep_for(std::chrono::seconds(3));
  EXPECT_NE(shell("curl -s $URL/metrics").find("worker_self_checks_total{result=\"pass\"}"),
            std::string::npos);
  EXPECT_NE(shell("curl -s $URL/health").find("\"status\":\"healthy\""), std::string::npos);
}

TEST_F(GpuServe, StopsAtSigterm) {
  start({"--backend", "cuda"});
  send_signal(SIGTERM);
  EXPECT_EQ(exit_within(std::chrono::seconds(5)), 0);
}

TEST_F(GpuServe, ADeviceThatIsNotThereIsStatus1) {
  const Ran ran =
      kigo({"serve", "-m", shipped_model(), "--port", "0", "--backend", "cuda", "--gpu-device", "999"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.err.find("\nerror INVALID_DEVICE: "), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace kigo::tools
