// Where the output goes wrong: a full disk, a closed or odd place to write to, a file that shrinks under us.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <thread>

#include "core/base/json.h"
#include "tests/tools/program.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

class Output : public ProgramTest {
 protected:
  std::string tiny() const { return golden_folder() + "/tiny/tiny-q4_k_m.gguf"; }

  /// Runs a shell script, in which $KIGO is the program, in the test's folder.
  Ran script(const std::string& text) const {
    const std::string file = write("script.sh", text);
    const int status =
        std::system(cat("cd '", path(""), "' && KIGO='", KIGO_PROGRAM, "' sh ", file, " 2> .err").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, "", *read_text_file(path(".err"))};
  }
};

TEST_F(Output, ThatIsLostIsAnError) {
  const std::vector<std::string> commands{"inspect " + tiny(),
                                          "tokenize hi --json",
                                          "logits --tokens 1",
                                          "generate -p hi -n 2",
                                          "generate -p hi -n 2 --stream",
                                          "make-model --out m.gguf",
                                          "--help"};
  for (const std::string& command : commands) {
    for (const char* lost : {"> /dev/full", ">&-"}) {
      const Ran ran = script(cat("\"$KIGO\" ", command, " ", lost));
      EXPECT_EQ(ran.exit, 1) << command << lost;
      EXPECT_NE(ran.err.find("kigo: standard output: cannot write"), std::string::npos) << command << lost;
    }
  }
}

/// Starts the program, waits until it writes, and sends it the signal. Returns how it ended.
class Interrupted : public Output {
 protected:
  int ended_by(int signal) const {
    const pid_t child = ::fork();
    if (child == 0) {
      std::signal(signal, SIG_DFL);
      const std::string out = path("large.gguf");
      const int null = ::open("/dev/null", O_RDWR);
      ::dup2(null, STDOUT_FILENO), ::dup2(null, STDERR_FILENO);
      ::execl(KIGO_PROGRAM, KIGO_PROGRAM, "make-model", "--shape", "qwen2.5-7b", "--out", out.c_str(),
              nullptr);
      ::_exit(127);
    }
    for (int tries = 0; tries < 1000 && files().empty(); ++tries)
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    EXPECT_EQ(files(), std::vector<std::string>{cat("large.gguf.tmp.", child)});
    EXPECT_EQ(::kill(child, signal), 0);
    int status = 0;
    EXPECT_EQ(::waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  }
};
TEST_F(Interrupted, LeavesNothingBehind) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    EXPECT_EQ(ended_by(signal), signal);
    EXPECT_EQ(files(), std::vector<std::string>{});
  }
}
TEST_F(Interrupted, KeepsTheFileThatWasThere) {
  write("large.gguf", "old");
  const Ran ran = script(
      "\"$KIGO\" make-model --shape qwen2.5-7b --out large.gguf > /dev/null & pid=$!\n"
      "while [ ! -e large.gguf.tmp.$pid ]; do sleep 0.01; done\n"
      "kill -TERM $pid; wait $pid");
  EXPECT_EQ(ran.exit, 128 + SIGTERM);
  EXPECT_EQ(files(), (std::vector<std::string>{"large.gguf", "script.sh"}));
  EXPECT_EQ(*read_text_file(path("large.gguf")), "old");
}

TEST_F(Output, NeverReplacesWhatIsNoRegularFile) {
  ASSERT_EQ(::mkfifo(path("pipe").c_str(), 0600), 0);
  for (const Ran& ran :
       {kigo({"make-model", "--out", "pipe"}), kigo({"logits", "--tokens", "1", "-o", "pipe"})}) {
    EXPECT_EQ(ran.exit, 1);
    EXPECT_NE(ran.err.find("pipe: is a device or pipe, expected a regular file"), std::string::npos)
        << ran.err;
  }
  EXPECT_TRUE(std::filesystem::is_fifo(path("pipe")));
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_F(Output, GoesWhereASymbolicLinkPoints) {
  write("old.gguf", "old");
  std::filesystem::create_symlink("old.gguf", path("link.gguf"));
  EXPECT_EQ(kigo({"make-model", "--out", "link.gguf"}).exit, 0);
  EXPECT_TRUE(std::filesystem::is_symlink(path("link.gguf")));
  EXPECT_GT(std::filesystem::file_size(path("old.gguf")), 1000u);
  std::filesystem::create_symlink("nowhere", path("dangling"));
  const Ran ran = kigo({"logits", "--tokens", "1", "--out", "dangling"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.err.find("dangling: is a symbolic link to nothing"), std::string::npos) << ran.err;
  EXPECT_TRUE(std::filesystem::is_symlink(path("dangling")));
}

TEST_F(Output, KeepsTheModeOfTheFileItReplaces) {
  using enum std::filesystem::perms;
  for (const auto mode : {owner_read | owner_write, owner_read | owner_write | group_read | group_write}) {
    std::filesystem::permissions(write("old.gguf", "old"), mode);
    EXPECT_EQ(kigo({"make-model", "--out", "old.gguf"}).exit, 0);
    EXPECT_EQ(std::filesystem::status(path("old.gguf")).permissions(), mode);
  }
}

TEST_F(Output, KeepsEveryByteOfGeneratedText) {
  // Token 188 of this vocabulary is the byte 0.
  const std::vector<std::string> arguments{"generate", "--model", tiny(), "--tokens", "1",   "-t",
                                           "2",        "--seed",  "3",    "-n",       "400", "--ignore-eos"};
  auto as_json = arguments;
  as_json.push_back("--json");
  const std::string text = *kigo(as_json).json().find("text")->string();
  ASSERT_NE(text.find('\0'), std::string::npos);
  EXPECT_EQ(kigo(arguments).out, text + "\n");
}

#ifndef KIGO_SANITIZED  // sanitizers need more than any limit
TEST_F(Output, EndsInOneLineWhenMemoryIsShort) {
  write("long.jsonl", cat("{\"text\": \"", std::string(10'000'000, 'a'), "\"}\n"));
  // 100 MB on top of what the program needs to start: its libraries are large in a build with CUDA.
  const Ran ran = script(
      "for limit in $(seq 100000 100000 8000000); do\n"
      "  (ulimit -v $limit; \"$KIGO\" --help > /dev/null 2>&1) && break\n"
      "done 2> /dev/null\n"
      "ulimit -v $((limit + 100000)); \"$KIGO\" tokenize --jsonl long.jsonl > /dev/null");
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.err, "kigo: text: no memory for the ids of 10000000 bytes (out_of_memory)\n");
}
#endif

TEST_F(Output, EndsInOneLineWhenTheModelShrinks) {
  ASSERT_TRUE(std::filesystem::copy_file(shipped_model(), path("m.gguf")));
  const Ran ran = script(
      "\"$KIGO\" generate -m m.gguf -p hi -n 100000 --ignore-eos --stream > text & id=$!\n"
      "while ! [ -s text ] && kill -0 $id; do sleep 0.01; done\n"
      ": > m.gguf\n"
      "wait $id\n");
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
  EXPECT_TRUE(ran.err.starts_with("kigo: ")) << ran.err;
  EXPECT_NE(ran.err.find("shorter"), std::string::npos) << ran.err;
}

}  // namespace
}  // namespace kigo::tools
