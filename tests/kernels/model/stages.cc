#include "tests/kernels/model/stages.h"

#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "core/compare/close.h"

namespace kigo::test {

using model::Tap;

int64_t expect_stages(const StagesCase& c, std::span<const int64_t> layers) {
  int64_t compared = 0;
  const tools::StageSink compare = [&](const tools::ComputedStage& stage) {
    compare::Subject subject;
    subject.name = cat(model::name(stage.tap, stage.layer), stage.old_positions ? ", old positions" : "");
    subject.shape.assign(stage.shape.begin(), stage.shape.end());
    ASSERT_TRUE(stage.recipe.has_value()) << subject.name << ": its input is not there";
    const tools::Expected want = tools::expected(*stage.recipe, stage.how);
    const compare::Report report =
        compare::close(stage.got, want.values, compare::Bound::each(want.bounds), subject);
    EXPECT_TRUE(report.pass) << report.text();
    ++compared;
  };
  const model::Config& config = c.file->config;
  const tools::StageWalk walk(config, c.file->weights);
  const tools::StageCall call{c.tokens, c.first, c.how};
  walk.embed(call, *c.got, compare);
  for (const int64_t layer : layers) {
    tools::KeptCache cache;
    if (c.before != nullptr) {
      cache.k = *c.before->find(Tap::cache_k, layer);
      cache.v = *c.before->find(Tap::cache_v, layer);
    }
    const std::vector<double>* input =
        layer == 0 ? c.got->find(Tap::embed, 0) : c.got->find(Tap::ffn_residual, layer - 1);
    walk.layer(call, layer, *c.got, input, cache, compare);
  }
  walk.head(call, *c.got, c.got->find(Tap::ffn_residual, config.layers - 1), compare);
  return compared;
}

}  // namespace kigo::test
