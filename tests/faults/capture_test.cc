// A capture gives back what was written: no two checkpoints share bytes (F87).
#include <gtest/gtest.h>

#include <rapidcheck/gtest.h>
#include <filesystem>

#include "core/base/cat.h"
#include "core/base/random.h"
#include "tools/lib/compare/capture_file.h"
#include "tools/lib/faults/child.h"

namespace kigo::tools {
namespace {

using model::Tap;

struct Written {
  Tap tap;
  std::vector<double> values;  // [3 tokens, 1, width]
};

/// The first checkpoint that does not come back as it was written; "none".
std::string first_changed(const std::vector<Written>& all) {
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/x.safetensors";
  const Call call{{1, 2, 3}, model::Logits::All};
  auto writer = CaptureWriter::create(path, {"test", "", "", {call}}, 1);
  if (!writer) return writer.error().message();
  for (const Written& each : all) {
    const auto width = static_cast<int64_t>(each.values.size()) / 3;
    const View<const double, 3> rows(each.values.data(), {3, 1, width});
    if (!writer->add(0, each.tap, 0, rows, compare::Dtype::f64)) return "not written";
  }
  if (!writer->commit()) return "not finished";
  const auto file = CaptureFile::open(path);
  if (!file) return file.error().message();
  const auto back = file->read(0, [](Tap, int64_t) { return true; });
  if (!back) return back.error().message();
  for (const Written& each : all) {
    const std::vector<double>* values = back->find(each.tap, 0);
    if (values == nullptr || *values != each.values) return model::name(each.tap, 0);
  }
  return "none";
}

TEST(Capture, GivesBackTwoCheckpointsOfOneShape) {
  EXPECT_EQ(first_changed({{Tap::attn_norm, {1, 2, 3, 4, 5, 6}}, {Tap::ffn_norm, {7, 8, 9, 10, 11, 12}}}),
            "none");
}

RC_GTEST_PROP(Capture, NoTwoCheckpointsShareBytes, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  std::vector<Written> all;
  for (const Tap tap :
       {Tap::embed, Tap::attn_norm, Tap::attn_out, Tap::ffn_norm, Tap::ffn_down, Tap::output_norm}) {
    Written one{tap, {}};
    for (uint64_t n = 3 * (1 + random.below(5)); n > 0; --n) one.values.push_back(random.normal());
    all.push_back(std::move(one));
  }
  RC_ASSERT(first_changed(all) == "none");
}

}  // namespace
}  // namespace kigo::tools
