// Every checkpoint of every layer against Transformers in float64: where the logits' test says that the
// forward pass is wrong, this one says where it begins.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/compare/close.h"
#include "core/compare/golden.h"
#include "core/model/taps.h"
#include "core/model/weights.h"
#include "reference/model.h"
#include "tools/lib/json_fields.h"

namespace kigo {
namespace {

using model::Tap;

const std::string kCheckpoints = KIGO_SOURCE_DIR "/golden/checkpoints/";

/// golden/checkpoints/NAME.json and the values that it names.
struct Golden {
  std::string model;
  std::vector<uint32_t> tokens;
  std::vector<int64_t> positions;
  struct Checkpoint {
    std::vector<int64_t> shape;
    std::vector<double> values;
  };
  std::map<std::string, Checkpoint> checkpoints;
};

Result<Golden> read_golden(const std::string& name) {
  const std::string path = kCheckpoints + name + ".json";
  KIGO_ASSIGN(const std::string text, read_text_file(path));
  KIGO_ASSIGN(const Json json, Json::parse(text, path));
  const tools::Fields fields(json, path);
  Golden golden;
  std::string values_file;
  KIGO_TRY(fields.get("model", golden.model));
  KIGO_TRY(fields.get("tokens", golden.tokens));
  KIGO_TRY(fields.get("positions", golden.positions));
  KIGO_TRY(fields.get("values", values_file));
  KIGO_ASSIGN(const compare::Npy npy, compare::read_npy(kCheckpoints + values_file));
  const compare::Values values = npy.values();
  KIGO_ASSIGN(const auto* records, fields.items("checkpoints"));
  size_t used = 0;
  for (const Json& record : *records) {
    const tools::Fields of(record, path);
    std::string tap;
    Golden::Checkpoint checkpoint;
    KIGO_TRY(of.get("name", tap));
    KIGO_TRY(of.get("shape", checkpoint.shape));
    size_t size = 1;
    for (const int64_t n : checkpoint.shape) size *= static_cast<size_t>(n);
    for (; checkpoint.values.size() < size && used < values.size(); ++used)
      checkpoint.values.push_back(values[used]);
    if (checkpoint.values.size() < size)
      return fail(Code::truncated, path, cat(values.size(), " values"), "more");
    golden.checkpoints[tap] = std::move(checkpoint);
  }
  if (used != values.size()) return fail(Code::bad_value, path, cat(values.size(), " values"), cat(used));
  return golden;
}

/// The rows of a checkpoint at the given positions; `first` is the position of its first row.
std::vector<double> rows_at(View<const double, 3> all, std::span<const int64_t> positions, int64_t first) {
  std::vector<double> values;
  for (const int64_t position : positions) {
    for (int64_t head = 0; head < all.shape[1]; ++head) {
      for (int64_t i = 0; i < all.shape[2]; ++i) values.push_back(all(position - first, head, i));
    }
  }
  return values;
}

std::vector<std::string> golden_names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(kCheckpoints)) {
    if (entry.path().extension() == ".json") names.push_back(entry.path().stem().string());
  }
  std::ranges::sort(names);
  return names;
}

/// The value itself was rounded to float once: 2^-24 of it. Besides, both sides sum in double in orders of
/// their own. A sum of k products is off by at most k 2^-53 of the sum of its magnitudes, k at most 512 here;
/// through some ten sums in a row, with cancellation, that stays far below 2^-36 of the checkpoint's largest
/// value.
double bound_of(double want, double largest) { return 0x1p-24 * std::abs(want) + 0x1p-36 * largest; }

