// The probe of the forward pass: every checkpoint of a prompt and of steps behind it, with the faults that
// are on, against the same with none.
#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "core/compare/close.h"
#include "reference/model.h"
#include "tools/lib/faults/probe.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

// Without a fault the two passes are one and give the same bits.
constexpr double kRelativeBound = 1e-9;
constexpr int64_t kPrompt = 9;
constexpr int64_t kSteps = 8;

struct Checkpoint {
  model::Tap tap = model::Tap::embed;
  int64_t layer = 0;
  int64_t first = 0;  // position of the first row
  std::vector<int64_t> shape;
  std::vector<double> values;
};

Result<std::vector<Checkpoint>> run(const model::Model& model) {
  reference::Session session(model);
  std::vector<Checkpoint> all;
  const auto keep = [&](model::Tap tap, int64_t layer, View<const double, 3> view) {
    const bool cache = tap == model::Tap::cache_k || tap == model::Tap::cache_v;
    Checkpoint checkpoint{tap, layer, cache ? 0 : session.length(), {}, {}};
    checkpoint.shape.assign(view.shape.begin(), view.shape.end());
    for (int64_t t = 0; t < view.shape[0]; ++t)
      for (int64_t h = 0; h < view.shape[1]; ++h)
        for (int64_t i = 0; i < view.shape[2]; ++i) checkpoint.values.push_back(view(t, h, i));
    all.push_back(std::move(checkpoint));
  };
  std::vector<uint32_t> tokens;
  for (int64_t i = 0; i < kPrompt + kSteps; ++i)
    tokens.push_back(static_cast<uint32_t>((7 + 131 * i) % model.config.vocab));
  const std::span<const uint32_t> forced(tokens);
  KIGO_TRY(session.forward(forced.first(kPrompt), model::Logits::All, keep));
  for (size_t i = kPrompt; i < tokens.size(); ++i)
    KIGO_TRY(session.forward(forced.subspan(i, 1), model::Logits::Last, keep));
  return all;
}

/// The first checkpoint that differs, if any.
SeenAll first_difference(const std::string& by, const std::vector<Checkpoint>& found,
                         const std::vector<Checkpoint>& truth) {
  for (size_t i = 0; i < truth.size(); ++i) {
    const Checkpoint& want = truth[i];
    const std::string name = model::name(want.tap, want.layer);
    if (i >= found.size() || found[i].shape != want.shape) return {{'d', by, name, want.first, INFINITY}};
    double largest = 0;
    for (const double value : want.values) largest = std::max(largest, std::abs(value));
    compare::Subject subject;
    subject.name = name;
    subject.shape = want.shape;
    const compare::Report report = compare::close(found[i].values, want.values,
                                                  compare::Bound::within(kRelativeBound * largest), subject);
    if (report) continue;
    const int64_t row = report.worst ? report.worst->at[0] : 0;
    return {{'d', by, name, want.first + row, report.worst_share}};
  }
  return {};
}

}  // namespace

Result<SeenAll> probe_model() {
  SeenAll all;
  for (const char* name : {"tiny-q4_k_m", "llama-q4_k_m"}) {
    KIGO_ASSIGN(const model::Model model, model::open(cat(golden_folder(), "/tiny/", name, ".gguf")));
    const auto truth_of = [&] {
      const fault::Suspended off;
      return run(model);
    };
    KIGO_ASSIGN(const auto truth, truth_of());
    KIGO_ASSIGN(const auto found, run(model));
    for (Seen& seen : first_difference(cat("d:", name), found, truth)) all.push_back(std::move(seen));
  }
  return all;
}

}  // namespace kigo::tools
