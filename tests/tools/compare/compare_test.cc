// Two sides and their first difference: quiet where they agree, one layer accused where one is wrong.
#include "tools/lib/compare/compare.h"

#include <gtest/gtest.h>

#include <limits>
#include <set>
#include <thread>

#include "tests/reference/small_model.h"
#include "tests/tools/compare/planted.h"
#include "tools/lib/goldens.h"

namespace kigo::test {
namespace {

using model::Logits;
using model::Tap;
using tools::CompareReport;
using tools::Comparison;
using tools::Origin;
using tools::Side;

class Compare : public testing::TestWithParam<std::string> {
 protected:
  Compare() : model_(*model::open(tools::golden_folder() + GetParam())) {}

  std::vector<tools::Call> calls(int64_t count, int64_t steps, int64_t chunk = 0) const {
    std::vector<uint32_t> tokens;
    for (int64_t i = 0; i < count; ++i)
      tokens.push_back(static_cast<uint32_t>((7 + 131 * i) % model_.config.vocab));
    return *tools::plan_calls(tokens, steps, chunk, model_.config.vocab);
  }
  CompareReport against_reference(model::Session& session, const std::vector<tools::Call>& calls,
                                  const tools::CompareOptions& options = {}) const {
    reference::Session reference(model_);
    const auto report = tools::compare_sides(model_, {.name = "reference", .session = &reference},
                                             {.name = "b", .session = &session}, calls, options);
    EXPECT_TRUE(report) << report.error().message();
    return report ? *report : CompareReport();
  }
  /// B is a reference with this mistake.
  CompareReport planted(Fault fault, int64_t count = 9, int64_t steps = 3) const {
    PlantedSession session(model_, std::move(fault));
    return against_reference(session, calls(count, steps));
  }

