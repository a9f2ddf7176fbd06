// Built with the seeded faults in: the switch, and what a fault build says and refuses. What each fault must
// be caught by is the scorecard's to judge (`kigo faults`), which runs as a test of its own.
#include "core/base/fault.h"

#include <csignal>
#include <cstdlib>
#include <set>

#include "tests/tools/program.h"
#include "tools/lib/faults/child.h"
#include "tools/lib/faults/copies.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

/// Sets KIGO_FAULT for the program that a test starts.
class Switch {
 public:
  explicit Switch(std::string_view name) { ::setenv("KIGO_FAULT", std::string(name).c_str(), 1); }
  Switch(const Switch&) = delete;
  Switch& operator=(const Switch&) = delete;
  ~Switch() { ::unsetenv("KIGO_FAULT"); }
};

class Faults : public ProgramTest {
 protected:
  /// The checkpoint that the probe names first; "none".
  std::string named() const {
    const Ran ran = kigo({"faults", "--probe"});
    EXPECT_EQ(ran.exit, 0) << ran.err;
    const Json json = ran.json();
    const auto& seen = *json.find("seen")->items();
    return seen.empty() ? "none" : *seen.front().find("checkpoint")->string();
  }
};

TEST_F(Faults, NoneIsSeenWhereNoneIsOn) { EXPECT_EQ(named(), "none"); }

TEST_F(Faults, OneIsSwitchedOnByItsName) {
  const Switch on("F76");
  EXPECT_EQ(named(), "blk.0.attn_mix");
}

TEST_F(Faults, AListedPairMayBeOnTogether) {
  const Switch on("F45+F46");
  EXPECT_EQ(named(), "tokens");
}

TEST_F(Faults, AnUnknownOneIsAnError) {
  for (const char* name : {"F999", "f76", "F76 ", "F76+", "+F76", "F75+F76", "F76+F76", "F45+F46+F47"}) {
    const Switch on(name);
    EXPECT_EQ(kigo({"verify"}).exit, 2) << name;
  }
}

TEST_F(Faults, OneWithoutASiteIsAnErrorAndNeverQuiet) {
  const fault::Fault* without = nullptr;
  for (const fault::Fault& fault : fault::faults())
    if (fault.site == fault::Site::none) without = &fault;
  if (without == nullptr) return;
  const Switch on(without->name);
  EXPECT_EQ(kigo({"verify"}).exit, 2);
}

TEST_F(Faults, EveryReportSaysThatTheBuildHoldsFaults) {
  const std::string model = golden_folder() + "/tiny/tiny-q4_k_m.gguf";
  for (const char* command : {"verify", "inspect"}) {
    const Ran text = kigo({command, model});
    EXPECT_EQ(text.exit, 0) << command << ": " << text.err;
    EXPECT_NE(text.out.find("FAULT BUILD"), std::string::npos) << command;
    const Ran json = kigo({command, model, "--json"});
    ASSERT_NE(json.json().find("fault_build"), nullptr) << command;
  }
  EXPECT_NE(kigo({"generate", "--max-tokens", "1", "--prompt", "a"}).err.find("FAULT BUILD"),
            std::string::npos);
}

TEST_F(Faults, NoGoldenIsWritten) {
  const Ran ran = kigo({"make-model", "-o", golden_folder() + "/tiny/never.gguf"});
  EXPECT_NE(ran.exit, 0);
  EXPECT_NE(ran.err.find("holds seeded faults"), std::string::npos) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(golden_folder() + "/tiny/never.gguf"));
}

TEST(FaultList, HasEachNameOnceAndFindsIt) {
  std::set<std::string_view> names;
  for (const fault::Fault& fault : fault::faults()) {
    EXPECT_TRUE(names.insert(fault.name).second) << fault.name;
    EXPECT_EQ(fault::find(fault.name), &fault);
    EXPECT_EQ(&fault::row(fault.id), &fault);
  }
  EXPECT_EQ(fault::find("F00"), nullptr);
}

TEST(Child, HasItsEndTold) {
  EXPECT_EQ(run_child({"sh", "-c", "echo a; echo b >&2; exit 3"}, {}, 10).out, "a\nb\n");
  EXPECT_EQ(run_child({"sh", "-c", "exit 3"}, {}, 10).exit, 3);
  EXPECT_EQ(run_child({"sh", "-c", "kill -SEGV $$"}, {}, 10).signal, SIGSEGV);
  EXPECT_EQ(run_child({"sh", "-c", "echo $KIGO_X"}, {{"KIGO_X", "y"}}, 10).out, "y\n");
  EXPECT_EQ(run_child({"/nowhere/kigo"}, {}, 10).exit, 127);
  EXPECT_FALSE(run_child({"true"}, {}, 10).crashed());
}

TEST(Child, IsEndedWithAllThatItStartedWhenItsTimeIsUp) {
  const Ended ended = run_child({"sh", "-c", "sleep 100 & sleep 100"}, {}, 0.2);
  EXPECT_TRUE(ended.timed_out);
  EXPECT_TRUE(ended.crashed());
  EXPECT_LT(ended.seconds, 20);
}

TEST(Copies, KnowOnlyTheFaultsOfScriptsAndData) { EXPECT_FALSE(run_on_copy("F76").possible); }

}  // namespace
}  // namespace kigo::tools
