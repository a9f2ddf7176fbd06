// A million draws: the same ids as another implementation's, in any order, and as often as their
// probabilities say.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <thread>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "core/base/random.h"
#include "core/sample/philox.h"
#include "core/sample/sampler.h"
#include "reference/draw.h"

namespace kigo::sample {
namespace {

using Ids = std::vector<uint32_t>;

/// A row of golden/draws/draws.json, which golden/make/draws.py made without any code of ours.
struct Golden {
  uint64_t vocab = 0, seed = 0, draws = 0;
  float temperature = 0;
  std::string uniform_fnv, ids_fnv;
  Ids first;
};
void PrintTo(const Golden& golden, std::ostream* out) { *out << "Of" << golden.vocab; }

std::vector<Golden> goldens() {
  const auto text = read_text_file(KIGO_SOURCE_DIR "/golden/draws/draws.json");
  const auto json = Json::parse(*text, "draws.json").value();
  std::vector<Golden> rows;
  for (const Json& row : *json.find("draws")->items()) {
    const auto number = [&](const char* key) { return static_cast<uint64_t>(*row.find(key)->integer()); };
    Golden golden{number("vocab"),
                  number("seed"),
                  number("draws"),
                  static_cast<float>(*row.find("temperature")->number()),
                  *row.find("uniform_fnv")->string(),
                  *row.find("ids_fnv")->string(),
                  {}};
    for (const Json& id : *row.find("first")->items())
      golden.first.push_back(static_cast<uint32_t>(*id.integer()));
    rows.push_back(std::move(golden));
  }
  return rows;
}

/// FNV-1a over little-endian numbers, 16 hex digits.
template <class T>
std::string fnv(const std::vector<T>& numbers) {
  uint64_t state = 0xCBF29CE484222325ull;
  for (const T number : numbers)
    for (const uint8_t byte : std::bit_cast<std::array<uint8_t, sizeof(T)>>(number))
      state = (state ^ byte) * 0x100000001B3ull;
  return hex(state, 16).substr(2);
}

std::vector<float> logits_of(const Golden& golden) {
  Random random(golden.seed);
  std::vector<float> logits(golden.vocab);
  for (float& x : logits) x = static_cast<float>(12.0 * random.uniform() - 6.0);
  return logits;
}

/// The running sums of a distribution: draw()'s rule, without its walk from the first id.
class RunningSums {
 public:
  explicit RunningSums(const Distribution& from) : ids_(from.ids) {
    double sum = 0;
    for (const double weight : from.weights) sums_.push_back(sum += weight);
  }
  uint32_t draw(double u) const {
    const auto at = std::ranges::upper_bound(sums_, u * sums_.back());
    return ids_[static_cast<size_t>(at - sums_.begin())];
  }

 private:
  Ids ids_;
  std::vector<double> sums_;
};

class MillionDraws : public testing::TestWithParam<Golden> {
 protected:
  MillionDraws()
      : logits_(logits_of(GetParam())),
        params_{.temperature = GetParam().temperature, .seed = GetParam().seed},
        left_(distribution(logits_, params_, {}, 0).value()) {}

  Ids ids() const {
    const RunningSums sums(left_);
    Ids ids(GetParam().draws);
    for (uint64_t index = 0; index < ids.size(); ++index)
      ids[index] = sums.draw(uniform(params_.seed, index));
    return ids;
  }

  const std::vector<float> logits_;
  const Params params_;
  const Distribution left_;
};
INSTANTIATE_TEST_SUITE_P(Ids, MillionDraws, testing::ValuesIn(goldens()), testing::PrintToStringParamName());

TEST_P(MillionDraws, UseTheNumbersOfAnotherPhilox) {
  std::vector<double> numbers(GetParam().draws);
  for (uint64_t index = 0; index < numbers.size(); ++index) numbers[index] = uniform(GetParam().seed, index);
  EXPECT_EQ(fnv(numbers), GetParam().uniform_fnv);
}

TEST_P(MillionDraws, AreTheIdsOfAnotherImplementation) {
  const Ids all = ids();
  EXPECT_EQ(Ids(all.begin(), all.begin() + 16), GetParam().first);
  EXPECT_EQ(fnv(all), GetParam().ids_fnv);
}

TEST_P(MillionDraws, AreWhatDrawAndSampleGive) {
  const Ids all = ids();
  const bool wide = GetParam().vocab > 1000;
  for (uint64_t index = 0; index < all.size(); index += wide ? 1000 : 1)
    ASSERT_EQ(draw(left_, uniform(params_.seed, index)), all[index]) << index;
  for (uint64_t index = 0; index < all.size(); index += wide ? 50'000 : 10)
    ASSERT_EQ(sample(logits_, params_, {}, index).value(), all[index]) << index;
}

TEST_P(MillionDraws, AreWhatTheReferenceDraws) {
  const auto vocab = static_cast<int64_t>(logits_.size());
  std::vector<double> x(logits_.size());
  for (size_t i = 0; i < x.size(); ++i) x[i] = double{logits_[i]} / double{params_.temperature};
  for (uint64_t index = 0; index < 16; ++index) {
    const double u = uniform(params_.seed, index);
    uint32_t id = 0;
    ASSERT_TRUE(
        reference::draw({.x = {x.data(), {1, vocab}}, .u = {&u, {1}}, .ids = {&id, {1}}, .workspace = {}}));
    EXPECT_EQ(id, GetParam().first[index]);
  }
}

// No state: backwards, and from four threads at once, each index has its id.
TEST_P(MillionDraws, AreTheSameInAnyOrder) {
  const Ids all = ids();
  const RunningSums sums(left_);
  Ids other(all.size());
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t index = all.size() - 1 - t; index < all.size(); index -= 4)
        other[index] = sums.draw(uniform(params_.seed, index));
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_TRUE(other == all);
}

/// Pearson's statistic against exact probabilities; ids expected fewer than ten times are one bin.
struct ChiSquare {
  double statistic = 0;
  double degrees = -1;

