#include "tools/lib/verification.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "core/base/cat.h"
#include "core/base/sha256.h"
#include "core/compare/junit.h"
#include "tools/lib/stages.h"

namespace kigo::tools {

Stage failed_stage(std::string name, std::string checked, const Error& error) {
  return {std::move(name), std::move(checked), std::nullopt, Verdict::fail, error.message(), 0};
}

Stage stage_of(bool pass, std::string name, std::string checked, std::string detail) {
  return {std::move(name),   std::move(checked),
          std::nullopt,      pass ? Verdict::pass : Verdict::fail,
          std::move(detail), 0};
}

namespace {

constexpr int64_t kHaikuPositions = 256;  // 100 of the answer, the rest for the prompt in any chat format

/// Runs one stage, or several, and records how long they took.
class Runner {
 public:
  Runner(Verification& verification, const VerificationOptions& options)
      : verification_(verification), options_(options) {}

  template <class Run>
  Status operator()(const char* name, const Run& run) {
    if (options_.progress) options_.progress(name);
    const auto start = std::chrono::steady_clock::now();
    KIGO_ASSIGN(std::vector<Stage> stages, run());
    const double took = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (!stages.empty()) stages.front().seconds = took;  // the first of a group has the time of all
    for (Stage& stage : stages) verification_.stages.push_back(std::move(stage));
    return {};
  }

 private:
  Verification& verification_;
  const VerificationOptions& options_;
};

/// Without one the commands on ids still work, and so do the stages on ids.
bool has_tokenizer(const gguf::File& file) {
  const gguf::Value* model = file.find("tokenizer.ggml.model");
  const auto* name = model == nullptr ? nullptr : std::get_if<std::string_view>(model);
  return model != nullptr && (name == nullptr || *name != "no_vocab");
}

}  // namespace

std::string_view name(Verdict verdict) {
  constexpr std::array<std::string_view, 4> kNames{"pass", "FAIL", "no outside truth", "undecided"};
  return kNames[static_cast<size_t>(verdict)];
}

Verdict Verification::verdict() const {
  const auto any = [this](Verdict wanted) {
    return std::ranges::any_of(stages, [wanted](const Stage& stage) { return stage.verdict == wanted; });
  };
  for (const Verdict worst : {Verdict::fail, Verdict::undecided, Verdict::no_truth})
    if (any(worst)) return worst;
  return Verdict::pass;
}

std::string Verification::junit() const {
  using Outcome = compare::JUnitCase::Outcome;
  constexpr std::array<Outcome, 4> kOutcomes{Outcome::passed, Outcome::failed, Outcome::skipped,
                                             Outcome::skipped};
  std::vector<compare::JUnitCase> cases;
  for (const Stage& stage : stages) {
    const bool pass = stage.verdict == Verdict::pass;
    const std::string text = stage.detail.empty() ? stage.checked : cat(stage.checked, "\n", stage.detail);
    cases.push_back({file, cat(stage.name, ": ", stage.checked), stage.seconds,
                     kOutcomes[static_cast<size_t>(stage.verdict)], pass ? "" : text});
  }
  return compare::junit_xml("kigo verify", cases);
}

Json Verification::json() const {
  Json list = Json::array();
  for (const Stage& stage : stages) {
    list.push(Json::object({{"stage", stage.name},
                            {"checked", stage.checked},
                            {"share_of_bound", stage.share ? Json(*stage.share) : Json()},
                            {"verdict", kigo::tools::name(stage.verdict)},
                            {"detail", stage.detail},
                            {"seconds", stage.seconds}}));
  }
  return Json::object({{"file", file},
                       {"sha256", sha256},
                       {"verdict", kigo::tools::name(verdict())},
                       {"stages", std::move(list)},
                       {"poem", poem},
                       {"notes", Json::array_of(notes)}});
}

Result<Verification> verify(const VerificationOptions& options) {
  Verification verification;
  verification.file = options.file;
  Runner run(verification, options);
  std::optional<model::Model> model;
  KIGO_TRY(run("file", [&]() -> Stages {
    auto opened = model::open(options.file);
    if (!opened) return std::vector<Stage>{failed_stage("file", "format, metadata, tensors", opened.error())};
    model.emplace(std::move(*opened));
    verification.sha256 = sha256(model->source.map.bytes());
    verification.notes = model->config.notes;
    return std::vector<Stage>{
        stage_of(true, "file",
                 cat(grouped(model->source.map.bytes().size()), " bytes, ",
                     model->source.file.metadata.size(), " keys, ", model->source.file.tensors.size(),
                     " tensors of ", model->config.architecture->name, ", every shape and scale"))};
  }));
  if (!model) return verification;
  std::optional<text::Tokenizer> tokenizer;
  if (has_tokenizer(model->source.file)) {
    auto read = text::Tokenizer::from_gguf(model->source.file);
    if (!read) {
      verification.stages.push_back(failed_stage("tokenizer", "vocabulary and merges", read.error()));
      return verification;
    }
    tokenizer.emplace(std::move(*read));
    verification.notes.insert(verification.notes.end(), tokenizer->notes().begin(), tokenizer->notes().end());
  }
  KIGO_ASSIGN(const auto golden, find_golden_logits(options.golden, verification.sha256));
  KIGO_ASSIGN(const auto engine, open_engine(*model, options.engine));
  if (options.engine.backend != Device::cpu)
    verification.notes.push_back(cat("backend ", engine->name(), ": ", engine->info().device_name));
  if (options.engine.products == reference::Products::Fast)
    verification.notes.push_back("reference: fast products (sums of 16 in float, the rest in double)");
  const Subject subject{*model, tokenizer ? &*tokenizer : nullptr, golden, options, *engine};
  KIGO_TRY(run("decode", [&] { return decode_stages(subject); }));
  if (tokenizer) {
    KIGO_TRY(run("tokenizer", [&] { return tokenizer_stages(subject); }));
  } else {
    verification.stages.push_back({"tokenizer", "none in this file", std::nullopt, Verdict::no_truth, {}, 0});
  }
  KIGO_TRY(run("prefill", [&]() -> Stages { return std::vector<Stage>{prefill_stage(subject)}; }));
  if (golden) {
    KIGO_TRY(run("logits", [&] { return logits_stages(subject); }));
    KIGO_TRY(run("greedy", [&]() -> Stages { return std::vector<Stage>{greedy_stage(subject)}; }));
  } else {
    verification.stages.push_back({"logits", "no logits from outside for this file", std::nullopt,
                                   Verdict::no_truth, "golden/make/logits.py makes them", 0});
  }
  if (options.engine.backend != Device::cpu) KIGO_TRY(run("gpu", [&] { return engine_stages(subject); }));
  const bool instruct = tokenizer && tokenizer->chat_format() != nullptr;
  if (instruct && model->config.context < kHaikuPositions) {
    verification.notes.push_back(cat("no haiku was asked for: a context of ", model->config.context,
                                     " positions, prompt and answer may need ", kHaikuPositions));
  } else if (instruct) {
    KIGO_TRY(run("haiku", [&]() -> Stages {
      KIGO_ASSIGN(Stage stage, haiku_stage(subject, verification.sha256, verification.poem));
      return std::vector<Stage>{std::move(stage)};
    }));
  }
  return verification;
}

}  // namespace kigo::tools
