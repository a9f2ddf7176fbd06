#include "tools/lib/perf/noise.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <utility>

#include "core/base/cat.h"
#include "tools/lib/perf/statistics.h"

namespace kigo::tools::perf {
namespace {

constexpr double kBlockShift = 0.002;
constexpr double kShapeDegrees = 4;      // what the expectation without a past is worth against one
constexpr double kMostPastDegrees = 40;  // more would be from before too many changes
constexpr size_t kLeastKernels = 10;     // below that a variance of variances says nothing
constexpr double kMostDegrees = 30;
constexpr double kMostAgainstOwn = 2;  // degrees of what others say, for each of what the kernel itself says
constexpr double kOutOfLine = 0.01;
constexpr double kShared = 0.001;

double mean_variance(std::span<const Block> blocks) {
  double sum = 0;
  for (const Block& block : blocks) sum += block.variance;
  return blocks.empty() ? 0 : sum / static_cast<double>(blocks.size());
}

}  // namespace

Block block_of(const Record& record) {
  std::vector<double> logs;
  logs.reserve(record.us.size());
  for (const double us : record.us) logs.push_back(std::log(us));
  const double deviation = robust_deviation(logs);
  Block block;
  block.log_us = median(logs);
  block.variance = std::numbers::pi / 2 * deviation * deviation / static_cast<double>(logs.size());
  if (!record.mhz.empty()) block.mhz = median(record.mhz);
  block.number = record.block;
  return block;
}

void Scatter::add(std::span<const Block> blocks) {
  if (blocks.size() < 2) return;
  double mean = 0;
  for (const Block& block : blocks) mean += block.log_us / static_cast<double>(blocks.size());
  for (const Block& block : blocks) squares += (block.log_us - mean) * (block.log_us - mean);
  degrees += static_cast<double>(blocks.size() - 1);
}

bool take_out_shared(std::vector<Block>& base, std::vector<Block>& head) {
  for (std::vector<Block>* side : {&base, &head}) std::ranges::sort(*side, {}, &Block::number);
  const size_t count = base.size();
  const auto twice = std::ranges::adjacent_find(base, {}, &Block::number);
  if (count < 2 || twice != base.end() || !std::ranges::equal(base, head, {}, &Block::number, &Block::number))
    return false;
  std::vector<double> middle;
  double all = 0, change = 0;
  for (size_t i = 0; i < count; ++i) {
    middle.push_back((base[i].log_us + head[i].log_us) / 2);
    all += middle[i] / static_cast<double>(count);
    change += (head[i].log_us - base[i].log_us) / static_cast<double>(count);
  }
  double shared = 0, left = 0;  // sums of squares, both of count - 1 degrees of freedom
  for (size_t i = 0; i < count; ++i) {
    const double beside = head[i].log_us - base[i].log_us - change;
    shared += 2 * (middle[i] - all) * (middle[i] - all);
    left += beside * beside / 2;
  }
  const auto degrees = static_cast<double>(count - 1);
  if (shared <= left || f_tail(shared / left, degrees, degrees) > kShared) return false;
  for (size_t i = 0; i < count; ++i) {
    base[i].log_us -= middle[i] - all;
    head[i].log_us -= middle[i] - all;
  }
  return true;
}

std::string place_of(const Record& record) {
  const auto& [device, driver, cuda, clocks, flags, method] = record.setting;
  const auto& [kind, name, text, cache] = record.subject;
  constexpr char kEnd = '\0';
  return cat(device, kEnd, driver, kEnd, cuda, kEnd, clocks, kEnd, flags, kEnd, method, kEnd, name_of(kind),
             kEnd, name, kEnd, text, kEnd, name_of(cache));
}

std::string build_of(const Record& record) {
  constexpr char kEnd = '\0';
  return cat(record.run, kEnd, record.commit, kEnd, record.code, kEnd, record.delay_us);
}

bool usable(const Record& record) {
  const auto good = [](double us) { return us > 0 && std::isfinite(us); };
  return record.state != State::invalid && !record.us.empty() && std::ranges::all_of(record.us, good);
}

PastNoise past_noise(std::span<const Record> history, const std::set<std::string>& but) {
  struct Build {
    std::string newest;
    std::vector<Block> blocks;
  };
  std::unordered_map<std::string, std::unordered_map<std::string, Build>> places;
  for (const Record& record : history) {
    if (!usable(record) || but.contains(record.run)) continue;
    Build& build = places[place_of(record)][build_of(record)];
    build.newest = std::max(build.newest, record.time);
    build.blocks.push_back(block_of(record));
  }
  PastNoise past;
  for (const auto& [place, builds] : places) {
    std::vector<std::pair<std::string, const Build*>> newest;
    for (const auto& [name, build] : builds) newest.emplace_back(cat(build.newest, name), &build);
    std::ranges::sort(newest, std::greater<>());
    Scatter scatter;
    for (const auto& [time, build] : newest) {
      if (scatter.degrees < kMostPastDegrees) scatter.add(build->blocks);
    }
    if (scatter.degrees > 0) past.emplace(place, scatter);
  }
  return past;
}

double expected_variance(std::span<const Block> base, std::span<const Block> head, const Scatter& past) {
  const double shape = kBlockShift * kBlockShift + (mean_variance(base) + mean_variance(head)) / 2;
  return (kShapeDegrees * shape + past.squares) / (kShapeDegrees + past.degrees);
}

Prior fit_prior(std::span<const ScatterSeen> kernels) {
  std::vector<double> logs, spread;  // of observed / expected, without what chance adds to them
  for (const ScatterSeen& kernel : kernels) {
    const double half = kernel.scatter.degrees / 2;
    if (half <= 0 || kernel.scatter.squares <= 0) continue;
    logs.push_back(std::log(kernel.scatter.variance() / kernel.expected) - digamma(half) + std::log(half));
    spread.push_back(trigamma(half));
  }
  if (logs.size() < kLeastKernels) return {};
  const double middle = median(logs), reach = 3 * robust_deviation(logs);
  double mean = 0, variance = 0, chance = 0;
  const auto count = static_cast<double>(logs.size());
  for (double& each : logs) {
    each = std::min(each, middle + reach);
    mean += each / count;
  }
  for (size_t i = 0; i < logs.size(); ++i) {
    variance += (logs[i] - mean) * (logs[i] - mean) / (count - 1);
    chance += spread[i] / count;
  }
  const double most = std::min(kMostDegrees, count / 2), own = variance - chance;
  Prior prior;
  prior.degrees = own <= 0 ? most : std::min(most, 2 * inverse_trigamma(own));
  prior.scale = std::exp(mean + digamma(prior.degrees / 2) - std::log(prior.degrees / 2));
  return prior;
}

Scatter moderated(const Prior& prior, const ScatterSeen& kernel) {
  const Scatter& own = kernel.scatter;
  const double degrees = std::min(prior.degrees, kMostAgainstOwn * (own.degrees + kernel.past_degrees));
  const double expected = prior.scale * kernel.expected;
  if (own.degrees > 0 && f_tail(own.variance() / expected, own.degrees, prior.degrees) < kOutOfLine)
    return own;
  return {degrees * expected + own.squares, degrees + own.degrees};
}

}  // namespace kigo::tools::perf
