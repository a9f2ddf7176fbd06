// The probe of the forward pass: every checkpoint of a prompt and of steps behind it, by the comparison of
// two sides (compare.h). Without a GPU the other side is a capture of the same pass with no fault on; with
// one, the kernels meet the reference.

#include <algorithm>
#include <cmath>
#include <initializer_list>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/base/sha256.h"
#include "core/compare/close.h"
#include "core/compare/golden.h"
#include "tools/lib/compare/open_side.h"
#include "tools/lib/faults/child.h"
#include "tools/lib/faults/probe.h"
#include "tools/lib/faults/probe_runs.h"
#include "tools/lib/goldens.h"
#include "tools/lib/seeded_model.h"

namespace kigo::tools {
namespace {

constexpr int64_t kSteps = 8;

bool is_on(std::initializer_list<fault::Id> any) {
  return std::ranges::any_of(fault::selected(),
                             [&](fault::Id id) { return std::ranges::find(any, id) != any.end(); });
}

/// Tokens before the steps; F60 shows from 64 on.
int64_t prompt_length() { return is_on({fault::Id::F60}) ? 64 : 9; }

/// A model with what is run on it.
struct Material {
  std::string name;
  model::Model model;
  std::string hash;
  std::vector<Call> calls;
};

Result<Material> material(const std::string& name, const std::string& path) {
  KIGO_ASSIGN(model::Model model, model::open(path));
  std::vector<uint32_t> tokens;
  for (int64_t i = 0; i < prompt_length() + kSteps; ++i)
    tokens.push_back(static_cast<uint32_t>((7 + 131 * i) % model.config.vocab));
  KIGO_ASSIGN(std::vector<Call> calls, plan_calls(tokens, kSteps, 0, model.config.vocab));
  std::string hash = sha256(model.source.map.bytes());
  return Material{name, std::move(model), std::move(hash), std::move(calls)};
}

/// The checkpoints of the reference, in a file.
Status record(const Material& with, const std::string& path) {
  KIGO_ASSIGN(const OpenSide side, open_side(with.model, "reference", 0, with.hash));
  KIGO_ASSIGN(CaptureWriter writer,
              CaptureWriter::create(path, {"reference", side.rounding, with.hash, with.calls},
                                    with.model.config.layers));
  for (size_t call = 0; call < with.calls.size(); ++call) {
    Status added;
    const auto sink = [&](model::Tap tap, int64_t layer, View<const double, 3> rows) {
      if (added) added = writer.add(static_cast<int64_t>(call), tap, layer, rows, compare::Dtype::f64);
    };
    KIGO_TRY(side.side.session->forward(with.calls[call].tokens, with.calls[call].which, sink));
    KIGO_TRY(added);
  }
  return writer.commit();
}

/// The first checkpoint that one of the sides does not make from its own input.
SeenAll divergence(const Material& with, const Side& a, const Side& b, const std::string& by) {
  const auto report = compare_sides(with.model, a, b, with.calls, {.causes = false, .carried = false});
  if (!report) return {{'d', cat(by, ": ", report.error().message()), "", -1, 0}};
  if (report->verdict != Comparison::diverged) return {};
  const Checkpoint* bad = report->first_bad();
  if (bad == nullptr) return {{'d', cat(by, ": ", report->reason), "logits", -1, 0}};
  return {{'d', by, bad->name, bad->position, bad->share}};
}

Result<SeenAll> on_the_host(const Material& with) {
  const TemporaryFolder folder;
  const std::string truth = folder.path() + "/truth.safetensors";
  const auto recorded = [&] {
    const fault::Suspended off;
    return record(with, truth);
  };
  KIGO_TRY(recorded());
  const auto a = open_side(with.model, truth, 0, with.hash);
  if (!a)
    return SeenAll{
        {'u', cat("u:capture of ", with.name, ": ", a.error().message()), "harness:capture", -1, 0}};
  KIGO_ASSIGN(const OpenSide b, open_side(with.model, "reference", 0, with.hash));
  return divergence(with, a->side, b.side, "d:" + with.name);
}

/// Logits of the golden prompts against those of Transformers. The bound is that of a pass in half
/// throughout, far below what a fault does.
Result<bool> golden_logits_agree(const Material& with, model::Session& session) {
  constexpr double kBound = 1e-2;  // of the largest logit
  KIGO_ASSIGN(const auto golden, find_golden_logits(golden_folder(), with.hash));
  if (!golden) return true;
  KIGO_ASSIGN(compare::Npy npy, compare::read_npy(golden->transformers));
  const auto* truth = std::get_if<std::vector<float>>(&npy.data);
  if (truth == nullptr) return fail(Code::wrong_type, golden->transformers, "not float32", "float32");
  double largest = 0;
  for (const float logit : *truth) largest = std::max(largest, std::abs(double{logit}));
  bool agree = true;
  for (const GoldenPrompt& prompt : golden->prompts) {
    session.reset();
    KIGO_ASSIGN(const model::Rows logits, session.forward(prompt.tokens, model::Logits::All));
    const auto width = static_cast<size_t>(logits.width);
    const auto want =
        std::span(*truth).subspan(static_cast<size_t>(prompt.first_row) * width, logits.values.size());
    const auto report =
        compare::close(logits.values, want, compare::Bound::within(kBound * largest), {.name = prompt.name});
    agree = agree && report.pass;
  }
  session.reset();
  return agree;
}

/// The kernels against the reference, behind a request that went before; nothing without a GPU. Without
/// `by_checkpoint` only weights and golden logits.
Result<SeenAll> on_the_device(const Material& with, const std::string& name, bool by_checkpoint) {
  KIGO_ASSIGN(const OpenSide a, open_side(with.model, "reference", 0, with.hash));
  const auto b = open_side(with.model, name, 0, with.hash);
  if (!b && (b.error().code == Code::unsupported || b.error().code == Code::cuda)) return SeenAll{};
  if (!b) return tl::unexpected<Error>(b.error());
  SeenAll seen;
  if (const Status weights = b->engine->check_weights(); !weights)
    seen.push_back({'l', cat("l:", with.name), cat("weight:", weights.error().subject), -1, 0});
  KIGO_ASSIGN(const bool agree, golden_logits_agree(with, *b->side.session));
  if (!agree) seen.push_back({'g', cat("g:", with.name, " on ", name), "logits", -1, 0});
  if (!by_checkpoint) return seen;
  const std::vector<uint32_t> before{5, 4, 3};
  KIGO_TRY(b->side.session->forward(before, model::Logits::Last));
  b->side.session->reset();
  const std::string by = cat("d:", with.name, " on ", name);
  if (const int64_t kept = b->side.session->length(); kept != 0)
    seen.push_back({'d', cat(by, ": ", kept, " positions behind a reset"), "blk.0.cache_k", 0, 0});
  append(seen, divergence(with, a.side, b->side, by));
  KIGO_ASSIGN(SeenAll captured, probe_capture(*b->side.session, with.calls, by));
  append(seen, std::move(captured));
  if (!is_on({fault::Id::F51})) return seen;
  KIGO_ASSIGN(SeenAll repeated,
              probe_repeat(*b->side.session, with.calls, cat("r:", with.name, " on ", name)));
  append(seen, std::move(repeated));
  return seen;
}

/// Faults whose place only a model of real depth, vocabulary and types has: those that docs/faults.md names
/// on q.
bool needs_depth() {
  using fault::Id;
  return is_on({Id::F06, Id::F07, Id::F08, Id::F09, Id::F10, Id::F11, Id::F13, Id::F13z, Id::F14a, Id::F14b,
                Id::F18, Id::F22, Id::F26, Id::F39, Id::F51, Id::F56, Id::F57, Id::F58,  Id::F59a, Id::F74});
}

/// qwen2.5-0.5b with its 24 layers, its vocabulary and its mixture of types, but narrow: a twentieth of the
/// work. A row of ffn_down is nine super-blocks, which three warps share (the order of two parts cannot be
/// seen in their sum), and 192 is no multiple of the threads of a norm.
Shape narrow() {
  Shape shape = *find_shape("qwen2.5-0.5b");
  shape.name = "narrow";
  shape.width = 192;
  shape.heads = 3;
  shape.kv_heads = 1;
  shape.ffn_width = 2304;
  return shape;
}

}  // namespace

Result<SeenAll> probe_model() {
  const bool deep = needs_depth();
  SeenAll all;
  for (const char* name : {"tiny-q4_k_m", "llama-q4_k_m"}) {
    KIGO_ASSIGN(const Material with, material(name, cat(golden_folder(), "/tiny/", name, ".gguf")));
    KIGO_ASSIGN(SeenAll host, on_the_host(with));
    append(all, std::move(host));
    for (const char* side : {"cuda-float", "cuda"}) {
      KIGO_ASSIGN(SeenAll device, on_the_device(with, side, !deep));
      append(all, std::move(device));
    }
  }
  if (!deep) return all;
  const TemporaryFolder folder;
  const std::string path = folder.path() + "/narrow.gguf";
  KIGO_TRY(make_model(narrow(), "q4_k_m", 1, path));
  KIGO_ASSIGN(const Material with, material("narrow", path));
  for (const char* side : {"cuda-float", "cuda"}) {
    KIGO_ASSIGN(SeenAll device, on_the_device(with, side, true));
    append(all, std::move(device));
  }
  return all;
}

}  // namespace kigo::tools
