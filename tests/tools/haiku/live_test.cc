// The haiku test against a real worker, and against those that cheat: each must fail where it should.
#include <sys/wait.h>

#include <thread>

#include "core/base/file_map.h"
#include "tests/tools/haiku/live.h"
#include "tests/tools/haiku/mutations.h"
#include "tests/tools/haiku/passing_run.h"
#include "tests/tools/haiku/stub_worker.h"
#include "tools/lib/haiku/child_server.h"

namespace kigo::tools {
namespace {

TEST_F(LiveHaiku, PassesWithARealWorkerAndRejectsEveryChangeOfItsRun) {
  const HttpRun passed = run(options());
  EXPECT_EQ(verdict(passed), "pass") << report(passed);
  const auto files = read_run(passed.folder);
  ASSERT_TRUE(files) << files.error().message();
  ASSERT_EQ(failures(*files, lexicon_), "pass");
  for (const Mutation& mutation : mutations()) {
    RunFiles changed = *files;
    mutation.apply(changed);
    EXPECT_EQ(failures(changed, lexicon_), mutation.failures) << mutation.name;
  }
}

TEST_F(LiveHaiku, FailsAStubWithACannedPoemByItsIdsAlone) {
  const RunFiles real = passing_run();
  Json health = *real.metrics.find("health")->find("before");
  health = with(health, "vocab_size", truth_->tokenizer().size());
  StubWorker stub(truth_->tokenizer(), health, lexicon_);
  const TinyHttp server([&](const TinyRequest& request) { return stub.reply(request); });
  const HttpRun run = run_against(server.url());
  EXPECT_EQ(failed(run), "ids challenge") << report(run);
  EXPECT_EQ(verdict(run, "poem"), "pass") << report(run);  // who only reads the poem is taken in
  EXPECT_EQ(verdict(run), "fail");
}

TEST_F(LiveHaiku, FailsAReplayByItsIdentityAndPatchedByTheChallenge) {
  const auto real = read_run(run(options()).folder);
  ASSERT_TRUE(real) << real.error().message();
  for (const bool patched : {false, true}) {
    Replay replay(truth_->tokenizer(), *real, patched);
    const TinyHttp server([&](const TinyRequest& request) { return replay.reply(request); });
    const HttpRun run = run_against(server.url());
    const std::string names = cat(" ", failed(run), " ");
    EXPECT_NE(names.find(" challenge "), std::string::npos) << report(run);
    EXPECT_EQ(names.find(" identity ") != std::string::npos, !patched) << report(run);
    for (const char* right : {" stream ", " health ", " metrics ", " time "})
      EXPECT_EQ(names.find(right), std::string::npos) << report(run);
    EXPECT_EQ(verdict(run), "fail");
  }
}

/// Asks thrice, records all, and blames the poem alone.
TEST_F(LiveHaiku, AsksThriceForAPoemThatMisses) {
  const auto run = run_over_http(*truth_, options(), Lexicon());  // which knows no word's syllables
  ASSERT_TRUE(run) << run.error().message();
  EXPECT_EQ(run->verification.find("attempts")->items()->size(), 3u);
  EXPECT_EQ(verdict(*run, "engine"), "pass") << report(*run);
  EXPECT_EQ(verdict(*run), "fail");
}

TEST_F(LiveHaiku, AsksOnceMoreWhenTheMinuteChangesAndIsThenUndecided) {
  HttpRunOptions asked = options();
  // The clock is read for the folder's name, then at each question and at its end.
  asked.clock = [calls = 0]() mutable {
    return *parse_iso_time("2026-01-02T03:00:00Z") + std::chrono::minutes(calls++ / 2);
  };
  asked.nonce = [] { return std::string("k3j9x0aa"); };
  const HttpRun run = this->run(asked);
  EXPECT_EQ(run.verification.find("attempts")->items()->size(), 2u) << report(run);
  EXPECT_EQ(verdict(run, "engine"), "pass") << report(run);
  EXPECT_EQ(verdict(run), "undecided");
}

TEST_F(LiveHaiku, LeavesNothingWhenNobodyAnswers) {
  HttpRunOptions asked = options();
  asked.url = "http://127.0.0.1:1";
  const auto run = run_over_http(*truth_, asked, lexicon_);
  ASSERT_FALSE(run);
  EXPECT_EQ(run.error().code, Code::io);
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

TEST_F(LiveHaiku, TouchesNoRunThatIsThere) {
  HttpRunOptions asked = options();
  asked.nonce = [] { return std::string("k3j9x0aa"); };
  const std::string there = cat(folder_, "/20260102T030705Z-k3j9x0aa");
  std::filesystem::create_directories(there);
  ASSERT_TRUE(write_file(cat(there, "/worker.log"), "old"));
  const auto run = run_over_http(*truth_, asked, lexicon_);
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message().find("it is there"), std::string::npos) << run.error().message();
  EXPECT_EQ(*read_text_file(cat(there, "/worker.log")), "old");
}

TEST_F(LiveHaiku, AWorkerThatCannotStartIsAnErrorWithItsLastWords) {
  HttpRunOptions asked = options();
  asked.backend = "none";
  const auto run = run_over_http(*truth_, asked, lexicon_);
  ASSERT_FALSE(run);
  EXPECT_NE(run.error().message().find("exit status 2"), std::string::npos) << run.error().message();
  EXPECT_FALSE(std::filesystem::exists(folder_));
}

ChildOptions shell(const std::string& script, const std::string& log) {
  ChildOptions child;
  child.argv = {"/bin/sh", "-c", script};
  child.log = log;
  child.ready_limit = std::chrono::seconds(2);
  return child;
}

class Child : public testing::Test {
 protected:
  ~Child() override { std::filesystem::remove(log_); }
  const std::string log_ =
      cat(std::filesystem::temp_directory_path().string(), "/kigo_child.", static_cast<int64_t>(::getpid()));
};

bool alive(pid_t process) { return ::kill(process, 0) == 0; }

TEST_F(Child, IsGoneWithItsObject) {
  pid_t process = 0;
  {
    const auto child = ChildServer::start(shell("echo '{\"ready\":\"http://a\"}'; exec sleep 60", log_));
    ASSERT_TRUE(child) << child.error().message();
    EXPECT_EQ((*child)->url(), "http://a");
    process = (*child)->process();
    EXPECT_TRUE(alive(process));
  }
  EXPECT_FALSE(alive(process));
}

TEST_F(Child, ThatDoesNotStopIsKilled) {
  const auto child = ChildServer::start(
      shell("trap '' TERM; echo '{\"ready\":\"http://a\"}'; while :; do sleep 0.1; done", log_));
  ASSERT_TRUE(child) << child.error().message();
  const pid_t process = (*child)->process();
  EXPECT_EQ((*child)->stop(std::chrono::seconds(1)), -1);
  EXPECT_FALSE(alive(process));
}

TEST_F(Child, ThatIsNotReadyInTimeIsAnError) {
  const auto child = ChildServer::start(shell("exec sleep 60", log_));
  ASSERT_FALSE(child);
  EXPECT_NE(child.error().message().find("not ready in 2 s"), std::string::npos) << child.error().message();
}

TEST_F(Child, ThatSaysNothingSensibleIsAnError) {
  EXPECT_FALSE(ChildServer::start(shell("echo ready", log_)));
  const auto none = ChildServer::start(shell("echo why >&2; exit 3", log_));
  ASSERT_FALSE(none);
  EXPECT_NE(none.error().message().find("exit status 3, why"), std::string::npos) << none.error().message();
}

}  // namespace
}  // namespace kigo::tools
