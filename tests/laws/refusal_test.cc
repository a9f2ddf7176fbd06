// Every mistake in the layout of an argument is refused before anything is launched. No GPU is used: on
// addresses that are nobody's, a kernel gets as far as its check or as the error that there is no device.
#if KIGO_CUDA
#include <cstdlib>

#include "tests/laws/pairs.h"
#include "tests/pairs/data.h"

namespace kigo::laws {
namespace {

using namespace pairs;

[[maybe_unused]] const int kHideDevices = setenv("CUDA_VISIBLE_DEVICES", "", 1);

struct Refuses : OverPairs {};

/// Dense, at made-up addresses, 4 GiB apart.
std::vector<Placed> placed_nowhere(std::span<const Tensor* const> tensors) {
  std::vector<Placed> placed;
  for (const Tensor* tensor : tensors) {
    Placed at{.data = nullptr, .type = tensor->type, .shape = tensor->shape, .stride = tensor->shape};
    at.data = reinterpret_cast<std::byte*>((placed.size() + 1) << 32);
    int64_t step = 1;
    for (size_t axis = at.shape.size(); axis-- > 0; step *= at.shape[axis]) at.stride[axis] = step;
    placed.push_back(std::move(at));
  }
  return placed;
}

bool open_by_contract(const AnyPair& pair, const Tensor& tensor, Free::What what, int64_t axis) {
  const std::vector<Free> open = pair.free();
  return std::ranges::any_of(open, [&](const Free& one) {
    return one.tensor == tensor.name && one.what == what && (what == Free::What::pointer || one.axis == axis);
  });
}

struct Slip {
  std::string text;
  std::vector<Placed> placed;
};

/// Every way in which one argument can be off by little.
std::vector<Slip> slips(const AnyPair& pair, std::span<const Tensor* const> tensors) {
  std::vector<Slip> out;
  const std::vector<Placed> right = placed_nowhere(tensors);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const Tensor& tensor = *tensors[i];
    const auto add = [&](std::string text, Free::What what, int64_t axis, auto spoil) {
      if (open_by_contract(pair, tensor, what, axis)) return;
      out.push_back({cat(tensor.name, ": ", text), right});
      spoil(out.back().placed[i]);
    };
    if (tensor.elements() == 0) continue;
    add("no memory", Free::What::pointer, 0, [](Placed& at) { at.data = nullptr; });
    // A kernel knows the size of packed bytes from elsewhere, and a workspace is only ever too small.
    if (tensor.type == Type::bytes) continue;
    if (tensor.part == Part::scratch) {
      add("one element less", Free::What::size, 0, [](Placed& at) { --at.shape[0]; });
      continue;
    }
    for (size_t axis = 0; axis < tensor.shape.size(); ++axis) {
      const auto n = static_cast<int64_t>(axis);
      const bool last = axis + 1 == tensor.shape.size();
      for (const int64_t more : {-1, 1}) {
        add(cat("size ", tensor.shape[axis] + more, " on axis ", n, " instead of ", tensor.shape[axis]),
            Free::What::size, n, [=](Placed& at) { at.shape[axis] += more; });
      }
      if (last || tensor.shape[axis] > 1) {
        add(last ? cat("elements lie apart") : cat("stride too small on axis ", n), Free::What::stride, n,
            [=](Placed& at) { at.stride[axis] += last ? 1 : -1; });
      }
    }
  }
  return out;
}

TEST_P(Refuses, BadShapes) {
  int tried = 0;
  for (const CasePtr& one : pair().edges()) {
    const std::vector<Tensor> tensors = one->arguments();
    if (tried == 2) break;
    if (writes_nothing(*one)) continue;
    SCOPED_TRACE(one->text());
    const std::vector<const Tensor*> placed = placed_tensors(tensors);
    const Status right = one->kernel(placed_nowhere(placed), nullptr);
    ASSERT_TRUE(!right && right.error().code == Code::cuda)
        << "the unspoilt case should fail for want of a device, but: "
        << (right ? "success" : right.error().message());
    for (const Slip& slip : slips(pair(), placed)) {
      const Status status = one->kernel(slip.placed, nullptr);
      const bool refused =
          !status && (status.error().code == Code::bad_shape || status.error().code == Code::unsupported);
      EXPECT_TRUE(refused) << slip.text << ": " << (status ? "accepted" : status.error().message());
    }
    ++tried;
  }
  EXPECT_GT(tried, 0);
}

KIGO_FOR_ALL_PAIRS(Refuses);

}  // namespace
}  // namespace kigo::laws
#endif
