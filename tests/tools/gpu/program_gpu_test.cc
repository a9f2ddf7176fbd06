// The program with --backend cuda, as a user runs it on a GPU machine.
#include "core/base/cat.h"
#include "tests/support/gpu.h"
#include "tests/tools/program.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

class GpuProgram : public ProgramTest {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(GpuProgram, VerifyPassesForTheShippedModelInEveryMode) {
  for (const auto& options : std::vector<std::vector<std::string>>{
           {}, {"--kv", "full"}, {"--prefill", "precise"}, {"--weights", "half"}}) {
    std::vector<std::string> arguments = {"verify", "--backend", "cuda"};
    arguments.insert(arguments.end(), options.begin(), options.end());
    const Ran ran = kigo(arguments);
    EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
    for (const char* stage :
         {"gpu weights", "gpu checkpoints", "gpu logits", "gpu repeat", "gpu greedy ids", "haiku"})
      EXPECT_NE(ran.out.find(stage), std::string::npos) << ran.out;
  }
}

TEST_F(GpuProgram, VerifyPassesForLlamas) {
  for (const char* name : {"llama-f16", "llama-q4_k_m", "llama-q6_k", "llama-q3_k_m"}) {
    const Ran ran = kigo({"verify", cat(golden_folder(), "/tiny/", name, ".gguf"), "--backend", "cuda",
                          "--prefill", "precise"});
    EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
    for (const char* stage : {"gpu weights", "gpu checkpoints", "gpu logits", "gpu repeat", "gpu greedy ids"})
      EXPECT_NE(ran.out.find(stage), std::string::npos) << ran.out;
  }
}

TEST_F(GpuProgram, HaikuPassesAndCanBeChecked) {
  const Ran ran = kigo({"haiku", "--backend", "cuda", "--json"});
  const Json json = ran.json();
  EXPECT_EQ(*json.find("verdict")->string(), "pass") << ran.out;
  const std::string folder = path(*json.find("folder")->string());
  EXPECT_NE((*read_text_file(folder + "/environment.json")).find("\"cuda\""), std::string::npos);
  EXPECT_EQ(kigo({"haiku", "--recheck", folder}).exit, 0);
}

TEST_F(GpuProgram, GenerateGivesTheIdsOfTheReference) {
  const std::vector<std::string> arguments = {
      "generate", "-c", "Write a haiku about rain that includes the word \"six\"", "-t", "0", "--json"};
  std::vector<std::string> cuda = arguments;
  cuda.insert(cuda.end(), {"--backend", "cuda"});
  EXPECT_EQ(*kigo(cuda).json().find("ids"), *kigo(arguments).json().find("ids"));
}

TEST_F(GpuProgram, SampledTextIsTheSameTwice) {
  const std::vector<std::string> arguments = {"generate", "-p", "rain",   "-t",        "1",
                                              "--seed",   "7",  "--json", "--backend", "cuda"};
  EXPECT_EQ(*kigo(arguments).json().find("ids"), *kigo(arguments).json().find("ids"));
}

TEST_F(GpuProgram, CompareFindsEveryCheckpointWithinItsBound) {
  for (const char* name : {"tiny-q4_k_m", "tiny-f16", "llama-q4_k_m"}) {
    const std::string model = cat(golden_folder(), "/tiny/", name, ".gguf");
    for (const char* side : {"cuda", "cuda-half", "cuda-float"}) {
      const Ran ran = kigo({"compare", "reference", side, "-m", model, "--tokens",
                            "5,17,88,21,90,4,66,300,12,13,14,15,16,8,9,10", "--steps", "3", "--chunk", "7"});
      EXPECT_EQ(ran.exit, 0) << name << ran.out << ran.err;
      EXPECT_NE(ran.out.find("verdict: equal: every checkpoint of both sides is within its bound"),
                std::string::npos)
          << ran.out;
    }
  }
}

TEST_F(GpuProgram, CaptureHoldsWhatCompareSees) {
  EXPECT_EQ(kigo({"capture", "cuda", "-p", "rain on the roof", "--steps", "1", "-o", "c"}).exit, 0);
  const Ran ran = kigo({"compare", "cuda", "c", "--repeat"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("NMSE 0,"), std::string::npos) << ran.out;
}

TEST_F(GpuProgram, ADeviceThatIsNotThereIsNamed) {
  const Ran ran = kigo({"generate", "-p", "rain", "--backend", "cuda", "--device", "999"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.err.find("999"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace kigo::tools
