// The laws over kernels in plain C++: each is seen to find the fault that it is there for, none complains
// about a faultless kernel, and what they found is told to people and programs.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/file_map.h"
#include "tests/laws/agreement.h"
#include "tests/laws/check_pairs.h"
#include "tests/laws/memory_laws.h"
#include "tests/pairs/data.h"

namespace kigo::laws {
namespace {

using namespace pairs;

enum class Fault : uint8_t {
  none,
  writes_past_the_row,
  forgets_the_last_element,
  reads_past_the_row,
  changes_its_input,
  ignores_strides,
  depends_on_the_call,
  leaves_its_workspace_in_disorder,
  drops_a_term,
  wrong_from_width_65_on,
};

int calls = 0;

/// y[r, i] = x[r, i] + x[r, 0], but for the fault.
void doubling(View<float, 2> x, View<float, 2> y, View<uint32_t, 1> workspace, Fault fault) {
  ++calls;
  const bool dense = fault == Fault::ignores_strides;
  for (int64_t r = 0; r < x.shape[0]; ++r) {
    const int64_t width = x.shape[1];
    float* from = x.data + r * (dense ? width : x.stride[0]);
    float* to = y.data + r * (dense ? width : y.stride[0]);
    float first = fault == Fault::drops_a_term ? 0.0f : from[0];
    if (fault == Fault::reads_past_the_row) first += from[width];
    if (fault == Fault::depends_on_the_call) first += static_cast<float>(calls);
    if (fault == Fault::wrong_from_width_65_on && width >= 65) first += 1;
    if (fault == Fault::leaves_its_workspace_in_disorder && workspace(0) == 0x600DCAFE) first += 1;
    const int64_t end =
        width + (fault == Fault::writes_past_the_row) - (fault == Fault::forgets_the_last_element);
    for (int64_t i = 0; i < end; ++i) to[i] = (i < width ? from[i] : 0.0f) + first;
    if (fault == Fault::changes_its_input) from[width - 1] = 0;
  }
  if (fault == Fault::leaves_its_workspace_in_disorder) workspace(0) = 0x600DCAFE;
}

template <Fault F, bool Loose = false>
struct DoublingPair {
  struct Case {
    int64_t rows = 1;
    int64_t width = 1;
    uint64_t seed = 1;
  };
  static std::string name() { return "doubling"; }
  static Case arbitrary(const Draw& draw) { return {draw(1, 5), draw(2, 200), draw_seed(draw)}; }
  static std::vector<Case> edges() { return {{3, 9}, {2, 64}, {0, 7}}; }
  static std::vector<Case> bench() { return {{1, 64}}; }
  static std::string text(const Case& c) { return cat("rows=", c.rows, " width=", c.width); }
  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<float>("x", {c.rows, c.width}, 1, random), written<float>("y", {c.rows, c.width}),
            scratch<uint32_t>("workspace", {1})};
  }
  static Result<Outputs> twin(const Case& c, std::span<const Tensor> in, double factor) {
    const std::vector<double> x = widened(in[0]);
    std::vector<double> y = x;
    const auto width = static_cast<size_t>(c.width);
    for (size_t at = 0; at < y.size(); ++at) y[at] += factor * x[at / width * width];
    return Outputs{y};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) { return twin(c, in, 1); }
  static Outputs bound(const Case&, std::span<const Tensor>, const Outputs& truth) {
    Outputs bounds = truth;
    for (double& b : bounds[0]) b = Loose ? 1e3 : rounded_bound<float>(0, b);
    return bounds;
  }
  static std::vector<Mutant<Case>> mutants() {
    return {{"adds nothing", [](const Case& c, std::span<const Tensor> in) { return twin(c, in, 0); }}};
  }
  static Cost cost(const Case& c) { return {.bytes = 8.0 * static_cast<double>(c.rows * c.width)}; }
  static Status host_kernel(const Case&, std::span<const Placed> at) {
    doubling(at[0].view<float, 2, Space::Host>(), at[1].view<float, 2, Space::Host>(),
             at[2].view<uint32_t, 1, Space::Host>(), F);
    return {};
  }
};

template <Fault F>
Complaints found_by(MemoryLaw* law) {
  return law(pairs::detail::PairOf<DoublingPair<F>>{}, test::host_machine(), {});
}

