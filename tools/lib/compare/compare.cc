#include "tools/lib/compare/compare.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <memory>
#include <utility>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "tools/lib/compare/capture_file.h"
#include "tools/lib/compare/carried.h"
#include "tools/lib/compare/judge.h"
#include "tools/lib/compare/stream.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

using model::Tap;

constexpr int64_t kMostLogitsBytes = 256'000'000;
constexpr double kProbe = 1e-4;  // relative size of the error that gains are measured with
// Logits alone, whole model: rounding to float is below the first (golden/README.md: 1e-5 of the largest
// logit), 8-bit activations stay below the second.
constexpr double kRounding = 1e-10;
constexpr double kBeyondRounding = 1e-2;

int64_t tokens_of(std::span<const Call> calls) {
  int64_t tokens = 0;
  for (const Call& call : calls) tokens += static_cast<int64_t>(call.tokens.size());
  return tokens;
}

Status check_side(const model::Config& config, const Side& side, std::span<const Call> calls) {
  if ((side.session == nullptr) == (side.capture == nullptr))
    return fail(Code::invalid_request, side.name, "both or neither of session and capture", "one of them");
  if (side.session != nullptr) {
    if (side.session->length() == 0) return {};
    return fail(Code::invalid_request, side.name,
                cat("a session with ", side.session->length(), " positions"), "an empty one");
  }
  KIGO_TRY(side.capture->fits(config));
  const std::span<const Call> made = side.capture->calls();
  std::vector<uint32_t> captured, asked;
  for (const Call& call : made) captured.insert(captured.end(), call.tokens.begin(), call.tokens.end());
  for (const Call& call : calls) asked.insert(asked.end(), call.tokens.begin(), call.tokens.end());
  if (captured.size() != asked.size())
    return fail(Code::invalid_request, side.name, cat(captured.size(), " tokens"), cat(asked.size()));
  const auto [at, other] = std::mismatch(captured.begin(), captured.end(), asked.begin());
  if (at != captured.end())
    return fail(Code::invalid_request, side.name, cat("token ", *at, " at position ", at - captured.begin()),
                cat(*other));
  const auto sizes = [](std::span<const Call> list_of) {
    std::vector<uint64_t> found;
    for (const Call& call : list_of) found.push_back(call.tokens.size());
    return found;
  };
  if (sizes(made) == sizes(calls)) return {};
  return fail(Code::invalid_request, side.name,
              cat("calls of ", list(std::span<const uint64_t>(sizes(made)))),
              cat("the same as the other side's: ", list(std::span<const uint64_t>(sizes(calls)))));
}

/// FNV-1a over the bits of all values.
uint64_t digest(std::span<const double> values) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const double value : values) hash = (hash ^ std::bit_cast<uint64_t>(value)) * 0x100000001b3;
  return hash;
}

class CompareRun {
 public:
  CompareRun(const model::Config& config, const model::Weights& weights, const Side& a, const Side& b,
             std::span<const Call> calls, const CompareOptions& options)
      : config_(config),
        weights_(weights),
        a_(a),
        b_(b),
        calls_(calls),
        options_(options),
        judge_a_(config, weights, a, 0, options.causes),
        judge_b_(config, weights, b, 1, options.causes) {
    report_.a = a.name;
    report_.b = b.name;
    report_.calls.assign(calls.begin(), calls.end());
  }

  Result<CompareReport> run() {
    {
      const auto a = SideStream::start(a_, config_, calls_);
      const auto b = SideStream::start(b_, config_, calls_);
      KIGO_TRY(every_group(
          [&](size_t call, int64_t first, int64_t group) { return compare(*a, *b, call, first, group); }));
    }
    if (options_.repeat && b_.session != nullptr) KIGO_TRY(again());
    decide();
    return std::move(report_);
  }

 private:
  template <class Do>
  Status every_group(Do&& each) {
    int64_t first = 0;
    for (size_t call = 0; call < calls_.size(); ++call) {
      for (int64_t group = 0; group <= config_.layers + 1; ++group) KIGO_TRY(each(call, first, group));
      first += static_cast<int64_t>(calls_[call].tokens.size());
    }
    return {};
  }

