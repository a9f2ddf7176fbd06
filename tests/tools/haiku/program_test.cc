// `kigo haiku --serve` and `--url` as their users meet them.
#include <fstream>

#include "tests/tools/serve_process.h"

namespace kigo::tools {
namespace {

struct HaikuProgram : ServeProcess {
  std::string folder_of(const Ran& ran) const { return path(*ran.json().find("folder")->string()); }
};

TEST_F(HaikuProgram, PassesLeavesTheFilesOfTheContractAndCanBeCheckedAgain) {
  const Ran ran = kigo({"haiku", "--serve", "--backend", "cpu", "--json"});
  ASSERT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_EQ(*ran.json().find("verdict")->string(), "pass");
  EXPECT_EQ(files(), (std::vector<std::string>{"environment.json", "metrics_snapshot.json", "reference.json",
                                               "sse_transcript.ndjson", "test_report.md", "verification.json",
                                               "worker.log"}));
  const std::string before = *read_text_file(cat(folder_of(ran), "/verification.json"));
  const std::string page = *read_text_file(cat(folder_of(ran), "/test_report.md"));
  EXPECT_EQ(kigo({"haiku", "--recheck", folder_of(ran)}).exit, 0);
  EXPECT_EQ(*read_text_file(cat(folder_of(ran), "/verification.json")), before);
  EXPECT_EQ(*read_text_file(cat(folder_of(ran), "/test_report.md")), page);
  EXPECT_TRUE(page.starts_with("# Haiku test: pass"));
  const std::string reference = cat(folder_of(ran), "/reference.json");
  std::string text = *read_text_file(reference);  // a recording that was touched is rejected
  text.replace(text.find("\"decoded\": \"") + 12, 1, "?");
  ASSERT_TRUE(write_file(reference, text));
  const Ran again = kigo({"haiku", "--recheck", folder_of(ran), "--json"});
  EXPECT_EQ(again.exit, 1);
  EXPECT_EQ(*again.json().find("engine")->string(), "fail");
  ASSERT_TRUE(write_file(reference, "{"));
  EXPECT_EQ(kigo({"haiku", "--recheck", folder_of(ran)}).exit, 1);
}

TEST_F(HaikuProgram, PutsTheKeyIntoNoFile) {
  constexpr const char* kKey = "very-secret-key";
  write("key", kKey);
  const Ran ran = kigo({"haiku", "--serve", "--backend", "cpu", "--api-key-file", "key", "--json"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_EQ((ran.out + ran.err).find(kKey), std::string::npos);
  for (const std::string& name : files()) {
    if (name == "key") continue;
    EXPECT_EQ(read_text_file(cat(folder_of(ran), "/", name))->find(kKey), std::string::npos) << name;
  }
}

TEST_F(HaikuProgram, AsksAWorkerThatRunsAndLetsItRun) {
  start({"--backend", "cpu"});
  const Ran ran = kigo({"haiku", "--url", url_, "--json"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_NE(shell("curl -s $URL/health").find("\"status\":\"healthy\""), std::string::npos);
}

TEST_F(HaikuProgram, FailsForAWorkerWithAnotherModel) {
  start({"--backend", "cpu"});
  const Ran ran =
      kigo({"haiku", "--url", url_, "--model", golden_folder() + "/tiny/tiny-q4_k_m.gguf", "--json"});
  EXPECT_EQ(ran.exit, 1) << ran.out << ran.err;
  EXPECT_EQ(*ran.json().find("engine")->string(), "fail");
}

TEST_F(HaikuProgram, TakesTheModelThatTheEnvironmentNames) {
  ::setenv("KIGO_MODEL", "qwen2.5-0.5b-instruct-q4_k_m.gguf", 1);
  const Ran absent = kigo({"haiku", "--serve", "--backend", "cpu"});
  ::unsetenv("KIGO_MODEL");
  EXPECT_EQ(absent.exit, 1);
  EXPECT_NE(absent.err.find("https://huggingface.co/Qwen/Qwen2.5-0.5B-Instruct-GGUF"), std::string::npos)
      << absent.err;
  EXPECT_NE(absent.err.find("491400032 bytes"), std::string::npos) << absent.err;
  const Ran other = kigo({"haiku", "--serve", "--model", "other.gguf"});
  EXPECT_EQ(other.exit, 1);
  EXPECT_EQ(other.error_lines(), 1u) << other.err;
  EXPECT_TRUE(files().empty());
}

TEST_F(HaikuProgram, RefusesWhatItCannotDo) {
  EXPECT_EQ(kigo({"haiku", "--serve", "--url", "http://a:1"}).exit, 2);
  EXPECT_EQ(kigo({"haiku", "--serve", "--kv", "full"}).exit, 2);
  EXPECT_EQ(kigo({"haiku", "--url", "http://a:1", "--prefill", "precise"}).exit, 2);
  for (const char* url : {"ftp://a", "http://", "http://a:1/path", "http://me:secret@a:1"}) {
    const Ran ran = kigo({"haiku", "--url", url});
    EXPECT_EQ(ran.exit, 1) << url;
    EXPECT_NE(ran.err.find("expected http://host:port"), std::string::npos) << ran.err;
  }
  EXPECT_TRUE(files().empty());
}

/// The children of a process, by their ids.
std::vector<pid_t> children_of(pid_t process) {
  std::ifstream file(cat("/proc/", process, "/task/", process, "/children"));
  std::vector<pid_t> children;
  for (pid_t child = 0; file >> child;) children.push_back(child);
  return children;
}

bool gone_within(pid_t process, milliseconds limit) {
  const auto end = Clock::now() + limit;
  while (::kill(process, 0) == 0) {
    if (Clock::now() > end) return false;
    std::this_thread::sleep_for(milliseconds(5));
  }
  return true;
}

class HaikuProgramSignal : public HaikuProgram, public testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(By, HaikuProgramSignal, testing::Values(SIGINT, SIGTERM, SIGKILL));

TEST_P(HaikuProgramSignal, LeavesNoWorkerBehind) {
  const std::string out = path("runs");
  std::vector<std::string> arguments{KIGO_PROGRAM, "haiku", "--serve", "--backend", "cpu", "--out", out};
  std::vector<char*> words;
  for (std::string& argument : arguments) words.push_back(argument.data());
  words.push_back(nullptr);
  pid_t test = 0;
  ASSERT_EQ(::posix_spawn(&test, KIGO_PROGRAM, nullptr, nullptr, words.data(), environ), 0);
  pid_t worker = 0;
  for (int i = 0; i < 4000 && worker == 0; ++i) {
    const auto children = children_of(test);
    if (!children.empty()) worker = children.front();
    std::this_thread::sleep_for(milliseconds(2));
  }
  ASSERT_GT(worker, 0);
  ::kill(test, GetParam());
  int status = 0;
  ::waitpid(test, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == GetParam());
  EXPECT_TRUE(gone_within(worker, std::chrono::seconds(5)));
}

}  // namespace
}  // namespace kigo::tools
