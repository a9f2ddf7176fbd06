// Stages of `kigo verify` about an engine that is not the reference: what lies in its memory, and its logits.
#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "tools/lib/generation.h"
#include "tools/lib/logit_noise.h"
#include "tools/lib/stages.h"

namespace kigo::tools {
namespace {

// Continuations are long where Transformers has spoken too, and short for foreign models, which may be large.
constexpr int64_t kGoldenIds = 64;
constexpr int64_t kForeignTokens = 16;

using compare::Values;

Values row(const model::Rows& rows, int64_t at) {
  return std::span(rows.values)
      .subspan(static_cast<size_t>(at * rows.width), static_cast<size_t>(rows.width));
}

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1e", value);
  return buffer;
}

/// What one prompt showed, or all of them.
struct Found {
  double decode = 0;         // worst NMSE of logits made token by token
  double prefill = 0;        // worst NMSE of the logits behind a prompt fed at once
  double divergence = 0;     // worst Kullback-Leibler divergence of both
  double agreement[3] = {};  // sums of the shares of the first 1, 5, 10 ids that both have, over `positions`
  int64_t positions = 0;
  int64_t ids = 0;
  int64_t flips = 0;     // greedy ids that differ where the reference's margin is within the error allowed
  std::string wrong;     // the first greedy id that differs although the margin is wide
  int64_t repeated = 0;  // calls made again
  std::string unlike;    // the first one that gave other bits

  void add(Values got, Values want) {
    constexpr size_t kFirst[] = {1, 5, 10};
    divergence = std::max(divergence, compare::kl_divergence(got, want));
    for (size_t k = 0; k < std::size(kFirst); ++k)
      agreement[k] += compare::top_k_agreement(got, want, kFirst[k]);
    ++positions;
  }
};

/// Noise allowed, as shares of the signal.
struct Bounds {
  double decode;
  double prefill;
};
Bounds bounds_of(const Subject& subject) {
  const EngineOptions& options = subject.options.engine;
  const bool half = subject.engine.twin_cache() == reference::Cache::Half;
  const double decode = options.half_weights ? kHalfNoise : half ? kDecodeNoiseHalf : kDecodeNoise;
  return {decode, options.precise_prefill ? decode : kHalfNoise};
}

/// All tokens one at a time.
Result<model::Rows> one_by_one(model::Session& session, std::span<const uint32_t> tokens) {
  model::Rows all;
  session.reset();
  for (const uint32_t token : tokens) {
    KIGO_ASSIGN(const model::Rows last, session.forward({&token, 1}, model::Logits::Last));
    all.values.insert(all.values.end(), last.values.begin(), last.values.end());
    all.width = last.width;
    all.rows += 1;
  }
  return all;
}

/// The prompt at once, then greedily on: the logits behind the prompt and behind each new id.
Result<model::Rows> continue_greedily(model::Session& session, std::vector<uint32_t>& tokens, int64_t count) {
  session.reset();
  KIGO_ASSIGN(model::Rows all, session.forward(tokens, model::Logits::Last));
  while (all.rows < count) {
    const uint32_t id = best_drawable({all.values.data() + (all.rows - 1) * all.width, {all.width}}, {}).id;
    tokens.push_back(id);
    KIGO_ASSIGN(const model::Rows last, session.forward({&id, 1}, model::Logits::Last));
    all.values.insert(all.values.end(), last.values.begin(), last.values.end());
    all.rows += 1;
  }
  return all;
}

/// The same calls again, and with precise prompts the prompt in two calls: the same bits. `behind` is what
/// the calls gave at first.
Status repeat(const Subject& subject, std::span<const uint32_t> prompt, const model::Rows& behind,
              Found& found) {
  model::Session& session = subject.engine.session();
  std::vector<uint32_t> tokens(prompt.begin(), prompt.end());
  KIGO_ASSIGN(const model::Rows again, continue_greedily(session, tokens, behind.rows));
  ++found.repeated;
  if (again.values != behind.values && found.unlike.empty())
    found.unlike = cat("a prompt of ", prompt.size(), " and ", behind.rows, " ids gave other logits again");
  const size_t half = prompt.size() / 2;
  if (!subject.options.engine.precise_prefill || half < 2) return {};  // a call with one token is a step
  session.reset();
  KIGO_TRY(session.forward(prompt.first(half), model::Logits::Last));
  KIGO_ASSIGN(const model::Rows cut, session.forward(prompt.subspan(half), model::Logits::Last));
  ++found.repeated;
  if (!std::equal(cut.values.begin(), cut.values.end(), behind.values.begin()) && found.unlike.empty())
    found.unlike = cat("a prompt of ", prompt.size(), " cut behind ", half, " tokens gave other logits");
  return {};
}

Status look(const Subject& subject, std::vector<uint32_t> tokens, int64_t count, Found& found) {
  model::Session& session = subject.engine.session();
  const std::vector<uint32_t> prompt = tokens;
  const auto length = static_cast<int64_t>(prompt.size());
  count = std::min(count, subject.model.config.context - length + 1);
  KIGO_ASSIGN(const model::Rows steps, one_by_one(session, tokens));
  KIGO_ASSIGN(const model::Rows behind, continue_greedily(session, tokens, count));
  KIGO_TRY(repeat(subject, prompt, behind, found));
  reference::Session reference(subject.model, subject.engine.twin_cache(), subject.engine.twin_products());
  KIGO_ASSIGN(const model::Rows truth, reference.forward(tokens, model::Logits::All));
  for (int64_t i = 0; i < steps.rows; ++i) {
    found.decode = std::max(found.decode, compare::nmse(row(steps, i), row(truth, i)));
    found.add(row(steps, i), row(truth, i));
  }
  const double noise = bounds_of(subject).prefill;
  for (int64_t i = 0; i < behind.rows; ++i, ++found.ids) {
    const Values got = row(behind, i), want = row(truth, length - 1 + i);
    found.prefill = std::max(found.prefill, compare::nmse(got, want));
    found.add(got, want);
    const compare::Choice choice = compare::greedy_choice(got, want);
    if (choice.agrees()) continue;
    if (!choice.decided(allowed_error(want, noise))) {
      ++found.flips;
    } else if (found.wrong.empty()) {
      found.wrong = cat("id ", i, " behind a prompt of ", length, ": ", choice.got, ", the reference has ",
                        choice.want, " by ", number(choice.margin));
    }
  }
  return {};
}

/// Of several noises, the one that is nearest to its bound.
Stage logits_stage(const Found& found, const Bounds& bounds) {
  const double share = std::max(found.decode / bounds.decode, found.prefill / bounds.prefill);
  const auto percent = [&](double sum) { return 100 * sum / static_cast<double>(found.positions); };
  char agreement[96];
  std::snprintf(agreement, sizeof agreement, "the first 1, 5, 10 ids agree by %.2f, %.2f, %.2f %%",
                percent(found.agreement[0]), percent(found.agreement[1]), percent(found.agreement[2]));
  Stage stage = stage_of(
      share <= 1, "gpu logits",
      cat(found.positions, " positions against the reference, NMSE ", number(bounds.decode), " one by one, ",
          number(bounds.prefill), " behind prompts"),
      cat("NMSE ", number(found.decode), " one by one, ", number(found.prefill),
          " behind prompts fed at once; KL divergence at most ", number(found.divergence), "; ", agreement));
  stage.share = share;
  return stage;
}

}  // namespace

