// The whole test: what the kernel promises, as a pair. kigo's laws do the rest.
#include "gated_add.h"
#include "tests/laws/check_pairs.h"
#include "tests/pairs/data.h"

using namespace kigo;
using namespace kigo::pairs;

struct GatedAddPair {
  struct Case {  // a shape, a scale and a seed; never the data
    int64_t tokens, width;
    double scale = 1;
    uint64_t seed = 1;
  };
  static std::string name() { return "gated_add_f32"; }
  static Case arbitrary(const Draw& d) {
    return {draw_size(d, 9), draw_size(d, 3000), draw_scale(d), draw_seed(d)};
  }
  static std::vector<Case> edges() { return {{2, 67}, {3, 64}, {1, 1}, {0, 8}}; }
  static std::vector<Case> bench() { return {{1, 4096}, {512, 4096}}; }
  static std::string text(const Case& c) {
    return cat("tokens=", c.tokens, " width=", c.width, " scale=", c.scale, " seed=", c.seed);
  }
  static std::vector<Tensor> arguments(const Case& c) {
    Random random(c.seed);
    return {drawn<float>("x", {c.tokens, c.width}, c.scale, random),
            drawn<float>("h", {c.tokens, c.width}, 1, random),
            drawn<float>("gate", {c.tokens}, c.scale, random), written<float>("y", {c.tokens, c.width})};
  }
  // The twin: plain loops in double. With one_gate it is a wrong one, which the comparison must tell from the
  // truth.
  static Result<Outputs> twin(const Case& c, std::span<const Tensor> in, bool one_gate) {
    std::vector<double> x = widened(in[0]), h = widened(in[1]), gate = widened(in[2]);
    const auto width = static_cast<size_t>(c.width);
    for (size_t at = 0; at < x.size(); ++at) x[at] += gate[one_gate ? 0 : at / width] * h[at];
    return Outputs{x};
  }
  static Result<Outputs> reference(const Case& c, std::span<const Tensor> in) { return twin(c, in, false); }
  // The product is rounded once (or not at all, by a fused multiply-add), then the sum: u |gate h| + u |y|.
  static Outputs bound(const Case& c, std::span<const Tensor> in, const Outputs& truth) {
    const std::vector<double> h = widened(in[1]), gate = widened(in[2]);
    Outputs bounds = truth;
    for (size_t at = 0; at < h.size(); ++at)
      bounds[0][at] = rounded_bound_absolute<float>(
          compare::kUnitFloat * std::abs(gate[at / static_cast<size_t>(c.width)] * h[at]) + 0x1p-150,
          truth[0][at]);
    return bounds;
  }
  static std::vector<Mutant<Case>> mutants() {
    return {{"one gate for all tokens",
             [](const Case& c, std::span<const Tensor> in) { return twin(c, in, true); }}};
  }
  static Cost cost(const Case& c) { return {.bytes = 12.0 * static_cast<double>(c.tokens * c.width)}; }
  static GatedAdd op(const Case& c, std::span<const Placed> at) {
    const auto floats = [&](size_t i) { return reinterpret_cast<float*>(at[i].data); };
    return {floats(0), floats(1),       floats(2),       floats(3),      c.tokens,
            c.width,   at[0].stride[0], at[1].stride[0], at[3].stride[0]};
  }
  static Status host_kernel(const Case& c, std::span<const Placed> at) {
    return gated_add(op(c, at)), Status{};
  }
#if KIGO_CUDA
  static Status kernel(const Case& c, std::span<const Placed> at, CUstream_st* stream) {
    const int error = gated_add_cuda(op(c, at), stream);
    return error == 0 ? Status{} : fail(Code::cuda, "gated_add", cat("error ", error), "a launch");
  }
#endif
};

int main(int argc, char** argv) { return laws::check_pairs(erased(PairList<GatedAddPair>{}), argc, argv); }
