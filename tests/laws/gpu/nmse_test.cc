// What a test in the usual style says of a kernel: one number for the whole tensor, the normalised mean
// squared error against the twin on uniform data in [-1, 1]. Thresholds: llama.cpp,
// tests/test-backend-ops.cpp. The scorecard of the seeded faults runs this beside the laws, and reads the
// printed lines.
#include <algorithm>
#include <cmath>
#include <iostream>

#include "core/base/random.h"
#include "core/compare/bound.h"
#include "tests/laws/gpu/gpu_law.h"

namespace kigo::laws {
namespace {

using namespace pairs;

double limit_of(std::string_view name) {
  for (const std::string_view product : {"linear", "norm_", "paged_attention"})
    if (name.starts_with(product)) return 5e-4;
  return name.starts_with("softmax") ? 1e-6 : 1e-7;
}

int64_t outputs_in(const AnyCase& one) {
  int64_t count = 0;
  const std::vector<Tensor> tensors = one.arguments();
  for (const Tensor* out : outputs_of(tensors)) count += out->elements();
  return count;
}

CasePtr largest(const AnyPair& pair) {
  const std::vector<CasePtr> edges = pair.edges();
  return *std::ranges::max_element(edges, {}, [](const CasePtr& one) { return outputs_in(*one); });
}

/// All floats that the kernel reads become uniform ones.
void make_uniform(std::vector<Tensor>& tensors) {
  Random random(1);
  for (Tensor& tensor : tensors) {
    if (tensor.type != Type::f32 || (tensor.part != Part::in && tensor.part != Part::inout)) continue;
    auto* const values = reinterpret_cast<float*>(tensor.data.data());
    for (int64_t i = 0; i < tensor.elements(); ++i) values[i] = static_cast<float>(random.uniform(-1, 1));
  }
}

struct Nmse : OnGpu {};

TEST_P(Nmse, OfUniformDataIsWithinTheUsualLimit) {
  const CasePtr one = largest(pair());
  std::vector<Tensor> tensors = one->arguments();
  make_uniform(tensors);
  const auto truth = one->reference(tensors);
  ASSERT_TRUE(truth) << truth.error().message();
  const auto held = test::run_kernel(*one, tensors, {}, test::GpuMachine(stream()));
  ASSERT_TRUE(held) << held.error().message();
  std::vector<double> found, wanted;
  const std::vector<const Tensor*> outputs = outputs_of(tensors);
  for (size_t i = 0; i < truth->size(); ++i) {
    if (outputs[i]->type != Type::f32) continue;
    for (size_t j = 0; j < (*truth)[i].size(); ++j) {
      if (!std::isfinite((*truth)[i][j])) continue;  // of blocks with any bits
      found.push_back(held->values[i][j]);
      wanted.push_back((*truth)[i][j]);
    }
  }
  const double error = compare::nmse(found, wanted), limit = limit_of(pair().name());
  std::cout << "nmse " << pair().name() << ' ' << error << ' ' << limit << '\n';
  EXPECT_LE(error, limit) << one->text();
}

/// Ids have no such error, and a rounding to 8 bits alone is beyond the limit: only outputs in float count.
/// Which those are any case tells; the first is a small one.
std::vector<PairPtr> pairs_of_floats() {
  std::vector<PairPtr> out;
  for (const PairPtr& pair : all_pairs()) {
    const std::vector<Tensor> tensors = pair->edges().front()->arguments();
    const auto is_float = [](const Tensor* tensor) { return tensor->type == Type::f32; };
    if (pair->runs_on_device() && std::ranges::any_of(outputs_of(tensors), is_float)) out.push_back(pair);
  }
  return out;
}
INSTANTIATE_TEST_SUITE_P(, Nmse, testing::ValuesIn(pairs_of_floats()), pair_name);

}  // namespace
}  // namespace kigo::laws
