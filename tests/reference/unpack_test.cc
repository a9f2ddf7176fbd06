#include "reference/unpack.h"

#include <gtest/gtest.h>

#include <vector>

#include "core/ops/packing.h"
#include "tests/reference/support.h"

namespace kigo {
namespace {

TEST(Unpack, WorkedExample) {
  // Row 1 of two rows of one block of Q4_0: nibbles from 16 on, its d behind the 256 bytes of the first
  // plane.
  std::vector<std::byte> packed;
  for (int i = 0; i < 260; ++i) packed.push_back(static_cast<std::byte>(i % 256));
  std::vector<std::byte> blocks(18);
  ASSERT_TRUE(reference::unpack({.type = quant::find_tensor_type("Q4_0"),
                                 .rows = 2,
                                 .cols = 32,
                                 .first_row = 1,
                                 .packed = {packed.data(), {260}},
                                 .blocks = {blocks.data(), {18}}}));
  std::vector<std::byte> want = {std::byte{2}, std::byte{3}};  // 258 and 259, modulo 256
  for (int i = 16; i < 32; ++i) want.push_back(static_cast<std::byte>(i));
  EXPECT_EQ(blocks, want);
}

TEST(Unpack, NamesRowsBeyondTheMatrix) {
  std::vector<std::byte> packed(260), blocks(36);
  EXPECT_EQ(test::message(reference::unpack({.type = quant::find_tensor_type("Q4_0"),
                                             .rows = 2,
                                             .cols = 32,
                                             .first_row = 1,
                                             .packed = {packed.data(), {260}},
                                             .blocks = {blocks.data(), {36}}})),
            "unpack.blocks: 2 rows from row 1 on, expected rows below 2 (bad_shape)");
}

}  // namespace
}  // namespace kigo
