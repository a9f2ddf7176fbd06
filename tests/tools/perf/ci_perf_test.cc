// ci/perf from measuring to its exit status, with programs that measure nothing in folders like builds.
#include <sys/wait.h>

#include <cstdlib>

#include "tests/tools/perf/fake_programs.h"

namespace kigo::tools::perf {
namespace {

class CiPerf : public FakePrograms {
 protected:
  CiPerf() {
    for (const char* build : {"head", "base", "bin", "history"})
      std::filesystem::create_directory(path(build));
    std::filesystem::create_symlink(KIGO_PROGRAM, path("head/kigo"));
    // A machine without a GPU, wherever the test runs.
    std::filesystem::create_symlink("/bin/false", path("bin/nvidia-smi"));
  }

  /// A dozen names of `us`, of which one may say something else.
  static std::string names(double first_us, const std::string& first = {}) {
    std::string all;
    for (int i = 0; i < 12; ++i)
      all += cat(i == 0 ? "" : ", ", R"({"name": "cpu/k)", i, R"(", "spread": 0.002, "us": )",
                 i == 0 ? first_us : 100, i == 0 ? first : "", "}");
    return all;
  }

  int ci_perf(const std::string& arguments) {
    const std::string command = cat("PATH=", path("bin"), ":$PATH; export PATH; exec ", KIGO_SOURCE_DIR,
                                    "/ci/perf ", arguments, " > ", path("said"), " 2>&1");
    const int status = std::system(command.c_str());
    said_ = read_text_file(path("said")).value_or("");
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int compare() {
    return ci_perf(cat("--cpu --no-build --quick --head-dir ", path("head"), " --base-dir ", path("base"),
                       " --history ", path("history"), " --out ", path("out")));
  }

  std::string said_;
};

TEST_F(CiPerf, PassesABuildThatIsTheSame) {
  program("base/kigo_bench", names(100));
  program("head/kigo_bench", names(100));
  EXPECT_EQ(compare(), 0) << said_;
  EXPECT_NE(said_.find("ci/perf: passed"), std::string::npos) << said_;
  for (const char* file : {"base.jsonl", "head.jsonl", "compare.md", "perf.html", "perf.md"})
    EXPECT_TRUE(std::filesystem::exists(path(cat("out/", file)))) << file;
  EXPECT_EQ(compare(), 2) << "the folder is not empty: " << said_;
}

TEST_F(CiPerf, FailsOnAKernelThatBecameSlower) {
  program("base/kigo_bench", names(100));
  program("head/kigo_bench", names(110));
  EXPECT_EQ(compare(), 1) << said_;
  EXPECT_NE(said_.find("FAILED: SLOW or INVALID"), std::string::npos) << said_;
  EXPECT_NE(said_.find("k0"), std::string::npos) << said_;
  EXPECT_TRUE(std::filesystem::exists(path("out/perf.html"))) << "also, and just then";
}

TEST_F(CiPerf, FailsOnWhatCouldNotBeMeasured) {
  program("base/kigo_bench", names(100));
  program("head/kigo_bench", names(100, R"(, "do": "invalid")"));
  EXPECT_EQ(compare(), 1) << said_;
  EXPECT_NE(said_.find("FAILED: kigo_bench: not everything was measured"), std::string::npos) << said_;
  EXPECT_NE(said_.find("above the limit of the hardware"), std::string::npos) << said_;
}

TEST_F(CiPerf, MeasuresAloneWithoutABase) {
  program("head/kigo_bench", names(100));
  EXPECT_EQ(ci_perf(cat("--cpu --no-build --quick --head-dir ", path("head"), " --history ", path("history"),
                        " --out ", path("out"))),
            0)
      << said_;
  EXPECT_NE(said_.find("NOT RUN: comparison with a base: there is none"), std::string::npos) << said_;
  EXPECT_NE(said_.find("compared with no base"), std::string::npos) << said_;
  EXPECT_TRUE(std::filesystem::exists(path("out/perf.html")));
}

TEST_F(CiPerf, FailsWhenTheBaseThatWasNamedCannotBeAsked) {
  program("head/kigo_bench", names(100));
  EXPECT_EQ(compare(), 1) << said_;
  EXPECT_NE(said_.find("FAILED: kigo_bench of the base: not in "), std::string::npos) << said_;
  std::filesystem::remove_all(path("out"));
  std::filesystem::create_symlink("/bin/false", path("base/kigo_bench"));
  EXPECT_EQ(compare(), 1) << said_;
  EXPECT_NE(said_.find("--list fails"), std::string::npos) << said_;
}

TEST_F(CiPerf, SaysThatItDidNotRun) {
  EXPECT_EQ(ci_perf("--no-build"), 3) << said_;
  EXPECT_NE(said_.find("NOT RUN: no NVIDIA GPU"), std::string::npos) << said_;
}

TEST_F(CiPerf, RefusesACommandLineThatItDoesNotKnow) {
  EXPECT_EQ(ci_perf("--fast"), 2) << said_;
  EXPECT_EQ(ci_perf("--base"), 2) << said_;
  EXPECT_EQ(ci_perf("--cpu --base no_such_commit"), 2) << said_;
  EXPECT_EQ(ci_perf("--cpu --no-build --base HEAD"), 2) << said_;
  for (const char* blocks : {"3", "0", "many", "-2", "''"})
    EXPECT_EQ(ci_perf(cat("--cpu --blocks ", blocks)), 2) << blocks << ": " << said_;
}

}  // namespace
}  // namespace kigo::tools::perf
