// The haiku test against a worker that has the fault which is on here: `kigo serve` of this build, or, for
// F54, a stub in its place. The test's own truth has no faults.
#include <algorithm>
#include <cstdlib>

#include "core/base/fault.h"
#include "core/base/file_map.h"
#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "tests/tools/haiku/live.h"
#include "tests/tools/haiku/stub_worker.h"
#include "tests/tools/program.h"
#include "tools/lib/engine.h"

namespace kigo::tools {
namespace {

bool has(const std::string& names, const std::string& name) {
  return cat(" ", names, " ").find(cat(" ", name, " ")) != std::string::npos;
}

class HaikuOverHttp : public LiveHaiku {};

TEST_F(HaikuOverHttp, AWorkerPassesEveryCheckOfTheEngine) {
  const HttpRun run = this->run(options());
  EXPECT_EQ(failed(run), "") << report(run);
}

/// An untrained model writes bytes of which characters are made only now and then.
TEST_F(HaikuOverHttp, AnUntrainedModelsTextIsItsIdsDecodedAtOnce) {
  const auto truth = *Truth::open(cat(golden_folder(), "/tiny/tiny-f16.gguf"));
  const auto run = run_over_http(*truth, options(), lexicon_);
  ASSERT_TRUE(run) << run.error().message();
  for (const char* check : {"text", "stream", "ids", "challenge"})
    EXPECT_FALSE(has(failed(*run), check)) << check;
}

/// The model that ships, with another end token that its chat format does not name: one in the middle of what
/// it answers.
TEST_F(HaikuOverHttp, AnAnswerEndsWhereTheFilesOwnEndTokenStands) {
  HttpRunOptions asked = options();
  asked.nonce = [] { return std::string("k3j9x0aa"); };
  const auto files = read_run(run(asked).folder);
  ASSERT_TRUE(files) << files.error().message();
  const auto eos = static_cast<uint32_t>(read_answer(files->exchanges.front()).ids.at(5));
  const FileMap shipped = *FileMap::open(shipped_model());
  const std::string path = cat(folder_, "/changed.gguf");
  {
    const fault::Suspended off;
    gguf::File file = *gguf::read(shipped.bytes());
    std::ranges::find(file.metadata, "tokenizer.ggml.eos_token_id", &gguf::Pair::key)->value = eos;
    ASSERT_TRUE(write_file(path, *gguf::write(file)));
  }
  const auto truth = *Truth::open(path);
  asked.out = cat(folder_, "/changed");
  const auto changed = run_over_http(*truth, asked, lexicon_);
  ASSERT_TRUE(changed) << changed.error().message();
  EXPECT_EQ(failed(*changed), "") << report(*changed);
  const auto answer = read_answer(read_run(changed->folder)->exchanges.front());
  EXPECT_LE(answer.ids.size(), 5u);
  EXPECT_EQ(text_of(answer.end, "stop_reason"), "EOS");
}

TEST_F(HaikuOverHttp, AWorkerOnAGpuPassesEveryCheckOfTheEngine) {
  const Status gpu = probe_cuda(0);
  if (!gpu) GTEST_SKIP() << "NOT RUN: " << gpu.error().message();
  HttpRunOptions asked = options();
  asked.backend = "cuda";
  const HttpRun run = this->run(asked);
  EXPECT_EQ(failed(run), "") << report(run);
}

class TheWorker : public LiveHaiku {};

TEST_F(TheWorker, GivesTheReferencesIds) {
  HttpRun run;
  if (KIGO_FAULT(F54)) {
    const Json health = Json::object({{"status", "healthy"},
                                      {"backend", "cpu"},
                                      {"device", -1},
                                      {"architecture", "qwen2"},
                                      {"vocab_size", truth_->tokenizer().size()},
                                      {"resident", true}});
    StubWorker stub(truth_->tokenizer(), health, lexicon_);
    const TinyHttp server([&](const TinyRequest& request) { return stub.reply(request); });
    run = run_against(server.url());
    EXPECT_EQ(failed(run), "ids challenge") << "and nowhere else: the stub knows how a worker talks";
    EXPECT_EQ(verdict(run, "poem"), "pass");
  } else {
    run = this->run(options());
  }
  EXPECT_FALSE(has(failed(run), "ids"));
}

/// The other rope pairing on both sides of every comparison that the worker could make itself.
class HaikuControls : public LiveHaiku {};

TEST_F(HaikuControls, ARealWorkerWithTheOtherRopePairingFailsAtItsIds) {
  HttpRunOptions asked = options();
  asked.environment = {{"KIGO_FAULT", "F75"}};
  const HttpRun run = this->run(asked);
  EXPECT_TRUE(has(failed(run), "ids") || has(failed(run), "challenge")) << report(run);
  for (const char* check : {"stream", "text", "identity", "repeat", "metrics", "health", "exit"})
    EXPECT_FALSE(has(failed(run), check)) << report(run);
  EXPECT_EQ(verdict(run), "fail");
}

class HaikuProgramWithAFault : public ProgramTest {};

TEST_F(HaikuProgramWithAFault, HasATruthWithoutIt) {
  ::setenv("KIGO_FAULT", "F75", 1);
  const Ran ran = kigo({"haiku", "--serve", "--backend", "cpu"});
  ::unsetenv("KIGO_FAULT");
  EXPECT_EQ(ran.exit, 1) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("fail: engine fail"), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace kigo::tools
