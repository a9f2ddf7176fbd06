#include "tests/support/canary.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/pairs/data.h"

namespace kigo::test {
namespace {

using pairs::Part;
using pairs::Tensor;

Tensor grid(Part part) {
  const std::array<float, 6> values{1, 2, 3, 4, 5, 6};
  return pairs::given<float>("grid", {2, 3}, values, part);
}

/// The image's buffer as a kernel leaves it that writes 9 to `offset` elements from the first one.
std::vector<std::byte> after_writing(const Image& image, int64_t offset) {
  std::vector<std::byte> buffer = image.bytes();
  const float nine = 9;
  std::memcpy(image.placed(buffer.data()).data + offset * 4, &nine, sizeof nine);
  return buffer;
}

alignas(256) std::byte memory[8192];  // begins where an allocation on a device would

TEST(Canary, KeepsElementsDenseOrPadded) {
  const Tensor tensor = grid(Part::in);
  for (const bool padded : {false, true}) {
    const Image image(tensor, {.padded = padded});
    EXPECT_EQ(image.elements(image.bytes()), tensor.data);
    EXPECT_TRUE(image.trespasses(image.bytes()).empty());
  }
}
TEST(Canary, PadsRowsAndMisalignsThem) {
  const Tensor tensor = grid(Part::in);
  const auto placed = Image(tensor, {.padded = true}).placed(memory);
  EXPECT_GT(placed.stride[0], 3);
  EXPECT_EQ(placed.stride[0] % 2, 1);
  EXPECT_EQ(placed.stride[1], 1);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(placed.data) % 256, 4u);
}
TEST(Canary, LeavesDenseWhatMustBe) {
  Tensor tensor = grid(Part::in);
  tensor.padded = false;
  const auto placed = Image(tensor, {.padded = true}).placed(memory);
  EXPECT_EQ(placed.stride, (std::vector<int64_t>{3, 1}));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(placed.data) % 256, 0u);
}
TEST(Canary, PadsEveryOuterAxis) {
  const Tensor tensor = pairs::constant<float>("cube", {2, 3, 5}, 1);
  const auto placed = Image(tensor, {.padded = true}).placed(memory);
  EXPECT_GT(placed.stride[1], 5);
  EXPECT_GT(placed.stride[0], 3 * placed.stride[1]);
}
TEST(Canary, SeesAWriteBeforeTheFirstElement) {
  const Tensor tensor = grid(Part::out);
  const Image image(tensor, {});
  const auto found = image.trespasses(after_writing(image, -1));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].where, Trespass::Where::around);
  EXPECT_EQ(found[0].text, "grid: 4 bytes changed, first 4 bytes before the first element");
}
TEST(Canary, SeesAWriteAfterTheLastElement) {
  const Tensor tensor = grid(Part::out);
  const Image image(tensor, {});
  const auto found = image.trespasses(after_writing(image, 6));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "grid: 4 bytes changed, first 0 bytes after the last element");
}
TEST(Canary, SeesAWriteBetweenRows) {
  const Tensor tensor = grid(Part::out);
  const Image image(tensor, {.padded = true});
  const auto found = image.trespasses(after_writing(image, 3));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].text, "grid: 4 bytes changed, first 0 bytes after the end of row 0");
}
TEST(Canary, SeesAChangedInput) {
  const Tensor tensor = grid(Part::in);
  const Image image(tensor, {});
  const auto found = image.trespasses(after_writing(image, 4));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].where, Trespass::Where::input);
  EXPECT_EQ(found[0].text, "grid: 2 bytes changed, first in row 1, element 1");
}
TEST(Canary, AllowsWritesToOutputsInPlaceAndWorkspaces) {
  for (const Part part : {Part::out, Part::inout, Part::scratch}) {
    Tensor tensor = grid(part);
    const Image image(tensor, {});
    EXPECT_TRUE(image.trespasses(after_writing(image, 4)).empty());
  }
}

}  // namespace
}  // namespace kigo::test
