// Every law over every pair.
#include <set>

#include "tests/laws/gpu/capture.h"
#include "tests/laws/gpu/gpu_law.h"
#include "tests/laws/gpu/kernel_names.h"
#include "tests/laws/gpu/laws.h"
#include "tests/laws/memory_laws.h"

namespace kigo::laws {
namespace {

using namespace pairs;

const Effort kEffort = Effort::from_environment();

struct Kernel : OnGpu {
  void expect(MemoryLaw* law) const { expect_none(law(pair(), test::GpuMachine(stream()), kEffort)); }
  void expect(LaunchLaw* law) const { expect_none(law(pair(), stream(), kEffort)); }
  static void expect_none(const Complaints& complaints) {
    for (const std::string& complaint : complaints) ADD_FAILURE() << complaint;
  }
};

TEST_P(Kernel, WritesOnlyItsOutput) { expect(writes_only_its_output); }
TEST_P(Kernel, LeavesInputsAlone) { expect(leaves_inputs_alone); }
TEST_P(Kernel, AcceptsPaddedAndMisalignedRows) { expect(accepts_padded_and_misaligned_rows); }
TEST_P(Kernel, GivesTheSameBitsTwice) { expect(gives_the_same_bits_twice); }
TEST_P(Kernel, TakesItsOwnWorkspaceAgain) { expect(takes_its_own_workspace_again); }
TEST_P(Kernel, LaunchesNothingWhenEmpty) { expect(launches_nothing_when_empty); }
TEST_P(Kernel, RunsOnTheGivenStream) { expect(runs_on_the_given_stream); }
TEST_P(Kernel, CanBeCaptured) { expect(can_be_captured); }

KIGO_FOR_ALL_PAIRS(Kernel);

/// Kernels that only the forward pass launches, each with the test that covers it.
const std::set<std::string> kWithoutAPair = {};

constexpr uint64_t kCasesToFindKernels = 60;

/// The kernels in the graphs of a pair's edges and of many arbitrary cases.
Status add_launched(const AnyPair& pair, const test::TestStream& stream, std::set<std::string>& launched) {
  std::vector<CasePtr> cases = pair.edges();
  for (uint64_t n = 0; n < kCasesToFindKernels; ++n) cases.push_back(drawn_case(pair, n, kEffort.seed).one);
  for (const CasePtr& one : cases) {
    const std::vector<Tensor> tensors = one->arguments();
    KIGO_ASSIGN(const test::Stage stage, test::Stage::make(tensors, {}));
    // Once outside of a capture: loading a kernel's code may need calls that a capture forbids.
    KIGO_TRY(stage.reset(stream));
    KIGO_TRY(one->kernel(stage.placed(), stream));
    KIGO_TRY(stream.wait());
    KIGO_ASSIGN(const Graph graph, capture(stream, [&] { return one->kernel(stage.placed(), stream); }));
    KIGO_ASSIGN(const std::vector<Node> nodes, nodes_of(graph));
    for (const Node& node : nodes) launched.insert(node.kernel);
  }
  return {};
}

// The names of the kernels in the library, against those in the graphs of all pairs.
TEST(Kernels, AreEachLaunchedByAPair) {
  KIGO_NEEDS_GPU();
  const test::TestStream stream;
  std::set<std::string> launched;
  for (const PairPtr& pair : all_pairs()) {
    const Status status = add_launched(*pair, stream, launched);
    ASSERT_TRUE(status) << pair->name() << ": " << status.error().message();
  }
  ASSERT_FALSE(kernel_names().empty());
  for (const std::string& name : kernel_names()) {
    EXPECT_TRUE(launched.contains(name) || kWithoutAPair.contains(name)) << name << " is launched by no pair";
  }
}

}  // namespace
}  // namespace kigo::laws
