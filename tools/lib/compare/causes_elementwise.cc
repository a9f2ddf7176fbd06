// Embedding, norm, gate and sum that went wrong.
#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/base/cat.h"
#include "tools/lib/compare/trials.h"

namespace kigo::tools {
namespace {

using model::Role;

void try_embedding(Trials& trials, const Looked& op) {
  const auto width = static_cast<size_t>(op.table->dims[0]);
  const auto vocab = static_cast<size_t>(op.table->dims[1]);
  const std::vector<double> table = decoded(*op.table);
  std::vector<double> transposed;
  for (const uint32_t id : op.tokens)
    for (size_t i = 0; i < width; ++i) transposed.push_back(table[i * vocab + id]);
  trials.values("embedding-transposed", "the table is read along the wrong dimension", transposed);
  for (const int by : {-1, 1}) {
    std::vector<uint32_t> ids;
    for (const uint32_t id : op.tokens)
      ids.push_back(static_cast<uint32_t>((id + vocab + static_cast<size_t>(by)) % vocab));
    Looked wrong = op;
    wrong.tokens = ids;
    trials.recipe("embedding-id", cat("rows are those of id ", by < 0 ? "- 1" : "+ 1"), wrong);
  }
  wrong_weights(*op.table, [&](const char* id, const std::string& text, std::vector<std::byte> data) {
    gguf::Tensor changed = *op.table;
    changed.data = data;
    Looked wrong = op;
    wrong.table = &changed;
    trials.recipe(id, text, wrong);
  });
}

/// Every row divided by another root than that of the recipe.
void try_root(Trials& trials, const Normed& op, const char* id, std::string text,
              const std::function<double(std::span<const double>)>& root) {
  const Suspect& s = trials.suspect();
  const auto width = static_cast<size_t>(op.weight->elements());
  Expected wrong = expected(op, s.stage.how);
  for (size_t at = 0; at < wrong.values.size(); at += width) {
    const auto row = op.x.subspan(at, width);
    const double factor = root_of(row, op.eps) / root(row);
    for (size_t i = at; i < at + width; ++i) {
      wrong.values[i] *= factor;
      wrong.bounds[i] *= std::abs(factor);
    }
  }
  trials.outcome(id, std::move(text), std::move(wrong));
}

void try_norm(Trials& trials, const Normed& op) {
  const Suspect& s = trials.suspect();
  for (const double eps : {0.0, 1e-12, 1e-6, 1e-5})
    if (static_cast<float>(eps) != static_cast<float>(op.eps)) {
      Normed wrong = op;
      wrong.eps = static_cast<double>(static_cast<float>(eps));
      trials.recipe("norm-eps", cat("eps is ", eps, ", where the file says ", static_cast<float>(op.eps)),
                    wrong);
    }
  try_root(trials, op, "norm-eps", "eps is added outside the root",
           [&](std::span<const double> row) { return root_of(row, 0) + op.eps; });
  const auto width = static_cast<size_t>(op.weight->elements());
  try_root(trials, op, "norm-mean", "the mean is left out: divided by the root of the sum of squares",
           [&](std::span<const double> row) {
             return std::sqrt(static_cast<double>(width)) * root_of(row, op.eps / static_cast<double>(width));
           });
  for (const size_t tile : {32u, 64u, 128u, 256u, 512u, 1024u}) {
    const size_t whole = width / tile * tile;
    if (whole == 0 || whole == width) continue;
    try_root(trials, op, "partial-tile",
             cat("the sum of squares ends at element ", whole, " of ", width,
                 ": the last partial tile is left out"),
             [&, whole](std::span<const double> row) {
               double squares = 0;
               for (size_t i = 0; i < whole; ++i) squares += row[i] * row[i];
               return std::sqrt(squares / static_cast<double>(width) + op.eps);
             });
  }
  std::vector<float> ones(width, 1);
  gguf::Tensor unweighted = *op.weight;
  unweighted.type = quant::find_tensor_type("F32");
  unweighted.data = std::as_bytes(std::span(ones));
  Normed wrong = op;
  wrong.weight = &unweighted;
  trials.recipe("norm-weight", "the weight is not multiplied", wrong);
  for (const Role role : {Role::attn_norm, Role::ffn_norm, Role::output_norm})
    for (int64_t layer = 0; layer < s.config.layers; ++layer) {
      const gguf::Tensor* other = s.weights.find(role, layer);
      if (other == op.weight || (role == Role::output_norm && layer != 0)) continue;
      wrong.weight = other;
      trials.recipe("other-tensor", cat(other->name, " is used for ", op.weight->name), wrong);
    }
}

void try_gate(Trials& trials, const Gated& op) {
  Gated swapped = op;
  std::swap(swapped.gate, swapped.up);
  std::swap(swapped.gate_source, swapped.up_source);
  trials.recipe("swapped-gate-up", "gate and up are swapped: silu(up) * gate", swapped);
  if (op.gate_source || op.up_source) return;
  const auto attempt = [&](const char* id, const char* text, auto activation) {
    Expected wrong = trials.suspect().want;
    for (size_t i = 0; i < wrong.values.size(); ++i) {
      wrong.values[i] = activation(op.gate[i]) * op.up[i];
      wrong.bounds[i] += 16 * trials.suspect().stage.how.unit * std::abs(op.gate[i] * op.up[i]);
    }
    trials.outcome(id, text, std::move(wrong));
  };
  attempt("activation", "the gate is not activated: gate * up", [](double x) { return x; });
  attempt("activation", "the activation is GELU by erf, not SiLU",
          [](double x) { return x / 2 * (1 + std::erf(x / std::numbers::sqrt2)); });
  attempt("activation", "the activation is GELU by tanh, not SiLU", [](double x) {
    return x / 2 * (1 + std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
  });
  attempt("activation", "the activation is ReLU, not SiLU", [](double x) { return std::max(x, 0.0); });
  attempt("activation", "the activation is the sigmoid alone, not SiLU",
          [](double x) { return 1 / (1 + std::exp(-x)); });
}

void try_sum(Trials& trials, const Added& op) {
  trials.values("residual-missing", "the residual stream is not added", {op.b.begin(), op.b.end()});
  trials.values("product-missing", "the product is not added: the residual stream stays as it was",
                {op.a.begin(), op.a.end()});
  std::vector<double> twice(op.b.begin(), op.b.end());
  for (double& value : twice) value *= 2;
  Expected wrong = expected(Added{op.a, twice}, trials.suspect().stage.how);
  for (size_t i = 0; i < wrong.bounds.size(); ++i)
    wrong.bounds[i] = 2 * wrong.bounds[i] + trials.suspect().want.bounds[i];  // or one after the other
  trials.outcome("added-twice", "the product is added twice", std::move(wrong));
}

}  // namespace

void try_elementwise(Trials& trials) {
  const Recipe& recipe = *trials.suspect().stage.recipe;
  if (const auto* looked = std::get_if<Looked>(&recipe)) try_embedding(trials, *looked);
  if (const auto* normed = std::get_if<Normed>(&recipe)) try_norm(trials, *normed);
  if (const auto* gated = std::get_if<Gated>(&recipe)) try_gate(trials, *gated);
  if (const auto* added = std::get_if<Added>(&recipe)) try_sum(trials, *added);
}

}  // namespace kigo::tools
