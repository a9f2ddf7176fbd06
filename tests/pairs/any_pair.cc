#include "tests/pairs/any_pair.h"

#include "tests/pairs/data.h"

namespace kigo::pairs {
namespace {

template <class Keep>
std::vector<const Tensor*> those(std::span<const Tensor> tensors, Keep keep) {
  std::vector<const Tensor*> out;
  for (const Tensor& tensor : tensors) {
    if (keep(tensor.part)) out.push_back(&tensor);
  }
  return out;
}

}  // namespace

std::vector<const Tensor*> placed_tensors(std::span<const Tensor> tensors) {
  return those(tensors, [](Part part) { return part != Part::host; });
}

std::vector<const Tensor*> outputs_of(std::span<const Tensor> tensors) {
  return those(tensors, [](Part part) { return part == Part::out || part == Part::inout; });
}

bool writes_nothing(const AnyCase& one) {
  const std::vector<Tensor> tensors = one.arguments();
  const std::vector<const Tensor*> outputs = outputs_of(tensors);
  const bool fills = std::ranges::any_of(
      outputs, [](const Tensor* out) { return out->part == Part::out && out->elements() != 0; });
  if (fills) return false;
  const auto truth = one.reference(tensors);
  KIGO_CHECK(truth.has_value() && truth->size() == outputs.size());
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i]->part == Part::inout && (*truth)[i] != widened(*outputs[i])) return false;
  }
  return true;
}

std::vector<compare::Report> judge(const AnyPair& pair, const AnyCase& one, std::span<const Tensor> tensors,
                                   const Outputs& truth, const Outputs& got, const std::string& replay,
                                   const Outputs& before) {
  const std::vector<const Tensor*> outputs = outputs_of(tensors);
  const Outputs bounds = one.bound(tensors, truth);
  KIGO_CHECK(truth.size() == outputs.size() && got.size() == outputs.size() &&
             bounds.size() == outputs.size() && (before.empty() || before.size() == outputs.size()));
  std::vector<compare::Report> reports;
  for (size_t i = 0; i < outputs.size(); ++i) {
    // An empty vector of bounds asks for equal values.
    const compare::Bound bound =
        bounds[i].empty() ? compare::Bound::exact() : compare::Bound::each(bounds[i]);
    reports.push_back(compare::close(got[i], truth[i], bound,
                                     {.name = cat(pair.name(), ' ', one.text(), ": ", outputs[i]->name),
                                      .shape = outputs[i]->shape,
                                      .replay = replay,
                                      .non_finite = pair.non_finite(),
                                      .before = before.empty() ? compare::Values{} : before[i]}));
  }
  return reports;
}

}  // namespace kigo::pairs