class GoldenCheckpoints : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    auto golden = read_golden(GetParam());
    ASSERT_TRUE(golden) << golden.error().message();
    golden_ = std::move(*golden);
    auto model = model::open(KIGO_SOURCE_DIR "/golden/" + golden_.model);
    ASSERT_TRUE(model) << model.error().message();
    model_ = std::make_unique<model::Model>(std::move(*model));
  }

  /// The name of the checkpoint in the golden file: the cache holds what was put into it.
  static std::string golden_name(Tap tap, int64_t layer) {
    if (tap == Tap::cache_k) return name(Tap::attn_k_rope, layer);
    if (tap == Tap::cache_v) return name(Tap::attn_v, layer);
    return name(tap, layer);
  }

  void expect_near(Tap tap, int64_t layer, View<const double, 3> all, int64_t first) {
    if (tap == Tap::logits) return;  // golden/logits has them, of every position
    if (tap == Tap::cache_k || tap == Tap::cache_v) first = 0;
    const auto found = golden_.checkpoints.find(golden_name(tap, layer));
    ASSERT_NE(found, golden_.checkpoints.end()) << name(tap, layer);
    seen_.insert(found->first);
    std::vector<int64_t> here;
    const size_t row_size = found->second.values.size() / golden_.positions.size();
    std::vector<double> want;
    for (size_t row = 0; row < golden_.positions.size(); ++row) {
      const int64_t position = golden_.positions[row];
      if (position < first || position >= first + all.shape[0]) continue;
      here.push_back(position);
      const auto begin = found->second.values.begin() + static_cast<std::ptrdiff_t>(row * row_size);
      want.insert(want.end(), begin, begin + static_cast<std::ptrdiff_t>(row_size));
    }
    const std::vector<double> got = rows_at(all, here, first);
    double largest = 0;
    for (const double value : found->second.values) largest = std::max(largest, std::abs(value));
    std::vector<double> bounds;
    for (const double value : want) bounds.push_back(bound_of(value, largest));
    std::vector<int64_t> shape = found->second.shape;
    shape[0] = static_cast<int64_t>(here.size());
    const compare::Report report =
        compare::close(got, want, compare::Bound::each(bounds), {.name = name(tap, layer), .shape = shape});
    EXPECT_TRUE(report) << report.text();
    compared_ += report.compared;
    worst_share_ = std::max(worst_share_, report.worst_share);
  }

  /// Feeds the tokens `chunk` at a time and compares what is reached.
  void run(size_t chunk) {
    reference::Session session(*model_);
    for (size_t at = 0; at < golden_.tokens.size(); at += chunk) {
      const auto first = static_cast<int64_t>(at);
      const auto tokens = std::span(golden_.tokens).subspan(at, std::min(chunk, golden_.tokens.size() - at));
      const auto logits = session.forward(
          tokens, reference::Logits::All,
          [&](Tap tap, int64_t layer, View<const double, 3> rows) { expect_near(tap, layer, rows, first); });
      ASSERT_TRUE(logits) << logits.error().message();
    }
    for (const auto& [checkpoint, values] : golden_.checkpoints)
      EXPECT_TRUE(seen_.contains(checkpoint)) << checkpoint << " was never reached";
  }

  Golden golden_;
  std::unique_ptr<model::Model> model_;
  std::set<std::string> seen_;
  int64_t compared_ = 0;
  double worst_share_ = 0;
};
INSTANTIATE_TEST_SUITE_P(Models, GoldenCheckpoints, testing::ValuesIn(golden_names()), [](const auto& each) {
  std::string name = each.param;
  std::ranges::replace(name, '-', '_');
  return name;
});

TEST(GoldenCheckpointFiles, HoldTheTinyModelsAndTheOneThatShips) { EXPECT_GE(golden_names().size(), 10u); }

TEST_P(GoldenCheckpoints, AreTransformersToTheLastFloat) {
  run(golden_.tokens.size());
  size_t stored = 0;
  for (const auto& [checkpoint, values] : golden_.checkpoints) stored += values.values.size();
  EXPECT_GE(static_cast<size_t>(compared_), stored);
  EXPECT_GT(worst_share_, 0.01) << "the bound is too loose to see anything";
  RecordProperty("worst_share", cat(worst_share_));
}

TEST_P(GoldenCheckpoints, AreTheSameTokenByToken) { run(1); }

/// Every layer has all of its checkpoints, in the shapes of the model.
TEST_P(GoldenCheckpoints, CoverEveryLayer) {
  const auto& config = model_->config;
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    for (auto tap = Tap::attn_norm; tap <= Tap::ffn_residual;
         tap = static_cast<Tap>(static_cast<int>(tap) + 1))
      EXPECT_TRUE(golden_.checkpoints.contains(golden_name(tap, layer))) << name(tap, layer);
  }
  // Without the two caches, which hold what two others have.
  EXPECT_EQ(static_cast<int64_t>(golden_.checkpoints.size()), 15 * config.layers + 2);
  const std::vector<int64_t> q{static_cast<int64_t>(golden_.positions.size()), config.heads, config.head_dim};
  EXPECT_EQ(golden_.checkpoints.at("blk.0.attn_q").shape, q);
}

/// The comparison sees one element that is off by a millionth of the largest.
TEST(GoldenCheckpointBound, RejectsAMillionthOfTheLargest) {
  const std::vector<double> want{1.0, 0.5, 1e-3};
  const std::vector<double> bounds{bound_of(1, 1), bound_of(0.5, 1), bound_of(1e-3, 1)};
  std::vector<double> got = want;
  EXPECT_TRUE(compare::close(got, want, compare::Bound::each(bounds), {}));
  got[2] += 1e-6;
  EXPECT_FALSE(compare::close(got, want, compare::Bound::each(bounds), {}));
}

}  // namespace
}  // namespace kigo
