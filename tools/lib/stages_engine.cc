// Stages of `kigo verify` about an engine that is not the reference: what lies in its memory, and its logits.
#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "tools/lib/generation.h"
#include "tools/lib/stages.h"

namespace kigo::tools {
namespace {

// Noise as a share of the signal, of float activations against double ones. With keys and values in half both
// sides round them, but not always the same way. Source: docs/gpu.md, accuracy.
constexpr double kDecodeBound = 1e-10;
constexpr double kDecodeBoundHalf = 1e-7;
// With weights and the operands of every product in half each product is off by up to 2^-10, at random by
// about 2^-12: noise of 6e-8, which some hundred products on the way to the logits add up.
constexpr double kHalfWeightsBound = 1e-5;

// Continuations are long where Transformers has spoken too, and short for foreign models, which may be large.
constexpr int64_t kGoldenIds = 64;
constexpr int64_t kForeignTokens = 16;

using compare::Values;

Values row(const model::Rows& rows, int64_t at) {
  return std::span(rows.values)
      .subspan(static_cast<size_t>(at * rows.width), static_cast<size_t>(rows.width));
}

double largest_difference(const model::Rows& got, const model::Rows& want, int64_t at) {
  double largest = 0;
  for (int64_t i = 0; i < got.width; ++i)
    largest = std::max(largest, std::abs(got.view()(at, i) - want.view()(at, i)));
  return largest;
}

std::string number(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.1e", value);
  return buffer;
}

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

/// What one prompt showed, or all of them.
struct Found {
  double decode = 0;   // worst NMSE of logits made token by token
  double prefill = 0;  // worst NMSE of the logits behind a prompt fed at once
  int64_t positions = 0;
  int64_t ids = 0;
  int64_t flips = 0;  // greedy ids that differ where the reference's margin is within the error
  std::string wrong;  // the first greedy id that differs although the margin is wide
};

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

Status look(const Subject& subject, std::vector<uint32_t> tokens, int64_t count, Found& found) {
  model::Session& session = subject.engine.session();
  const auto prompt = static_cast<int64_t>(tokens.size());
  count = std::min(count, subject.model.config.context - prompt + 1);
  KIGO_ASSIGN(const model::Rows steps, one_by_one(session, tokens));
  KIGO_ASSIGN(const model::Rows behind, continue_greedily(session, tokens, count));
  reference::Session reference(subject.model, subject.engine.twin_cache(), subject.engine.twin_products());
  KIGO_ASSIGN(const model::Rows truth, reference.forward(tokens, model::Logits::All));
  for (int64_t i = 0; i < steps.rows; ++i)
    found.decode = std::max(found.decode, compare::nmse(row(steps, i), row(truth, i)));
  found.prefill = std::max(found.prefill, compare::nmse(row(behind, 0), row(truth, prompt - 1)));
  found.positions += steps.rows;

  model::Rows wanted(behind.rows, behind.width);
  std::copy_n(truth.values.begin() + (prompt - 1) * truth.width, wanted.values.size(), wanted.values.begin());
  for (int64_t i = 0; i < behind.rows; ++i, ++found.ids) {
    const compare::Choice choice = compare::greedy_choice(row(behind, i), row(wanted, i));
    if (choice.agrees()) continue;
    const double error = largest_difference(behind, wanted, i);
    if (!choice.decided(error)) {
      ++found.flips;
    } else if (found.wrong.empty()) {
      found.wrong = cat("id ", i, " behind a prompt of ", prompt, ": ", choice.got, ", the reference has ",
                        choice.want, " by ", number(choice.margin), ", error ", number(error));
    }
  }
  return {};
}

}  // namespace

Stages engine_stages(const Subject& subject) {
  std::vector<Stage> stages;
  const Status weights = subject.engine.check_weights();
  const std::string read_back =
      cat(subject.model.source.file.tensors.size(), " tensors read back from the device, by hash");
  stages.push_back(weights ? stage_of(true, "gpu weights", read_back)
                           : failed_stage("gpu weights", read_back, weights.error()));
  Found found;
  for (const auto& prompt : prompts_of(subject)) {
    const Status looked = look(subject, prompt, subject.golden ? kGoldenIds : kForeignTokens, found);
    if (!looked) {
      stages.push_back(failed_stage("gpu logits", "against the reference", looked.error()));
      return stages;
    }
  }
  const bool half = subject.engine.twin_cache() == reference::Cache::Half;
  const double bound = subject.options.engine.half_weights ? kHalfWeightsBound
                       : half                              ? kDecodeBoundHalf
                                                           : kDecodeBound;
  Stage logits =
      stage_of(found.decode <= bound, "gpu logits",
               cat(found.positions, " positions one by one against the reference, NMSE ", number(bound)),
               cat("NMSE ", number(found.decode), " one by one, ", number(found.prefill),
                   " behind prompts fed at once"));
  logits.share = found.decode / bound;
  stages.push_back(std::move(logits));
  stages.push_back(stage_of(found.wrong.empty(), "gpu greedy ids",
                            cat(found.ids, " ids against the reference"),
                            !found.wrong.empty() ? found.wrong
                            : found.flips == 0   ? ""
                                                 : cat(found.flips, " near ties decided the other way")));
  return stages;
}

}  // namespace kigo::tools
