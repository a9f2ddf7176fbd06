// Stages of `kigo verify` about weights, the forward pass and the haiku.
#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/cat.h"
#include "core/compare/close.h"
#include "core/compare/golden.h"
#include "tools/lib/generation.h"
#include "tools/lib/golden_blocks.h"
#include "tools/lib/haiku/local_run.h"
#include "tools/lib/stages.h"

namespace kigo::tools {
namespace {

// What the reference has to reach, as a share of the largest logit. Transformers sums in float32 (measured:
// 1e-6 to 3e-6 off its own float64 run), llama.cpp on the F32 variant is sharper.
constexpr double kTransformersBound = 1e-5;
constexpr double kLlamaBound = 2e-6;

// Two logits nearer than this may change places between two programs: below kTransformersBound times the
// largest logits of the golden models, 13 to 29.
constexpr double kNearTie = 1e-4;

/// The pass under judgement where outside data is the truth: keys and values in double.
reference::Session reference_of(const Subject& subject) {
  return reference::Session(subject.model, reference::Cache::Double, subject.engine.twin_products());
}

/// The worst comparison of several, and how far it went.
struct Worst {
  double share = 0;
  std::string report;  // of the first comparison that failed

  void add(const compare::Report& comparison) {
    share = std::max(share, comparison.worst_share);
    if (!comparison && report.empty()) report = comparison.text();
  }
};

/// One program's logits of all golden prompts, one prompt after another: [rows, vocab].
struct Oracle {
  std::vector<float> logits;
  double bound = 0;  // absolute
  Worst worst;
};

Result<Oracle> read_oracle(const std::string& path, int64_t rows, int64_t vocab, double relative_bound) {
  KIGO_ASSIGN(compare::Npy npy, compare::read_npy(path));
  const std::vector<int64_t> wanted{rows, vocab};
  auto* logits = std::get_if<std::vector<float>>(&npy.data);
  if (logits == nullptr || npy.shape != wanted) {
    return fail(Code::wrong_shape, path, list(std::span<const int64_t>(npy.shape)),
                cat("float32 ", list(std::span<const int64_t>(wanted))));
  }
  double largest = 0;
  for (const float logit : *logits) largest = std::max(largest, std::abs(double{logit}));
  return Oracle{std::move(*logits), relative_bound * largest, {}};
}

void compare_rows(Oracle& oracle, const reference::Rows& got, const GoldenPrompt& prompt) {
  const auto width = static_cast<size_t>(got.width);
  const auto want = std::span<const float>(oracle.logits)
                        .subspan(static_cast<size_t>(prompt.first_row) * width, prompt.tokens.size() * width);
  compare::Subject subject;
  subject.name = cat("logits of ", prompt.name);
  subject.shape = {got.rows, got.width};
  subject.axes = {"position", "id"};
  oracle.worst.add(compare::close(got.values, want, compare::Bound::within(oracle.bound), subject));
}

Stage logits_stage(const char* other, Oracle& oracle, uint64_t positions, std::string detail = {}) {
  const bool pass = oracle.worst.report.empty();
  Stage stage = stage_of(pass, "logits", cat(positions, " positions against ", other),
                         pass ? std::move(detail) : std::move(oracle.worst.report));
  stage.share = oracle.worst.share;
  return stage;
}

}  // namespace

Stages decode_stages(const Subject& subject) {
  std::set<const quant::TensorType*> types;
  uint64_t values = 0;
  for (const gguf::Tensor& tensor : subject.model.source.file.tensors) {
    types.insert(tensor.type);
    values += tensor.elements();
  }
  std::vector<Stage> stages;
  for (const quant::TensorType* type : types) {
    if (type->name == "F32") continue;  // its bytes are the value
    KIGO_ASSIGN(const auto comparison, compare_golden_blocks(subject.options.golden, *type));
    stages.push_back(stage_of(
        comparison.wrong_groups == 0, cat("decode ", type->name),
        cat(grouped(comparison.blocks), " blocks against ", type->name == "Q8_K" ? "ggml" : "gguf-py",
            ", bit for bit"),
        comparison.wrong_groups == 0 ? "" : cat(comparison.wrong_groups, " groups of blocks differ")));
  }
  // Decoding everything is cheap, and a value that is not finite would poison every logit behind it.
  std::vector<float> row;
  for (const gguf::Tensor& tensor : subject.model.source.file.tensors) {
    const uint64_t width = tensor.dims.empty() ? 1 : tensor.dims[0];
    row.resize(width);
    const uint64_t row_bytes = width / tensor.type->block_values * tensor.type->block_bytes;
    for (uint64_t at = 0; at < tensor.data.size(); at += row_bytes) {
      tensor.type->decode(tensor.data.data() + at, static_cast<int64_t>(width), row.data());
      if (!std::ranges::all_of(row, [](float value) { return std::isfinite(value); })) {
        stages.push_back(stage_of(false, "weights", "all values finite",
                                  cat(escaped(tensor.name), ": row ", at / row_bytes, " is not finite")));
        return stages;
      }
    }
  }
  stages.push_back(stage_of(true, "weights",
                            cat(grouped(values), " values of ", subject.model.source.file.tensors.size(),
                                " tensors decoded, all finite")));
  return stages;
}

Stage prefill_stage(const Subject& subject) {
  std::vector<uint32_t> tokens;
  const auto count = std::min<int64_t>(16, subject.model.config.context);
  for (int64_t i = 0; i < count; ++i) {
    tokens.push_back(static_cast<uint32_t>((7 + 131 * i) % subject.model.config.vocab));
  }
  const std::string checked = cat(count, " positions at once against one by one, bit for bit");
  reference::Session at_once = reference_of(subject);
  reference::Session one_by_one = reference_of(subject);
  const auto all = at_once.forward(tokens, reference::Logits::All);
  if (!all) return failed_stage("prefill", checked, all.error());
  for (int64_t i = 0; i < count; ++i) {
    const auto step = one_by_one.forward({&tokens[static_cast<size_t>(i)], 1}, reference::Logits::Last);
    if (!step) return failed_stage("prefill", checked, step.error());
    const auto begin = all->values.begin() + i * all->width;
    if (!std::equal(step->values.begin(), step->values.end(), begin)) {
      return stage_of(false, "prefill", checked, cat("position ", i, " differs"));
    }
  }
  return stage_of(true, "prefill", checked);
}

Stages logits_stages(const Subject& subject) {
  const GoldenLogits& golden = *subject.golden;
  const int64_t vocab = subject.model.config.vocab;
  int64_t rows = 0;
  for (const GoldenPrompt& prompt : golden.prompts) rows += static_cast<int64_t>(prompt.tokens.size());
  KIGO_ASSIGN(Oracle transformers, read_oracle(golden.transformers, rows, vocab, kTransformersBound));
  KIGO_ASSIGN(Oracle llama, read_oracle(golden.llama_cpp, rows, vocab, kLlamaBound));
  reference::Session session = reference_of(subject);
  for (const GoldenPrompt& prompt : golden.prompts) {
    session.reset();
    const auto logits = session.forward(prompt.tokens, reference::Logits::All);
    if (!logits) return std::vector<Stage>{failed_stage("logits", prompt.name, logits.error())};
    compare_rows(transformers, *logits, prompt);
    compare_rows(llama, *logits, prompt);
  }
  const auto positions = static_cast<uint64_t>(rows);
  return std::vector<Stage>{
      logits_stage("Transformers, bound 1e-5 of the largest", transformers, positions),
      logits_stage("llama.cpp on F32, bound 2e-6 of the largest", llama, positions,
                   cat("llama.cpp on the file itself (8-bit activations) is off by ",
                       static_cast<float>(golden.llama_cpp_file), " of the largest logit"))};
}

Stage greedy_stage(const Subject& subject) {
  uint64_t ids = 0;
  uint64_t near = 0;
  reference::Session session = reference_of(subject);
  for (const GoldenPrompt& prompt : subject.golden->prompts) {
    session.reset();
    auto logits = session.forward(prompt.tokens, reference::Logits::Last);
    for (size_t i = 0; i < prompt.greedy.size(); ++i, ++ids) {
      if (!logits) return failed_stage("greedy ids", prompt.name, logits.error());
      const View<const double, 1> row(logits->values.data(), {logits->width});
      const uint32_t id = best_drawable(row, {}).id;
      const uint32_t want = prompt.greedy[i];
      if (id != want) {
        const double lead = want < row.shape[0] ? row(id) - row(want) : INFINITY;
        if (!(lead <= kNearTie)) {
          return stage_of(false, "greedy ids",
                          cat(subject.golden->prompts.size(), " continuations by Transformers"),
                          cat("prompt ", prompt.name, ", token ", i, ": ", id, " against ", want,
                              ", whose logit is lower by ", static_cast<float>(lead)));
        }
        ++near;
      }
      logits = session.forward({&want, 1}, reference::Logits::Last);
    }
  }
  return stage_of(true, "greedy ids", cat(ids, " ids against Transformers"),
                  near == 0 ? "" : cat(near, " near ties decided the other way"));
}

Result<Stage> haiku_stage(const Subject& subject, const std::string& sha256, std::string& poem_text) {
  const char* what = "the current minute, 5-7-5, ids by decode and by prefill";
  KIGO_ASSIGN(const Lexicon lexicon, Lexicon::load(subject.options.golden + "/haiku/lexicon.tsv"));
  LocalRunOptions options;
  options.model_file = subject.options.file;
  options.model_sha256 = sha256;
  options.shipped = subject.options.shipped;
  options.command = "kigo verify";
  const auto files = run_locally(subject.model, subject.engine, *subject.tokenizer, options, lexicon);
  if (!files) return failed_stage("haiku", what, files.error());
  KIGO_ASSIGN(const Json checks, verify_run(*files, lexicon));
  poem_text = read_answer(files->exchanges.back()).text;
  const std::string poem = *checks.find("poem")->string(), verdict = *checks.find("verdict")->string();
  const size_t ties = checks.find("near_ties")->items()->size();
  const std::string note = ties == 0 ? "" : cat(ties, " near ties decided the other way");
  Stage stage;
  if (subject.options.shipped) {
    stage = stage_of(verdict != "fail", "haiku", what,
                     verdict == "pass" ? note
                                       : cat(note, note.empty() ? "" : "; ", "verdict ", verdict, ", engine ",
                                             *checks.find("engine")->string(), ", poem ", poem));
  } else {
    // A poem, and text at all, is promised by the model that ships with kigo. Of others the two ways through
    // the model must agree.
    std::string wrong;
    for (const Json& check : *checks.find("checks")->items()) {
      const std::string& name = *check.find("check")->string();
      if ((name == "ids" || name == "text") && !*check.find("pass")->boolean())
        wrong += cat(name, " ", *check.find("found")->string(), "; ");
    }
    stage = stage_of(wrong.empty(), "haiku", "ids by decode and by prefill",
                     cat(wrong, note, note.empty() ? "" : "; ", "poem (reported): ", poem));
  }
  if (stage.verdict == Verdict::pass && verdict == "undecided") stage.verdict = Verdict::undecided;
  return stage;
}

}  // namespace kigo::tools