template <Fault F, bool Loose = false>
std::vector<PairPtr> pairs_with() {
  return erased(PairList<DoublingPair<F, Loose>>{});
}

/// The verdict of one law among those of check().
const LawResult& result_of(const std::vector<LawResult>& results, std::string_view law) {
  const auto found = std::ranges::find(results, law, &LawResult::law);
  KIGO_CHECK(found != results.end());
  return *found;
}

TEST(HostLaws, AreKeptByAFaultlessKernel) {
  const std::vector<LawResult> results = check(pairs_with<Fault::none>(), {});
  ASSERT_EQ(results.size(), 10u);
  for (const LawResult& one : results)
    EXPECT_EQ(one.verdict, LawResult::Verdict::pass) << one.law << ": " << one.complaints.front();
  EXPECT_GT(*result_of(results, "Agrees.OnEdges").share, 0.01);
}
TEST(HostLaws, FindAWritePastTheRow) {
  EXPECT_FALSE(found_by<Fault::writes_past_the_row>(writes_only_its_output).empty());
}
TEST(HostLaws, FindAnElementThatIsNeverWritten) {
  EXPECT_FALSE(found_by<Fault::forgets_the_last_element>(writes_only_its_output).empty());
}
TEST(HostLaws, FindAReadPastTheRow) {
  EXPECT_FALSE(found_by<Fault::reads_past_the_row>(writes_only_its_output).empty());
}
TEST(HostLaws, FindAChangedInput) {
  EXPECT_FALSE(found_by<Fault::changes_its_input>(leaves_inputs_alone).empty());
}
TEST(HostLaws, FindIgnoredStrides) {
  EXPECT_FALSE(found_by<Fault::ignores_strides>(accepts_padded_and_misaligned_rows).empty());
}
TEST(HostLaws, FindAResultThatDependsOnTheCall) {
  EXPECT_FALSE(found_by<Fault::depends_on_the_call>(gives_the_same_bits_twice).empty());
}
TEST(HostLaws, FindAWorkspaceLeftInDisorder) {
  EXPECT_FALSE(found_by<Fault::leaves_its_workspace_in_disorder>(takes_its_own_workspace_again).empty());
}
TEST(HostLaws, FindABoundThatIsTooLoose) {
  const auto results = check(pairs_with<Fault::none, true>(), {});
  const LawResult& tight = result_of(results, "Agrees.SoTightlyThatTheWorstShareExceedsOnePercent");
  EXPECT_EQ(tight.verdict, LawResult::Verdict::fail);
  EXPECT_EQ(result_of(results, "Comparison.RejectsEveryMutant").verdict, LawResult::Verdict::fail);
}

/// No edge has width 65: an arbitrary case finds the fault, and is made smaller.
TEST(HostLaws, ShrinkAFailingCaseToALineThatReplaysIt) {
  const std::vector<PairPtr> pairs = pairs_with<Fault::wrong_from_width_65_on>();
  const auto results = check(pairs, {.program = "test"});
  EXPECT_EQ(result_of(results, "Agrees.OnEdges").verdict, LawResult::Verdict::pass);
  const LawResult& arbitrary = result_of(results, "Agrees.OnArbitraryCases");
  ASSERT_EQ(arbitrary.reports.size(), 1u);
  EXPECT_NE(arbitrary.reports[0].name.find("doubling rows=1 width="), std::string::npos)
      << arbitrary.reports[0].name;
  EXPECT_TRUE(arbitrary.reports[0].replay.starts_with("test --pair doubling --replay 1,"))
      << arbitrary.reports[0].replay;
  const auto again = check(pairs, {.pair = "doubling", .replay = std::vector<int64_t>{1, 65, 1}});
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].verdict, LawResult::Verdict::fail);
  const auto below = check(pairs, {.pair = "doubling", .replay = std::vector<int64_t>{1, 64, 1}});
  EXPECT_EQ(below[0].verdict, LawResult::Verdict::pass);
}

