// A reference that makes mistakes: what a checkpoint holds is changed while the pass runs, so that everything
// behind it is computed from what is wrong.
#pragma once

#include <functional>
#include <map>
#include <utility>

#include "reference/model.h"
#include "tools/lib/compare/compare.h"

namespace kigo::test {

/// What a fault sees: the values of a checkpoint, which it may change, and those of the same layer before it.
struct Planting {
  model::Tap tap;
  int64_t layer;
  int64_t first;           // position of the call's first token
  View<double, 3> values;  // [tokens or positions, heads or 1, elements]
  const std::map<model::Tap, std::vector<double>>& seen;
};
using Fault = std::function<void(const Planting&)>;

class PlantedSession final : public model::Session {
 public:
  PlantedSession(const model::Config& config, const model::Weights& weights, Fault fault)
      : session_(config, weights), fault_(std::move(fault)) {}
  PlantedSession(const model::Model& model, Fault fault)
      : PlantedSession(model.config, model.weights, std::move(fault)) {}

  Result<model::Rows> forward(std::span<const uint32_t> tokens, model::Logits which,
                              const model::TapSink& taps) override {
    const int64_t first = session_.length();
    auto rows =
        session_.forward(tokens, which, [&](model::Tap tap, int64_t layer, View<const double, 3> view) {
          // The reference hands out the memory that it goes on with, none of which is constant.
          fault_({tap, layer, first, {const_cast<double*>(view.data), view.shape, view.stride}, seen_});
          seen_[tap].assign(view.data, view.data + view.size());
          if (taps) taps(tap, layer, view);
        });
    return rows;
  }
  int64_t length() const override { return session_.length(); }
  void reset() override { session_.reset(); }

 private:
  reference::Session session_;
  Fault fault_;
  std::map<model::Tap, std::vector<double>> seen_;  // of the layer before where this one has not come to it
};

}  // namespace kigo::test