  void add(double seen, double expected) {
    statistic += (seen - expected) * (seen - expected) / expected;
    degrees += 1;
  }
  /// What chance exceeds once in a million. Source: E. Wilson, M. Hilferty, "The distribution of chi-square",
  /// 1931.
  double limit() const {
    const double part = 2 / (9 * degrees);
    const double root = 1 - part + 4.753 * std::sqrt(part);
    return degrees * root * root * root;
  }
};

/// The probabilities that temperature alone gives, from the definition.
std::vector<double> probabilities(const std::vector<float>& logits, double temperature) {
  const double highest = *std::ranges::max_element(logits);
  std::vector<double> shares;
  double total = 0;
  for (const float x : logits) {
    shares.push_back(std::exp((x - highest) / temperature));
    total += shares.back();
  }
  for (double& share : shares) share /= total;
  return shares;
}

ChiSquare chi_square(const Ids& drawn, const std::vector<double>& shares) {
  std::vector<double> seen(shares.size());
  for (const uint32_t id : drawn) seen[id] += 1;
  ChiSquare result;
  double rest_seen = 0, rest_expected = 0;
  for (size_t id = 0; id < shares.size(); ++id) {
    const double expected = shares[id] * static_cast<double>(drawn.size());
    if (expected >= 10) {
      result.add(seen[id], expected);
    } else {
      rest_seen += seen[id];
      rest_expected += expected;
    }
  }
  if (rest_expected > 0) result.add(rest_seen, rest_expected);
  return result;
}

TEST_P(MillionDraws, FollowTheExactProbabilities) {
  const ChiSquare found = chi_square(ids(), probabilities(logits_, double{params_.temperature}));
  EXPECT_GE(found.degrees, GetParam().vocab > 1000 ? 10'000 : 4);
  EXPECT_LT(found.statistic, found.limit());
}

TEST_P(MillionDraws, AreToldFromATemperatureFivePercentHigher) {  // the statistic does bite
  const ChiSquare found = chi_square(ids(), probabilities(logits_, 1.05 * double{params_.temperature}));
  EXPECT_GT(found.statistic, found.limit());
}

// 151,936 ids through every filter. The expected shares come from sorting everything.
TEST(FilteredDraws, FollowTheExactProbabilitiesOfAWideVocabulary) {
  const Golden golden = goldens().back();
  std::vector<float> logits = logits_of(golden);
  Random random(7);
  for (int i = 0; i < 300; ++i)
    logits[random.below(logits.size())] = static_cast<float>(7 + 2 * random.uniform());
  const Ids history{3, 3, 150'000};
  logits[3] = 9;
  const Params params{.temperature = 0.9f,
                      .top_p = 0.95f,
                      .min_p = 0.02f,
                      .repetition_penalty = 1.1f,
                      .top_k = 200,
                      .seed = 5};

  std::vector<std::pair<double, uint32_t>> order;
  for (uint32_t id = 0; id < logits.size(); ++id) {
    double x = double{logits[id]} / double{params.temperature};
    if (id == 3 || id == 150'000)
      x = x > 0 ? x / double{params.repetition_penalty} : x * double{params.repetition_penalty};
    order.emplace_back(-x, id);
  }
  std::ranges::sort(order);
  order.resize(params.top_k);
  std::vector<double> shares(logits.size());
  double total = 0, sum = 0, kept = 0;
  for (const auto& [x, id] : order) total += std::exp(order[0].first - x);
  for (const auto& [x, id] : order) {
    if (sum / total >= double{params.top_p}) break;
    const double weight = std::exp(order[0].first - x);
    sum += weight;
    if (weight < double{params.min_p}) continue;
    shares[id] = weight;
    kept += weight;
  }
  for (double& share : shares) share /= kept;

  const Distribution left = distribution(logits, params, history, 0).value();
  EXPECT_GT(left.ids.size(), 20u);
  EXPECT_LT(left.ids.size(), 200u);
  Ids drawn(200'000);
  for (uint64_t index = 0; index < drawn.size(); ++index)
    drawn[index] = draw(left, uniform(params.seed, index));
  for (const uint32_t id : drawn) ASSERT_GT(shares[id], 0) << id;
  const ChiSquare found = chi_square(drawn, shares);
  EXPECT_LT(found.statistic, found.limit()) << found.degrees;
}

}  // namespace
}  // namespace kigo::sample