  model::Model model_;
};

/// The layers that introduced an error.
std::set<int64_t> accused(const CompareReport& report) {
  std::set<int64_t> layers;
  for (const tools::Checkpoint& point : report.checkpoints)
    if (point.origin == Origin::introduced) layers.insert(point.layer);
  return layers;
}

TEST_P(Compare, IsQuietForEqualSides) {
  const CompareReport report = planted([](const Planting&) {});
  EXPECT_EQ(report.verdict, Comparison::equal) << report.text();
  EXPECT_EQ(report.first_bad(), nullptr);
  for (const tools::Checkpoint& point : report.checkpoints)
    EXPECT_EQ(point.origin, Origin::within) << point.name;
  // Four calls; embed, 17 a layer and as many old parts of two caches in three of them, norm and logits.
  const int64_t layers = model_.config.layers;
  EXPECT_EQ(static_cast<int64_t>(report.checkpoints.size()), 2 * (4 * (17 * layers + 3) + 3 * 2 * layers));
}

TEST_P(Compare, AccusesTheLastLayerAloneOfWhatItDoes) {
  const int64_t wrong = model_.config.layers - 1;
  const CompareReport report = planted([&](const Planting& at) {
    if (at.tap == Tap::ffn_up && at.layer == wrong && at.first == 0) at.values(2, 0, 5) += 0.01;
  });
  EXPECT_EQ(report.verdict, Comparison::diverged);
  EXPECT_EQ(accused(report), std::set<int64_t>{wrong});
  ASSERT_NE(report.first_bad(), nullptr);
  EXPECT_EQ(report.first_bad()->place(), "blk." + std::to_string(wrong) + ".ffn_up, position 2");
  EXPECT_EQ(report.first_bad()->element, 5);
  EXPECT_EQ(report.first_bad()->report.damage.text, "one element");
  const auto introduced =
      std::ranges::count(report.checkpoints, Origin::introduced, &tools::Checkpoint::origin);
  EXPECT_EQ(introduced, 1);
  EXPECT_GT(std::ranges::count(report.checkpoints, Origin::inherited, &tools::Checkpoint::origin), 3);
}

TEST_P(Compare, NamesTheSideThatIsWrong) {
  PlantedSession wrong(model_, [](const Planting& at) {
    if (at.tap == Tap::attn_mix && at.layer == 0) at.values(0, 1, 0) *= 1.001;
  });
  reference::Session right(model_);
  const auto report = *tools::compare_sides(model_, {.name = "x", .session = &wrong},
                                            {.name = "y", .session = &right}, calls(5, 0));
  ASSERT_NE(report.first_bad(), nullptr);
  EXPECT_EQ(report.first_bad()->side_name, "x");
  EXPECT_EQ(report.first_bad()->place(), "blk.0.attn_mix, position 0, head 1");
}

TEST_P(Compare, NamesTheFirstPositionAndHeadOfACache) {
  const CompareReport report = planted([](const Planting& at) {
    if (at.tap == Tap::cache_k && at.layer == 1 && at.first == 6) at.values(6, 1, 3) = 0;
  });
  ASSERT_NE(report.first_bad(), nullptr);
  EXPECT_EQ(report.first_bad()->place(), "blk.1.cache_k, position 6, head 1");
  EXPECT_EQ(report.first_bad()->call, 1);
}

TEST_P(Compare, SeesWhatACallDoesToEarlierPositions) {
  const CompareReport report = planted([](const Planting& at) {
    if (at.tap == Tap::cache_v && at.layer == 0 && at.first == 7) at.values(2, 0, 1) += 1;
  });
  ASSERT_NE(report.first_bad(), nullptr);
  EXPECT_EQ(report.first_bad()->place(), "blk.0.cache_v, position 2, head 0");
  EXPECT_EQ(report.first_bad()->call, 2);
}

TEST_P(Compare, FindsTheFirstValueThatIsNotFinite) {
  const CompareReport report = planted([](const Planting& at) {
    if (at.tap == Tap::ffn_act && at.layer == 0 && at.first == 0)
      at.values(1, 0, 4) = std::numeric_limits<double>::quiet_NaN();
  });
  EXPECT_EQ(report.verdict, Comparison::diverged);
  EXPECT_EQ(accused(report), std::set<int64_t>{0});
  ASSERT_NE(report.first_bad(), nullptr);
  EXPECT_EQ(report.first_bad()->place(), "blk.0.ffn_act, position 1");
  EXPECT_EQ(report.first_bad()->non_finite, model_.config.ffn_width + 4);
  EXPECT_EQ(report.first_bad()->report.non_finite, 1);
}

TEST_P(Compare, GivesTheSameVerdictForEveryChunk) {
  for (const int64_t chunk : {1, 3, 9}) {
    reference::Session session(model_);
    const CompareReport report = against_reference(session, calls(11, 2, chunk));
    EXPECT_EQ(report.verdict, Comparison::equal) << report.text();
  }
}

TEST_P(Compare, PredictsTheErrorOfALayerFromMeasuredGains) {
  Random random(5);
  PlantedSession session(model_, [&](const Planting& at) {
    if (at.tap != Tap::embed) return;
    for (int64_t i = 0; i < at.values.size(); ++i) at.values.data[i] *= 1 + 1e-5 * random.normal();
  });
  const CompareReport report = against_reference(session, calls(9, 0));
  ASSERT_EQ(static_cast<int64_t>(report.carried.size()), model_.config.layers);
  for (const tools::Carried& layer : report.carried) {
    EXPECT_LT(layer.introduced, 1e-12);
    EXPECT_GT(layer.observed, layer.predicted / 4) << layer.layer;
    EXPECT_LT(layer.observed, layer.predicted * 4) << layer.layer;
  }
}

TEST_P(Compare, SeesDifferencesFromRunToRun) {
  int runs = 0;
  PlantedSession session(model_, [&](const Planting& at) {
    if (at.tap == Tap::embed && at.first == 0) ++runs;
    if (at.tap == Tap::ffn_norm && at.layer == 1 && runs == 2) at.values(0, 0, 0) += 1e-16;
    if (at.tap == Tap::ffn_norm && at.layer == 1 && runs == 2) at.values(0, 0, 1) *= 1 + 1e-15;
  });
  EXPECT_EQ(against_reference(session, calls(4, 0)).verdict, Comparison::equal);
  session.reset();
  runs = 0;
  const CompareReport report = against_reference(session, calls(4, 0), {.repeat = true});
  EXPECT_EQ(report.verdict, Comparison::diverged);
  EXPECT_EQ(report.unstable, "blk.1.ffn_norm");
}

TEST_P(Compare, PassesOnWhatASessionRefuses) {
  reference::Session a(model_), b(model_);
  const tools::Call call{{static_cast<uint32_t>(model_.config.vocab)}, Logits::All};
  const auto report = tools::compare_sides(model_, {.name = "a", .session = &a}, {.name = "b", .session = &b},
                                           std::vector{call});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().code, Code::invalid_request);
}

TEST_P(Compare, EntersTheThreadThatRunsASession) {
  reference::Session a(model_), b(model_);
  std::thread::id entered;
  Side side{.name = "b", .session = &b};
  side.enter_thread = [&]() -> Status {
    entered = std::this_thread::get_id();
    return fail(Code::cuda, "device 7", "gone");
  };
  const auto report = tools::compare_sides(model_, {.name = "a", .session = &a}, side, calls(2, 0));
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().message(), "device 7: gone (cuda)");
  EXPECT_NE(entered, std::this_thread::get_id());
}