  Status compare(SideStream& a, SideStream& b, size_t call, int64_t first, int64_t group) {
    KIGO_ASSIGN(const Checkpoints of_a, a.next(call, group));
    KIGO_ASSIGN(const Checkpoints of_b, b.next(call, group));
    const bool layer = group >= 1 && group <= config_.layers;
    const bool carry = options_.carried && layer && first == 0;
    std::vector<double> input_a, input_b;
    if (carry && judge_a_.residual() != nullptr) input_a = *judge_a_.residual();
    if (carry && judge_b_.residual() != nullptr) input_b = *judge_b_.residual();
    const auto number = static_cast<int64_t>(call);
    judge_a_.group(calls_[call], number, first, group, of_a, nullptr, report_.checkpoints);
    judge_b_.group(calls_[call], number, first, group, of_b, &of_a, report_.checkpoints);
    if (!input_a.empty() && !input_b.empty() && judge_a_.residual() != nullptr &&
        judge_b_.residual() != nullptr)
      KIGO_TRY(carry_through(number, group - 1, input_a, input_b));
    if (group == config_.layers + 1) compare_logits(of_a, of_b);
    if (options_.repeat) remember(call, of_b);
    if (options_.progress)
      options_.progress(number * (config_.layers + 2) + group + 1,
                        static_cast<int64_t>(calls_.size()) * (config_.layers + 2));
    return {};
  }

  Status carry_through(int64_t call, int64_t layer, const std::vector<double>& input_a,
                       const std::vector<double>& input_b) {
    const std::vector<double>& output_a = *judge_a_.residual();
    const std::vector<double>& output_b = *judge_b_.residual();
    KIGO_ASSIGN(const auto probed, run_layer(config_, weights_, layer, with_error(input_a, kProbe)));
    KIGO_ASSIGN(const auto right, run_layer(config_, weights_, layer, input_b));
    Carried carried{.call = call, .layer = layer};
    carried.gain = relative_distance(probed, output_a) / kProbe;
    carried.introduced = relative_distance(output_b, right);
    const bool continued = !report_.carried.empty() && report_.carried.back().layer == layer - 1;
    const double before = continued ? report_.carried.back().predicted : relative_distance(input_b, input_a);
    carried.predicted = std::hypot(carried.gain * before, carried.introduced);
    carried.observed = relative_distance(output_b, output_a);
    report_.carried.push_back(carried);
    return {};
  }

  void compare_logits(const Checkpoints& of_a, const Checkpoints& of_b) {
    const std::vector<double>* a = of_a.find(Tap::logits, 0);
    const std::vector<double>* b = of_b.find(Tap::logits, 0);
    if (a == nullptr || b == nullptr) return;
    const auto vocab = static_cast<size_t>(config_.vocab);
    const size_t rows = std::min(a->size(), b->size()) / vocab;  // the last ones of both
    const std::span<const double> got = std::span(*b).last(rows * vocab);
    const std::span<const double> want = std::span(*a).last(rows * vocab);
    if (!report_.logits) report_.logits.emplace();
    LogitsReport& logits = *report_.logits;
    for (size_t i = 0; i < got.size(); ++i) {
      off_ += (got[i] - want[i]) * (got[i] - want[i]);
      size_ += want[i] * want[i];
    }
    logits.nmse = off_ == 0 ? 0 : off_ / size_;
    for (size_t row = 0; row < rows; ++row) {
      const auto one = got.subspan(row * vocab, vocab), other = want.subspan(row * vocab, vocab);
      const double kl = compare::kl_divergence(one, other);
      if (!(kl <= logits.kl_worst)) logits.kl_worst = kl;
      logits.top1_agree += compare::greedy_choice(one, other).agrees();
    }
    logits.rows += static_cast<int64_t>(rows);
  }

  void remember(size_t call, const Checkpoints& group) {
    for (const auto& [key, values] : group.all()) digests_.push_back({call, key, digest(values)});
  }

  /// Runs B a second time and looks for the first checkpoint with other bits.
  Status again() {
    b_.session->reset();
    const auto stream = SideStream::start(b_, config_, calls_);
    size_t at = 0;
    return every_group([&](size_t call, int64_t, int64_t group) -> Status {
      KIGO_ASSIGN(const Checkpoints found, stream->next(call, group));
      for (const auto& [key, values] : found.all()) {
        const bool same = at < digests_.size() && digests_[at++] == Digest{call, key, digest(values)};
        if (!same && !report_.unstable) report_.unstable = model::name(key.first, key.second);
      }
      return {};
    });
  }

  /// Whether every checkpoint of a side was held to its recipe, from the ids to the logits.
  bool covered(int side) const {
    size_t judged = 0;
    for (const Checkpoint& point : report_.checkpoints) {
      if (point.side != side) continue;
      if (point.origin == Origin::undecided) return false;
      judged += point.tap == Tap::embed || point.tap == Tap::ffn_residual || point.tap == Tap::logits;
    }
    return judged == calls_.size() * (static_cast<size_t>(config_.layers) + 2);
  }

