// Built with the seeded faults in: each one, switched on, must make `kigo verify` fail first at the stage
// that its row names; none, and everything passes.
#include "core/base/fault.h"

#include <cstdlib>

#include "tests/tools/program.h"
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

class Faults : public ProgramTest, public testing::WithParamInterface<fault::Fault> {
 protected:
  /// The stage that fails first, or "none".
  std::string first_failure(const std::string& file) const {
    const Ran ran = kigo({"verify", file, "--json"});
    const Json json = ran.json();
    for (const Json& stage : *json.find("stages")->items()) {
      if (*stage.find("verdict")->string() == "FAIL") {
        EXPECT_EQ(ran.exit, 1);
        return *stage.find("stage")->string();
      }
    }
    EXPECT_EQ(ran.exit, 0) << ran.err;
    return "none";
  }
};

const std::string kModel = golden_folder() + "/tiny/tiny-q4_k_m.gguf";
// Its alignment is 64; the other golden files have 32, which hides F03.
const std::string kAligned = golden_folder() + "/tiny/tiny-f16.gguf";

TEST_F(Faults, NoneIsSeenWhereNoneIsOn) {
  EXPECT_EQ(first_failure(kModel), "none");
  EXPECT_EQ(first_failure(kAligned), "none");
}

TEST_P(Faults, FailFirstAtTheStageThatIsNamed) {
  const Switch on(GetParam().name);
  EXPECT_EQ(first_failure(GetParam().id == fault::Id::F03 ? kAligned : kModel), GetParam().stage);
}

TEST_F(Faults, AnUnknownOneIsAnError) {
  const Switch on("F999");
  EXPECT_EQ(kigo({"verify"}).exit, 2);
}

INSTANTIATE_TEST_SUITE_P(Each, Faults, testing::ValuesIn(fault::faults()),
                         [](const auto& instance) { return std::string(instance.param.name); });

}  // namespace
}  // namespace kigo::tools
