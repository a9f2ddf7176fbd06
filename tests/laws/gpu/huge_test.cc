// Beyond 2^31 bytes and elements: a small case, repeated along axis 0 on the device, must give the small
// case's result over and over. The twin only ever sees the small case.
#include <algorithm>
#include <set>

#include "core/base/random.h"
#include "kernels/runtime/status.h"
#include "tests/laws/gpu/gpu_law.h"
#include "tests/pairs/data.h"

namespace kigo::laws {
namespace {

using namespace pairs;
using kernels::status_of;

constexpr int kRandomTiles = 30;

/// A tensor of the tile, as often as the whole case holds it.
struct Repeated {
  const Tensor* tensor = nullptr;
  int64_t repeats = 1;
  test::DeviceMemory memory;

  size_t tile_bytes() const { return static_cast<size_t>(tensor->elements() * element_bytes(tensor->type)); }
  size_t bytes() const { return tile_bytes() * static_cast<size_t>(repeats); }
  Placed placed() const {
    Placed at{static_cast<std::byte*>(memory.get()), tensor->type, tensor->shape, tensor->shape};
    at.shape[0] *= repeats;
    int64_t step = 1;
    for (size_t axis = at.shape.size(); axis-- > 0; step *= at.shape[axis]) at.stride[axis] = step;
    return at;
  }
};

/// The tile's elements, then copies of what is there already, twice as much each time.
Status fill(const Repeated& to, const test::TestStream& stream) {
  auto* const base = static_cast<std::byte*>(to.memory.get());
  if (to.tensor->part == Part::out || to.tensor->part == Part::scratch)
    return status_of(cudaMemsetAsync(base, 0xFF, to.bytes(), stream), "fill");
  KIGO_TRY(status_of(
      cudaMemcpyAsync(base, to.tensor->data.data(), to.tile_bytes(), cudaMemcpyHostToDevice, stream),
      "tile"));
  for (size_t done = to.tile_bytes(); done < to.bytes();) {
    const size_t more = std::min(done, to.bytes() - done);
    KIGO_TRY(status_of(cudaMemcpyAsync(base + done, base, more, cudaMemcpyDeviceToDevice, stream), "copies"));
    done += more;
  }
  return {};
}

/// First and last, on both sides of 2^31 and 2^32 bytes and of 2^31 elements, and some more.
std::set<int64_t> tiles_to_look_at(const Repeated& out) {
  std::set<int64_t> tiles{0, out.repeats - 1};
  const auto bytes = static_cast<int64_t>(out.tile_bytes());
  for (const int64_t border : {int64_t{1} << 31, int64_t{1} << 32, element_bytes(out.tensor->type) << 31}) {
    for (const int64_t tile : {border / bytes - 1, border / bytes, border / bytes + 1}) {
      if (0 <= tile && tile < out.repeats) tiles.insert(tile);
    }
  }
  Random random(1);
  for (int i = 0; i < kRandomTiles; ++i)
    tiles.insert(static_cast<int64_t>(random.below(static_cast<uint64_t>(out.repeats))));
  return tiles;
}

struct HugeCases : OnGpu {
  void expect_repeated(const AnyHuge& huge) const;
};

void HugeCases::expect_repeated(const AnyHuge& huge) const {
  const std::vector<Tensor> tensors = huge.tile->arguments();
  std::vector<Repeated> repeated;
  std::vector<Placed> placed;
  for (const Tensor* tensor : placed_tensors(tensors)) {
    const bool many = std::ranges::find(huge.repeated, tensor->name) != huge.repeated.end();
    Repeated one{tensor, many ? huge.repeats : 1, nullptr};
    Result<test::DeviceMemory> memory = test::device_memory(std::max<size_t>(one.bytes(), 256));
    ASSERT_TRUE(memory) << memory.error().message();
    one.memory = std::move(*memory);
    const Status status = fill(one, stream());
    ASSERT_TRUE(status) << status.error().message();
    placed.push_back(one.placed());
    repeated.push_back(std::move(one));
  }
  ASSERT_TRUE(stream().wait());
  const Status status = huge.whole->kernel(placed, stream());
  ASSERT_TRUE(status) << status.error().message();
  const Status ran = stream().wait();
  ASSERT_TRUE(ran) << ran.error().message();

  const Result<Outputs> truth = huge.tile->reference(tensors);
  ASSERT_TRUE(truth) << truth.error().message();
  std::erase_if(repeated, [](const Repeated& one) {
    return one.tensor->part != Part::out && one.tensor->part != Part::inout;
  });
  for (const int64_t tile : tiles_to_look_at(repeated.at(0))) {
    Outputs got;  // outputs that are not repeated are looked at each time
    for (const Repeated& out : repeated) {
      std::vector<std::byte> data(out.tile_bytes());
      const auto* const from = static_cast<const std::byte*>(out.memory.get()) +
                               static_cast<size_t>(std::min(tile, out.repeats - 1)) * out.tile_bytes();
      ASSERT_EQ(cudaMemcpy(data.data(), from, data.size(), cudaMemcpyDeviceToHost), cudaSuccess);
      got.push_back(widened(out.tensor->type, data));
    }
    for (const auto& report : judge(pair(), *huge.tile, tensors, *truth, got, ""))
      ASSERT_TRUE(report.pass) << "repeat " << tile << " of " << huge.repeats << ": " << report.text();
  }
}

TEST_P(HugeCases, RepeatEveryRow) {
  for (const AnyHuge& huge : pair().huge()) {
    SCOPED_TRACE(huge.whole->text());
    expect_repeated(huge);
  }
}

std::vector<PairPtr> pairs_with_huge_cases() {
  std::vector<PairPtr> out;
  for (const PairPtr& pair : all_pairs()) {
    if (!pair->huge().empty()) out.push_back(pair);
  }
  return out;
}
INSTANTIATE_TEST_SUITE_P(, HugeCases, testing::ValuesIn(pairs_with_huge_cases()), pair_name);

}  // namespace
}  // namespace kigo::laws
