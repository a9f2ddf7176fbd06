// The table of choices; the layouts of threads are in linear_rows.cu and linear_tiles.cu.
#include "kernels/linear.h"

#include <algorithm>
#include <array>

#include "kernels/linear_rows.h"
#include "kernels/linear_tiles.h"

namespace kigo::kernels {
namespace {

Status tiles_alone(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap) {
  return linear_tiles(op, stream);
}

constexpr auto kChoices = std::to_array<LinearChoice>({
    {"linear_rows", kLinearRowsTokens, linear_rows},
    {"linear_tiles", INT64_MAX, tiles_alone},
});

}  // namespace

std::span<const LinearChoice> linear_choices() { return kChoices; }

Status linear(const ops::Linear<float, Space::Device>& op, Stream stream, Overlap overlap) {
  const int64_t tokens = op.x.shape[0];
  const auto choice =
      std::ranges::find_if(kChoices, [&](const LinearChoice& one) { return tokens <= one.most_tokens; });
  return choice->run(op, stream, overlap);  // which checks the arguments
}

}  // namespace kigo::kernels