std::vector<std::vector<uint32_t>> prompts_of(const Subject& subject) {
  std::vector<std::vector<uint32_t>> prompts;
  if (subject.golden) {
    for (const GoldenPrompt& prompt : subject.golden->prompts) prompts.push_back(prompt.tokens);
    return prompts;
  }
  const model::Config& config = subject.model.config;
  prompts.emplace_back();
  for (int64_t i = 0; i < std::min(kForeignTokens, config.context); ++i)
    prompts.back().push_back(static_cast<uint32_t>((7 + 131 * i) % config.vocab));
  return prompts;
}

Stages engine_stages(const Subject& subject) {
  std::vector<Stage> stages;
  const Status weights = subject.engine.check_weights();
  const std::string read_back =
      cat(subject.model.source.file.tensors.size(), " tensors read back from the device, by hash");
  stages.push_back(weights ? stage_of(true, "gpu weights", read_back)
                           : failed_stage("gpu weights", read_back, weights.error()));
  stages.push_back(checkpoints_stage(subject));
  Found found;
  for (const auto& prompt : prompts_of(subject)) {
    const Status looked = look(subject, prompt, subject.golden ? kGoldenIds : kForeignTokens, found);
    if (!looked) {
      stages.push_back(failed_stage("gpu logits", "against the reference", looked.error()));
      return stages;
    }
  }
  stages.push_back(logits_stage(found, bounds_of(subject)));
  stages.push_back(stage_of(found.unlike.empty(), "gpu repeat",
                            cat(found.repeated, " times the same calls, bit for bit"), found.unlike));
  stages.push_back(stage_of(found.wrong.empty(), "gpu greedy ids",
                            cat(found.ids, " ids against the reference"),
                            !found.wrong.empty() ? found.wrong
                            : found.flips == 0   ? ""
                                                 : cat(found.flips, " near ties decided the other way")));
  return stages;
}

}  // namespace kigo::tools