TEST_P(Compare, RefusesSidesThatAreNone) {
  reference::Session a(model_);
  const auto message = [&](const Side& side, const std::vector<tools::Call>& which) {
    const auto report = tools::compare_sides(model_, {.name = "a", .session = &a}, side, which);
    return report ? "" : report.error().message();
  };
  EXPECT_EQ(message({.name = "b"}, calls(3, 0)),
            "b: both or neither of session and capture, expected one of them (invalid_request)");
  EXPECT_EQ(message({.name = "b"}, {}), "calls: none, expected at least one (invalid_request)");
  reference::Session used(model_);
  ASSERT_TRUE(used.forward(std::vector<uint32_t>{1}, Logits::Last));
  EXPECT_EQ(message({.name = "b", .session = &used}, calls(3, 0)),
            "b: a session with 1 positions, expected an empty one (invalid_request)");
}

INSTANTIATE_TEST_SUITE_P(Models, Compare,
                         testing::Values("/tiny/tiny-q4_k_m.gguf", "/tiny/llama-q4_k_m.gguf",
                                         "/tiny/tiny-q8_0.gguf"),
                         [](const auto& instance) {
                           std::string name = instance.param.substr(6, instance.param.size() - 11);
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

TEST(PlanCalls, PutStepsBehindAPromptInPieces) {
  const std::vector<uint32_t> tokens{1, 2, 3, 4, 5, 6, 7};
  const auto calls = *tools::plan_calls(tokens, 2, 3, 10);
  ASSERT_EQ(calls.size(), 4u);
  EXPECT_EQ(calls[0].tokens, (std::vector<uint32_t>{1, 2, 3}));
  EXPECT_EQ(calls[1].tokens, (std::vector<uint32_t>{4, 5}));
  EXPECT_EQ(calls[1].which, Logits::All);
  EXPECT_EQ(calls[3].tokens, (std::vector<uint32_t>{7}));
  EXPECT_EQ(calls[3].which, Logits::Last);
  EXPECT_EQ((*tools::plan_calls(tokens, 0, 0, 100'000'000))[0].which, Logits::Last);
  EXPECT_FALSE(tools::plan_calls(tokens, 7, 0, 10));
  EXPECT_FALSE(tools::plan_calls({}, 0, 0, 10));
}

}  // namespace
}  // namespace kigo::test
