// Products that went wrong: weights, bias, residual, and what of x was used.
#include <array>
#include <cstring>

#include "core/base/cat.h"
#include "tools/lib/compare/trials.h"

namespace kigo::tools {
namespace {

using model::Role;

/// The product within a stage, and the stage with another product in its place.
struct Place {
  Multiplied op;
  std::function<Recipe(const Multiplied&)> stage;
};

std::vector<Place> places(const Recipe& recipe) {
  std::vector<Place> found;
  if (const auto* op = std::get_if<Multiplied>(&recipe))
    found.push_back({*op, [](const Multiplied& other) { return Recipe(other); }});
  const auto with_source = [&]<class Op>(const Op* op, auto member) {
    if (op == nullptr || !(op->*member)) return;
    found.push_back({*(op->*member), [op = *op, member](const Multiplied& other) {
                       Op changed = op;
                       changed.*member = other;
                       return Recipe(changed);
                     }});
  };
  with_source(std::get_if<Turned>(&recipe), &Turned::source);
  with_source(std::get_if<Stored>(&recipe), &Stored::source);
  with_source(std::get_if<Gated>(&recipe), &Gated::gate_source);
  with_source(std::get_if<Gated>(&recipe), &Gated::up_source);
  return found;
}

/// One product and its mistakes.
class ProductRules {
 public:
  ProductRules(Trials& trials, const Place& place)
      : trials_(trials),
        s_(trials.suspect()),
        place_(place),
        in_(static_cast<size_t>(place.op.matrix->dims[0])),
        out_(static_cast<size_t>(place.op.matrix->dims[1])) {}

  void run() {
    bias();
    residual();
    for_weights("transposed", "the matrix is read transposed", transposed());
    wrong_weights(*place_.op.matrix,
                  [&](const char* id, const std::string& text, std::vector<std::byte> data) {
                    gguf::Tensor changed = *place_.op.matrix;
                    changed.data = data;
                    for_weights(id, text, changed);
                  });
    others();
    cut_columns();
  }

 private:
  /// A wrong product is tried on one wrong token first: most mistakes are not the one.
  void attempt(const char* id, const std::string& text, const Multiplied& op) {
    if (plausible(op)) trials_.recipe(id, text, place_.stage(op));
  }

  bool plausible(const Multiplied& op) const {
    const auto* whole = std::get_if<Multiplied>(&*s_.stage.recipe);
    if (whole == nullptr) return true;  // what is behind the product is not a row by itself
    const size_t row = static_cast<size_t>(s_.report.damage.first) / out_;
    Multiplied one = op;
    one.x = op.x.subspan(row * in_, in_);
    if (!op.x_bounds.empty()) one.x_bounds = op.x_bounds.subspan(row * in_, in_);
    if (!op.residual.empty()) one.residual = op.residual.subspan(row * out_, out_);
    const Expected made = expected(Recipe(one), s_.stage.how);
    for (size_t i = 0; i < out_; ++i) {
      const double got = s_.stage.got[row * out_ + i];
      if (std::isfinite(made.values[i]) && !(std::abs(got - made.values[i]) <= made.bounds[i])) return false;
    }
    return true;
  }

  void for_weights(const char* id, const std::string& text, const gguf::Tensor& matrix) {
    Multiplied op = place_.op;
    op.matrix = &matrix;
    attempt(id, text, op);
  }

  void bias() {
    if (place_.op.bias == nullptr) return;
    Multiplied op = place_.op;
    op.bias = nullptr;
    attempt("bias-missing", cat(place_.op.bias->name, " is missing, or zero"), op);
    op = place_.op;
    for (const Role role : {Role::attn_q_bias, Role::attn_k_bias, Role::attn_v_bias}) {
      const gguf::Tensor* other = s_.weights.find(role, s_.stage.layer);
      if (other == nullptr || other == op.bias || other->elements() != out_) continue;
      Multiplied wrong = op;
      wrong.bias = other;
      attempt("other-tensor", cat(other->name, " is used for ", op.bias->name), wrong);
    }
  }

  void residual() {
    if (place_.op.residual.empty()) return;
    Multiplied op = place_.op;
    op.residual = {};
    attempt("residual-missing", "the residual stream is not added", op);
    trials_.values("product-missing", "the product is not added: the residual stream stays as it was",
                   {place_.op.residual.begin(), place_.op.residual.end()});
  }

  /// The bytes of an F32 tensor of the same shape whose rows are the matrix' columns, as [out, in] is read
  /// where [in, out] is meant.
  const gguf::Tensor& transposed() {
    const std::vector<double> w = decoded(*place_.op.matrix);
    storage_.resize(w.size());
    for (size_t j = 0; j < out_; ++j)
      for (size_t i = 0; i < in_; ++i) storage_[j * in_ + i] = static_cast<float>(w[i * out_ + j]);
    transposed_ = *place_.op.matrix;
    transposed_.type = quant::find_tensor_type("F32");
    transposed_.data = std::as_bytes(std::span(storage_));
    return transposed_;
  }

  /// Tensors of the same shape: swapped pointers, or the layer beside.
  void others() {
    const gguf::Tensor& right = *place_.op.matrix;
    for (const int64_t layer : {s_.stage.layer, s_.stage.layer - 1, s_.stage.layer + 1}) {
      if (layer < 0 || layer >= s_.config.layers) continue;
      for (int role = static_cast<int>(Role::attn_q); role < model::kRoles; ++role) {
        const gguf::Tensor* other = s_.weights.find(static_cast<Role>(role), layer);
        if (other == nullptr || other == &right || other->dims != right.dims) continue;
        for_weights("other-tensor", cat(other->name, " is used for ", right.name), *other);
      }
    }
  }

  /// Sums that leave out what is left of a row behind whole tiles.
  void cut_columns() {
    for (const size_t tile : {32u, 64u, 128u, 256u, 512u, 1024u}) {
      const size_t whole = in_ / tile * tile;
      if (whole == in_ || whole == 0 || place_.op.norm != nullptr) continue;
      std::vector<double> x(place_.op.x.begin(), place_.op.x.end());
      for (size_t i = 0; i < x.size(); ++i)
        if (i % in_ >= whole) x[i] = 0;
      Multiplied op = place_.op;
      op.x = x;
      attempt("partial-tile",
              cat("sums end at column ", whole, " of ", in_, ": the last partial tile is left out"), op);
    }
  }

  Trials& trials_;
  const Suspect& s_;
  const Place& place_;
  size_t in_;
  size_t out_;
  std::vector<float> storage_;
  gguf::Tensor transposed_;
};

}  // namespace

void try_products(Trials& trials) {
  for (const Place& place : places(*trials.suspect().stage.recipe)) ProductRules(trials, place).run();
}

}  // namespace kigo::tools