TEST(CheckPairs, TellsPeopleWhatIsBroken) {
  const std::string text = text_of(check(pairs_with<Fault::forgets_the_last_element>(), {.program = "test"}));
  EXPECT_NE(text.find("doubling: 2 of 2 laws of the comparison kept\n"), std::string::npos) << text;
  EXPECT_NE(text.find("  BROKEN  Agrees.OnEdges\n"), std::string::npos) << text;
  EXPECT_NE(text.find("damage     columns 8..8 (the last partial tile of 8)"), std::string::npos) << text;
  EXPECT_NE(text.find("unwritten  3 hold what was there before"), std::string::npos) << text;
  EXPECT_TRUE(text.ends_with("verdict: fail\n")) << text;
}
TEST(CheckPairs, TellsProgramsTheSame) {
  const Json json = json_of(check(pairs_with<Fault::forgets_the_last_element>(), {}));
  EXPECT_EQ(*json.find("verdict")->string(), "fail");
  const Json& edges = (*json.find("laws")->items())[2];
  EXPECT_EQ(*edges.find("law")->string(), "Agrees.OnEdges");
  EXPECT_EQ(*edges.find("machine")->string(), "host");
  const Json& report = edges.find("reports")->items()->front();
  EXPECT_EQ(*report.find("damage")->find("text")->string(), "columns 8..8 (the last partial tile of 8)");
  EXPECT_EQ(*report.find("unwritten")->integer(), 3);
}
// An input that was changed is another input of the second run, so two laws are broken.
TEST(CheckPairs, CountsEveryLawInJUnit) {
  const std::string xml = junit_of(check(pairs_with<Fault::changes_its_input>(), {}));
  EXPECT_NE(xml.find("tests=\"10\" failures=\"2\" skipped=\"0\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("classname=\"doubling.host\" name=\"Kernel.LeavesInputsAlone\""), std::string::npos)
      << xml;
}

/// What check_pairs returns for these arguments behind the program's name.
template <Fault F>
int exit_of(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "test");
  return check_pairs(pairs_with<F>(), static_cast<int>(arguments.size()), arguments.data());
}

TEST(CheckPairs, ReturnsZeroWhenAllIsWellAndOneWhenNot) {
  EXPECT_EQ(exit_of<Fault::none>({"--cases", "3"}), 0);
  EXPECT_EQ(exit_of<Fault::drops_a_term>({"--cases", "3", "--json"}), 1);
  EXPECT_EQ(exit_of<Fault::drops_a_term>({"--help"}), 0);
}
TEST(CheckPairs, RefusesAWrongCommandLine) {
  EXPECT_EQ(exit_of<Fault::none>({"--cases", "many"}), 2);
  EXPECT_EQ(exit_of<Fault::none>({"--cases"}), 2);
  EXPECT_EQ(exit_of<Fault::none>({"--case", "3"}), 2);
  EXPECT_EQ(exit_of<Fault::none>({"--pair", "tripling"}), 2);
  EXPECT_EQ(exit_of<Fault::none>({"--replay", "1,2,3"}), 2);
  EXPECT_EQ(exit_of<Fault::none>({"--pair", "doubling", "--replay", "1,x"}), 2);
}
TEST(CheckPairs, NeverPassesWhenNothingRan) {
  const char* const arguments[] = {"test"};
  EXPECT_EQ(check_pairs({}, 1, arguments), 3);
}
TEST(CheckPairs, WritesJUnitToAFile) {
  const std::string file = testing::TempDir() + cat("kigo_junit_", getpid(), ".xml");
  EXPECT_EQ(exit_of<Fault::none>({"--junit", file.c_str(), "--cases", "2"}), 0);
  const auto text = read_text_file(file);
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("tests=\"10\" failures=\"0\""), std::string::npos) << *text;
  std::filesystem::remove(file);
  EXPECT_EQ(exit_of<Fault::none>({"--junit", "/no/such/folder/x.xml", "--cases", "2"}), 1);
}

/// In a build without CUDA a pair of the project has no kernel that could run, and says so.
#if !KIGO_CUDA
TEST(CheckPairs, SaysThatAKernelDidNotRun) {
  const std::vector<PairPtr> first{all_pairs().front()};
  const char* const arguments[] = {"test"};
  EXPECT_EQ(check_pairs(first, 1, arguments), 3);
  EXPECT_NE(text_of(check(first, {})).find("NOT RUN  Kernel\n    this build of kigo has no CUDA"),
            std::string::npos);
}
#endif

}  // namespace
}  // namespace kigo::laws
