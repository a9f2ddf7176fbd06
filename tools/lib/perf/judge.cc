#include "tools/lib/perf/judge.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <map>

#include "core/base/cat.h"
#include "tools/lib/perf/statistics.h"

namespace kigo::tools::perf {
namespace {

constexpr size_t kLeastTogether = 8;    // kernels that can be said to have moved together
constexpr double kLeastCommon = 0.005;  // a common shift below that hides in each kernel's threshold
constexpr double kShareTogether = 0.9;  // of the kernels, within half of the shift of it
constexpr int64_t kLeastToAsk = 20;     // kernels that show how far apart two processes are
constexpr size_t kLeastAlike = 20;      // kernels that are asked apart from the others
constexpr double kThresholdNoise = 2;   // deviations of a block that a change has to exceed
constexpr double kConfirmed = 0.05;     // of the Mann-Whitney test
constexpr double kSingleError = 0.025;  // one-sided, of the interval that SAME is read from

std::vector<double> logs_of(std::span<const Block> blocks, double less = 0) {
  std::vector<double> logs;
  for (const Block& block : blocks) logs.push_back(block.log_us - less);
  return logs;
}

/// Whether the ranks of the blocks tell the sides apart: by the Mann-Whitney test at 5 %, or, where so few
/// cannot, as well as they can.
bool ranks_confirm(const Evidence& kernel, double common) {
  const std::vector<double> base = logs_of(kernel.base), head = logs_of(kernel.head, common);
  if (mann_whitney_p(base, head) <= kConfirmed) return true;
  return std::ranges::max(base) < std::ranges::min(head) || std::ranges::max(head) < std::ranges::min(base);
}

/// Log of the clock's change; 0 where it is not known.
double clock_change(const Evidence& kernel) {
  const auto clock = [](std::span<const Block> blocks) {
    std::vector<double> all;
    for (const Block& block : blocks) all.push_back(block.mhz);
    return std::ranges::min(all) > 0 ? median(all) : 0;
  };
  const double base = clock(kernel.base), head = clock(kernel.head);
  return base > 0 && head > 0 ? std::log(head / base) : 0;
}

std::string plain_percent(double share) { return signed_percent(std::abs(share)).substr(1); }

/// The shift that at least 90 % of the kernels share; 0 when they do not.
double common_of(const std::vector<double>& shifts) {
  if (shifts.size() < kLeastTogether) return 0;
  const double middle = median(shifts);
  const auto together = std::ranges::count_if(
      shifts, [&](double shift) { return std::abs(shift - middle) <= std::abs(middle) / 2; });
  const bool most = static_cast<double>(together) >= kShareTogether * static_cast<double>(shifts.size());
  return std::abs(middle) > kLeastCommon && most ? middle : 0;
}

/// What is known of one kernel besides the blocks.
struct Seen {
  double shift = 0;     // log of head over base
  double variance = 0;  // of the shift, from the scatter of blocks
  double block = 0;     // deviation of a block
  double degrees = 0;
  bool same_code = false;
};

/// How far two processes of one build are apart: so that the shifts of kernels (with equal code, where there
/// are enough) scatter around their middle as their deviations say. What few of them really changed by does
/// not matter to a robust deviation.
double process_shift_of(const std::vector<Seen>& seen, const JudgeOptions& options) {
  const bool known = std::ranges::count(seen, true, &Seen::same_code) >= kLeastToAsk;
  std::vector<Seen> asked;
  std::vector<double> shifts;
  for (const Seen& each : seen) {
    if (known && !each.same_code) continue;
    asked.push_back(each);
    shifts.push_back(each.shift);
  }
  if (std::ssize(asked) < kLeastToAsk) return options.process_shift;
  const double middle = median(std::move(shifts));
  const auto spread = [&](double process) {
    std::vector<double> all;
    for (const Seen& each : asked)
      all.push_back((each.shift - middle) / std::sqrt(each.variance + process * process));
    return robust_deviation(all);
  };
  double low = options.process_shift, high = options.most_process_shift;
  if (spread(low) <= 1) return low;
  for (int step = 0; step < 12; ++step) {
    const double process = (low + high) / 2;
    (spread(process) > 1 ? low : high) = process;
  }
  return high;
}

/// What is known of each kernel from those that are measured alike; from all, where these are few.
std::vector<Prior> priors_of(std::span<const Evidence> kernels, const std::vector<ScatterSeen>& scatter) {
  std::map<Cache, std::vector<ScatterSeen>> alike;
  for (size_t i = 0; i < kernels.size(); ++i) alike[kernels[i].cache].push_back(scatter[i]);
  std::map<Cache, Prior> priors;
  for (const auto& [cache, group] : alike)
    priors[cache] = fit_prior(group.size() < kLeastAlike ? scatter : group);
  std::vector<Prior> all;
  for (const Evidence& kernel : kernels) all.push_back(priors[kernel.cache]);
  return all;
}

/// t at a chance, the last ones remembered: the kernels of a run mostly have the same degrees of freedom.
class Quantiles {
 public:
  double operator()(double chance, double degrees) {
    if (chance != chance_ || degrees != degrees_) {
      chance_ = chance, degrees_ = degrees, value_ = student_quantile(chance, degrees);
    }
    return value_;
  }

