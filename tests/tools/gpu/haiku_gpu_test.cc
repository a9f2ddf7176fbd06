// The haiku test against a worker on a GPU.
#include "tests/support/gpu.h"
#include "tests/tools/program.h"

namespace kigo::tools {
namespace {

class GpuHaiku : public ProgramTest {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(GpuHaiku, AWorkerOnAGpuPassesAndCanBeChecked) {
  const Ran ran = kigo({"haiku", "--serve", "--backend", "cuda", "--json"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  const std::string folder = path(*ran.json().find("folder")->string());
  const std::string environment = *read_text_file(cat(folder, "/environment.json"));
  EXPECT_NE(environment.find("\"backend\": \"cuda\""), std::string::npos) << environment;
  const std::string before = *read_text_file(cat(folder, "/verification.json"));
  EXPECT_EQ(kigo({"haiku", "--recheck", folder}).exit, 0);
  EXPECT_EQ(*read_text_file(cat(folder, "/verification.json")), before);
}

}  // namespace
}  // namespace kigo::tools
