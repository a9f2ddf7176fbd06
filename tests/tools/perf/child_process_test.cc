// A child ends with its parent, and what it started with it.
#include "tools/lib/child_process.h"

#include "tests/tools/perf/fake_programs.h"

namespace kigo::tools::perf {
namespace {

using std::chrono::milliseconds;

Deadline after(int64_t ms) { return std::chrono::steady_clock::now() + milliseconds(ms); }

class Child : public FakePrograms {
 protected:
  std::unique_ptr<ChildProcess> shell(const std::string& script) const {
    auto child = ChildProcess::start({{"/bin/sh", "-c", script}, {{"COLOUR", "red"}}, path("errors")});
    EXPECT_TRUE(child) << child.error().message();
    return std::move(*child);
  }
  std::string heard(ChildProcess& child) const {
    std::string line;
    EXPECT_EQ(child.read_line(line, after(5000)), Heard::line);
    return line;
  }
  /// Whether it is gone soon: the system takes a moment after the signal.
  static bool goes(pid_t process) {
    for (int i = 0; i < 500 && alive(process); ++i) ::usleep(10'000);
    return !alive(process);
  }
};

TEST_F(Child, AnswersLineByLine) {
  const auto child = shell("while read line; do echo \"$COLOUR $line\"; done; echo end");
  EXPECT_TRUE(child->write("a\nb\n", after(1000)));
  EXPECT_EQ(heard(*child), "red a");
  EXPECT_EQ(heard(*child), "red b");
  std::string line;
  EXPECT_EQ(child->read_line(line, after(50)), Heard::silent);
  child->close_input();
  EXPECT_EQ(heard(*child), "end");
  EXPECT_EQ(child->read_line(line, after(5000)), Heard::ended);
  EXPECT_EQ(child->wait(after(5000)), 0);
}

TEST_F(Child, ThatEndedTakesNoMore) {
  const auto child = shell("exit 4");
  EXPECT_EQ(child->wait(after(5000)), 4);
  EXPECT_FALSE(child->write("a\n", after(1000)));
  EXPECT_EQ(child->stop(SIGTERM, milliseconds(0)), -1);
  EXPECT_EQ(child->how_it_ended(), "exit status 4, ");
}

TEST_F(Child, TakesWhatItStartedWithIt) {
  const auto child = shell("sleep 60 & echo $!; wait");
  const pid_t grandchild = std::stoi(heard(*child));
  EXPECT_TRUE(alive(grandchild));
  child->stop(SIGTERM, milliseconds(2000));
  EXPECT_TRUE(goes(grandchild));
}

TEST_F(Child, ThatIgnoresASignalIsKilled) {
  const auto child = shell("trap '' TERM; echo ready; while :; do sleep 0.05; done");
  heard(*child);
  EXPECT_EQ(child->stop(SIGTERM, milliseconds(200)), -1);
  EXPECT_EQ(child->how_it_ended(), "signal 9, ");
}

}  // namespace
}  // namespace kigo::tools::perf