  void decide() {
    std::vector<Checkpoint>& all = report_.checkpoints;
    const auto bad = std::ranges::find(all, Origin::introduced, &Checkpoint::origin);
    if (bad != all.end()) {
      report_.first = static_cast<size_t>(bad - all.begin());
      if (report_.unstable)
        bad->causes.insert(bad->causes.begin(), {"unstable",
                                                 cat("differs from run to run, first at ", *report_.unstable,
                                                     ": a missing barrier, or memory that was never written"),
                                                 true});
      return verdict(
          Comparison::diverged,
          cat(bad->place(), ": ", bad->side_name, " leaves its bound (", bad->report.refusal,
              bad->report.refusal.empty() ? cat("worst error ", brief(bad->share), " of it") : "", ")"));
    }
    if (report_.unstable)
      return verdict(Comparison::diverged,
                     cat(report_.b, " differs from run to run, first at ", *report_.unstable));
    if (all.empty()) return verdict(Comparison::undecided, "neither side handed out a checkpoint");
    if (covered(0) && covered(1))
      return verdict(Comparison::equal, "every checkpoint of both sides is within its bound");
    const std::string gap =
        cat(covered(1) ? report_.a : report_.b, " does not hand out the input of every checkpoint");
    if (!report_.logits)
      return verdict(Comparison::undecided, cat(gap, ", and logits of both are not there"));
    const double nmse = report_.logits->nmse;
    if (nmse <= kRounding)
      return verdict(Comparison::equal,
                     cat(gap, "; the logits agree within the rounding of floats, NMSE ", brief(nmse)));
    if (!(nmse <= kBeyondRounding))
      return verdict(Comparison::diverged,
                     cat(gap, "; the logits differ by more than rounding does, NMSE ", brief(nmse)));
    verdict(Comparison::undecided, cat(gap, "; the logits differ by NMSE ", nmse,
                                       ", which rounding to 8 or 16 bits may do or a fault"));
  }
  void verdict(Comparison verdict, std::string reason) {
    report_.verdict = verdict;
    report_.reason = std::move(reason);
  }

  struct Digest {
    size_t call;
    Checkpoints::Key key;
    uint64_t bits;
    bool operator==(const Digest&) const = default;
  };

  const model::Config& config_;
  const model::Weights& weights_;
  const Side& a_;
  const Side& b_;
  std::span<const Call> calls_;
  const CompareOptions& options_;
  Judge judge_a_, judge_b_;
  CompareReport report_;
  double off_ = 0, size_ = 0;  // of logits
  std::vector<Digest> digests_;
};

}  // namespace

Result<CompareReport> compare_sides(const model::Config& config, const model::Weights& weights, const Side& a,
                                    const Side& b, std::span<const Call> calls,
                                    const CompareOptions& options) {
  if (calls.empty()) return fail(Code::invalid_request, "calls", "none", "at least one");
  for (const Call& call : calls)
    if (call.tokens.empty())
      return fail(Code::invalid_request, "calls", "one without tokens", "at least one token");
  KIGO_TRY(check_side(config, a, calls));
  KIGO_TRY(check_side(config, b, calls));
  if (tokens_of(calls) > config.context)
    return fail(Code::context_overflow, "tokens", cat(tokens_of(calls)), cat("at most ", config.context));
  return CompareRun(config, weights, a, b, calls, options).run();
}

Result<CompareReport> compare_sides(const model::Model& model, const Side& a, const Side& b,
                                    std::span<const Call> calls, const CompareOptions& options) {
  return compare_sides(model.config, model.weights, a, b, calls, options);
}

Result<std::vector<Call>> plan_calls(std::span<const uint32_t> tokens, int64_t steps, int64_t chunk,
                                     int64_t vocab) {
  const auto count = static_cast<int64_t>(tokens.size());
  if (steps < 0 || chunk < 0 || count <= steps)
    return fail(Code::invalid_request, "tokens", cat(count, " tokens and ", steps, " steps"),
                "at least one token before the steps");
  const int64_t prompt = count - steps;
  if (chunk == 0) chunk = prompt;
  std::vector<Call> calls;
  for (int64_t at = 0; at < count;) {
    const int64_t size = at < prompt ? std::min(chunk, prompt - at) : 1;
    const bool all = at < prompt && size * vocab * static_cast<int64_t>(sizeof(double)) <= kMostLogitsBytes;
    const auto begin = tokens.begin() + at;
    calls.push_back({{begin, begin + size}, all ? model::Logits::All : model::Logits::Last});
    at += size;
  }
  return calls;
}

}  // namespace kigo::tools