 private:
  double chance_ = 0, degrees_ = 0, value_ = 0;
};

/// What speaks against a change that is large and beyond chance; empty when nothing does.
std::string objection(const Evidence& kernel, double shift, double common) {
  const double clock = clock_change(kernel);
  // cycles = us * mhz: when their change is less than half of the time's, it is the clock.
  if (const double cycles = shift + clock; cycles * shift < 0 || std::abs(cycles) < std::abs(shift) / 2)
    return cat("the clock changed by ", signed_percent(std::expm1(clock)), ", the cycles by ",
               signed_percent(std::expm1(cycles)));
  if (!ranks_confirm(kernel, common)) return "blocks of both sides overlap (Mann-Whitney)";
  if (kernel.same_code) return "the machine code is the same on both sides: not the code";
  return {};
}

}  // namespace

std::string signed_percent(double share) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%+.1f %%", 100 * share);
  return text.data();
}

std::string_view name_of(Verdict verdict) {
  constexpr std::array<std::string_view, 5> kNames{"FAST", "SLOW", "SAME", "AMBIGUOUS", "INVALID"};
  return kNames[static_cast<size_t>(verdict)];
}

Judgements judge(std::span<const Evidence> given, const JudgeOptions& options) {
  std::vector<Evidence> kernels(given.begin(), given.end());
  Judgements result;
  std::vector<ScatterSeen> scatter;
  for (Evidence& kernel : kernels) {
    const bool shared = take_out_shared(kernel.base, kernel.head);
    if (shared) kernel.past = {};
    ScatterSeen seen;
    seen.scatter.add(kernel.base);
    seen.scatter.add(kernel.head);
    if (shared) seen.scatter.degrees /= 2;
    seen.expected = expected_variance(kernel.base, kernel.head, kernel.past);
    seen.past_degrees = kernel.past.degrees;
    scatter.push_back(seen);
  }
  const std::vector<Prior> priors = priors_of(kernels, scatter);
  std::vector<Seen> seen;
  std::vector<double> shifts, shifts_of_same_code;
  for (size_t i = 0; i < kernels.size(); ++i) {
    const Evidence& kernel = kernels[i];
    const Scatter noise = moderated(priors[i], scatter[i]);
    const double blocks =
        1 / static_cast<double>(kernel.base.size()) + 1 / static_cast<double>(kernel.head.size());
    seen.push_back({hodges_lehmann(logs_of(kernel.base), logs_of(kernel.head)), noise.variance() * blocks,
                    std::sqrt(noise.variance()), noise.degrees, kernel.same_code});
    shifts.push_back(seen.back().shift);
    if (kernel.same_code) shifts_of_same_code.push_back(seen.back().shift);
  }
  const bool machine_known = shifts_of_same_code.size() >= kLeastTogether;
  const double common = common_of(machine_known ? shifts_of_same_code : shifts);
  result.common = std::expm1(common);
  result.common_is_code = common != 0 && !machine_known;
  result.process_shift = process_shift_of(seen, options);

  Quantiles family, single;
  const double chance = options.family_error / static_cast<double>(std::max<size_t>(kernels.size(), 1));
  for (size_t i = 0; i < kernels.size(); ++i) {
    const auto& [shift, variance, block, degrees, same_code] = seen[i];
    const double deviation = std::sqrt(variance + result.process_shift * result.process_shift);
    const double width = family(chance, degrees) * deviation;
    const double own = shift - common;
    Judgement judgement;
    judgement.change = std::expm1(shift);
    judgement.low = std::expm1(shift - width);
    judgement.high = std::expm1(shift + width);
    judgement.threshold = std::max(options.least_change, kThresholdNoise * block);
    judgement.base_us = std::exp(median(logs_of(given[i].base)));
    judgement.head_us = std::exp(median(logs_of(given[i].head)));
    const double base_part = 1 / std::sqrt(static_cast<double>(kernels[i].base.size()));
    const double head_part = 1 / std::sqrt(static_cast<double>(kernels[i].head.size()));
    judgement.base_width = width * base_part / (base_part + head_part);
    judgement.head_width = width * head_part / (base_part + head_part);

    const bool large = std::abs(own) > std::log1p(judgement.threshold);
    const char* const word = own > 0 ? "slower" : "faster";
    const std::string against =
        common == 0 ? "" : cat(" than all kernels, which moved by ", signed_percent(result.common));
    const std::string amount = cat(plain_percent(std::expm1(own)), " ", word, against);
    if (large && std::abs(own) > width) {
      const std::string doubt = objection(kernels[i], shift, common);
      judgement.verdict = !doubt.empty() ? Verdict::ambiguous : own > 0 ? Verdict::slow : Verdict::fast;
      judgement.why = doubt.empty() ? cat(amount, ", threshold ", plain_percent(judgement.threshold))
                                    : cat(amount, ", but ", doubt);
    } else if (large) {
      judgement.verdict = Verdict::ambiguous;
      judgement.why = cat(amount, ", but noise alone makes ", plain_percent(std::expm1(width)));
    } else if (std::abs(own) + single(kSingleError, degrees) * deviation > std::log1p(options.find)) {
      judgement.verdict = Verdict::ambiguous;
      judgement.why = cat(amount, ", too noisy to see ", plain_percent(options.find));
    } else if (result.common_is_code) {
      judgement.verdict = Verdict::ambiguous;
      judgement.why = cat("moved by ", signed_percent(result.common),
                          " with all kernels: the machine, or what all of them share");
    } else {
      judgement.why = common == 0
                          ? ""
                          : cat("moved by ", signed_percent(result.common), " with all kernels: the machine");
    }
    result.all.push_back(std::move(judgement));
  }
  return result;
}

}  // namespace kigo::tools::perf
