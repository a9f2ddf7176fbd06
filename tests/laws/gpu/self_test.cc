// The laws are seen to fail: each finds the fault that it is there for, and none complains about a faultless
// kernel.
#include <cmath>

#include "tests/laws/gpu/faulty.h"
#include "tests/laws/gpu/gpu_law.h"
#include "tests/laws/gpu/laws.h"
#include "tests/laws/memory_laws.h"
#include "tests/pairs/data.h"

namespace kigo::laws {
namespace {

using namespace pairs;

template <Fault F>
struct DoublingPair {
  struct Case {
    int64_t rows = 1;
    int64_t width = 1;
    uint64_t seed = 1;
  };
  static std::string name() { return "doubling"; }
  static Case arbitrary(const Draw& draw) { return {draw(1, 5), draw(2, 200), draw_seed(draw)}; }
  static std::vector<Case> edges() { return {{3, 65}, {2, 64}, {0, 7}}; }
  static std::vector<Case> bench() { return {{1, 64}}; }
  static std::string text(const Case& c) {
    return cat("rows=", c.rows, " width=", c.width, " seed=", c.seed);
  }
  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<float>("x", {c.rows, c.width}, 1, random), written<float>("y", {c.rows, c.width}),
            scratch<uint32_t>("workspace", {1})};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y = x;
    for (size_t at = 0; at < y.size(); ++at) {
      const auto width = static_cast<size_t>(c.width);
      y[at] += x[at / width * width];
    }
    return Outputs{y};
  }
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs& truth) {
    Outputs bounds = truth;
    for (double& b : bounds[0]) b = rounded_bound<float>(0, b);
    return bounds;
  }
  static std::vector<Mutant<Case>> mutants() { return {}; }
  static Cost cost(const Case& c) { return {.bytes = 8.0 * static_cast<double>(c.rows * c.width)}; }
  static Status kernel(const Case&, std::span<const Placed> at, kernels::Stream stream) {
    return doubling({.x = at[0].view<const float, 2>(),
                     .y = at[1].view<float, 2>(),
                     .workspace = at[2].view<uint32_t, 1>()},
                    F, stream);
  }
};

template <class Law>
struct Named {
  const char* name;
  Law* law;
};
constexpr std::array kMemoryLaws{
    Named<MemoryLaw>{"writes_only_its_output", writes_only_its_output},
    Named<MemoryLaw>{"leaves_inputs_alone", leaves_inputs_alone},
    Named<MemoryLaw>{"accepts_padded_and_misaligned_rows", accepts_padded_and_misaligned_rows},
    Named<MemoryLaw>{"gives_the_same_bits_twice", gives_the_same_bits_twice},
    Named<MemoryLaw>{"takes_its_own_workspace_again", takes_its_own_workspace_again}};
constexpr std::array kLaunchLaws{Named<LaunchLaw>{"launches_nothing_when_empty", launches_nothing_when_empty},
                                 Named<LaunchLaw>{"runs_on_the_given_stream", runs_on_the_given_stream},
                                 Named<LaunchLaw>{"can_be_captured", can_be_captured}};

Complaints complaints_of(MemoryLaw* law, const AnyPair& pair, const test::TestStream& stream) {
  return law(pair, test::GpuMachine(stream), {});
}
Complaints complaints_of(LaunchLaw* law, const AnyPair& pair, const test::TestStream& stream) {
  return law(pair, stream, {});
}

/// The law must complain about a kernel with this fault.
template <Fault F, class Law>
void expect_found_by(Law* law) {
  const test::TestStream stream;
  const pairs::detail::PairOf<DoublingPair<F>> pair;
  EXPECT_FALSE(complaints_of(law, pair, stream).empty());
  // What was left behind, an error of a capture for instance, must not be the next test's.
  static_cast<void>(cudaDeviceSynchronize());
  static_cast<void>(cudaGetLastError());
}

struct Laws : testing::Test {
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(Laws, AreKeptByAFaultlessKernel) {
  const test::TestStream stream;
  const pairs::detail::PairOf<DoublingPair<Fault::none>> pair;
  const auto expect_none = [&](const auto& one) {
    for (const std::string& complaint : complaints_of(one.law, pair, stream))
      ADD_FAILURE() << one.name << ": " << complaint;
  };
  for (const auto& one : kMemoryLaws) expect_none(one);
  for (const auto& one : kLaunchLaws) expect_none(one);
}
TEST_F(Laws, FindAWritePastTheRow) { expect_found_by<Fault::writes_past_the_row>(writes_only_its_output); }
TEST_F(Laws, FindAnElementThatIsNeverWritten) {
  expect_found_by<Fault::forgets_the_last_element>(writes_only_its_output);
}
TEST_F(Laws, FindAReadPastTheRow) { expect_found_by<Fault::reads_past_the_row>(writes_only_its_output); }
TEST_F(Laws, FindAChangedInput) { expect_found_by<Fault::changes_its_input>(leaves_inputs_alone); }
TEST_F(Laws, FindIgnoredStrides) {
  expect_found_by<Fault::ignores_strides>(accepts_padded_and_misaligned_rows);
}
TEST_F(Laws, FindAResultThatDependsOnTheTime) {
  expect_found_by<Fault::depends_on_the_time>(gives_the_same_bits_twice);
}
TEST_F(Laws, FindAWorkspaceLeftInDisorder) {
  expect_found_by<Fault::leaves_its_workspace_in_disorder>(takes_its_own_workspace_again);
}
TEST_F(Laws, FindALaunchForNothing) {
  expect_found_by<Fault::launches_for_nothing>(launches_nothing_when_empty);
}
TEST_F(Laws, FindTheDefaultStream) {
  expect_found_by<Fault::uses_the_default_stream>(runs_on_the_given_stream);
}
TEST_F(Laws, FindAHiddenWait) { expect_found_by<Fault::waits>(can_be_captured); }
TEST_F(Laws, FindAHiddenAllocation) { expect_found_by<Fault::allocates>(can_be_captured); }

TEST_F(Laws, FindAValueBeyondItsBound) {
  const test::TestStream stream;
  const pairs::detail::PairOf<DoublingPair<Fault::drops_a_term>> pair;
  const CasePtr one = pair.edges().front();
  const std::vector<Tensor> tensors = one->arguments();
  const auto held = test::run_kernel(*one, tensors, {}, test::GpuMachine(stream));
  ASSERT_TRUE(held) << held.error().message();
  EXPECT_FALSE(judge(pair, *one, tensors, *one->reference(tensors), held->values, "").front().pass);
}

}  // namespace
}  // namespace kigo::laws
