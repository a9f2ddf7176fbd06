// What a kernel moves and computes at least, counted by hand: shares of the hardware's limits are taken of
// it.
#include <gtest/gtest.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>

#include "core/base/cat.h"
#include "tests/bench/op_names.h"
#include "tests/pairs/any_pair.h"
#include "tests/pairs/data.h"

namespace kigo::bench {
namespace {

using namespace pairs;

struct Counted {
  const char* pair;
  const char* text;  // how the case's text begins
  double bytes;
  double flops;

  friend void PrintTo(const Counted& counted, std::ostream* out) {
    *out << counted.pair << ' ' << counted.text;
  }
};

// Blocks: Q4_K 144 bytes for 256 weights, Q6_K 210, Q5_0 22 for 32, Q8_0 34.
constexpr Counted kCounted[] = {
    // 14 blocks a row, 4096 rows, read and written
    {"repack_q4_k", "rows=4096 cols=3584 ", 2.0 * 4096 * 14 * 144, 0},
    {"unpack_q8_0", "rows=4096 cols=896 ", 2.0 * 4096 * 28 * 34, 0},
    // 28 blocks a row, and two bytes a value
    {"dequantise_q5_0_f16", "rows=4864 cols=896 ", 4864.0 * 28 * 22 + 4864.0 * 896 * 2, 2.0 * 4864 * 896},
    // a row of 14 blocks, its id, 3584 floats
    {"embedding_q6_k", "tokens=1 vocab=4096 width=3584 ", 14 * 210 + 4 + 4 * 3584, 2 * 3584},
    // x and y in half, weights in float; square, sum, two products
    {"rmsnorm_f16", "tokens=1 width=896 ", 2 * 896 * 2 + 4 * 896, 4 * 896},
    // 19 blocks a row; x and y
    {"linear_q4_k", "tokens=1 rows=896 cols=4864 ", 896 * 19 * 144 + 4 * (4864 + 896), 2.0 * 896 * 4864},
    {"linear_q8_0", "tokens=512 rows=896 cols=896 ", 896 * 28 * 34 + 4.0 * 512 * (896 + 896),
     2.0 * 512 * 896 * 896},
    // with a bias
    {"linear_f32", "tokens=8 rows=127 cols=1 scale=1 bias=1 ", 127 * 4 + 4 * 8 * (1 + 127) + 4 * 127,
     2 * 8 * 127},
    {"add_bias_f32", "tokens=512 width=1152 ", 2.0 * 512 * 1152 * 4 + 4 * 1152, 512 * 1152},
    // x, y and a position of 8 bytes; four products and two sums a pair
    {"rope_f32", "tokens=1 heads=14 head_dim=64 rope_dims=64 ", 2 * 14 * 64 * 4 + 8, 6 * 14 * 32},
    // 32 of 80 dimensions are rotated, the others copied
    {"rope_f16", "tokens=2 heads=8 head_dim=80 rope_dims=32 ", 2 * 2 * 8 * 80 * 2 + 2 * 8, 6 * 2 * 8 * 16},
    // with 64 divisors
    {"rope_f32", "tokens=3 heads=9 head_dim=128 rope_dims=128 position=8000 ",
     2 * 3 * 9 * 128 * 4 + 3 * 8 + 64 * 4, 6 * 3 * 9 * 64},
    // keys and values, read as float and written as half; a position; one page
    {"kv_append_f16", "tokens=1 kv_heads=2 head_dim=64 position=600 ", 2 * 128 * (4 + 2) + 8 + 4, 0},
    // positions 10 to 18 lie in pages 0 and 1
    {"kv_append_f32", "tokens=9 kv_heads=8 head_dim=80 position=10 ", 2 * 9 * 640 * (4 + 4) + 9 * 8 + 2 * 4,
     0},
    // q and y, 101 keys and values, a position, 7 pages; two operations for a product and a sum, twice
    {"paged_attention_f16", "tokens=1 heads=14 kv_heads=2 head_dim=64 position=100 ",
     2 * 896 * 4 + 2 * 101 * 128 * 2 + 8 + 7 * 4, 4 * 101 * 896},
    // token t sees t + 1 positions: 512 * 513 / 2 in all
    {"paged_attention_half_f16", "tokens=512 heads=14 kv_heads=2 head_dim=64 position=0 ",
     2.0 * 512 * 896 * 4 + 2 * 512 * 128 * 2 + 512 * 8 + 32 * 4, 4.0 * 131328 * 896},
    {"swiglu_f32", "tokens=1 width=4864 ", 3 * 4864 * 4, 5 * 4864},
    {"add_f16", "tokens=1 width=896 ", 3 * 896 * 2, 896},
    {"convert_f32_f16", "tokens=512 width=896 ", 512 * 896 * (4 + 2), 0},
    {"softmax_f32", "rows=1 width=151936 ", 2 * 151936 * 4, 5 * 151936},
    {"argmax_f32", "rows=1 width=151936 ", 151936 * 4 + 4, 151936},
    // 896 + 128 + 128 rows of 28 blocks, their biases; x and its norm; 896 queries; 256 halves of cache; a
    // position, a page
    {"norm_qkv_rope_append_q5_0_f16", "heads=14 kv_heads=2 head_dim=64 width=896 ",
     1152 * 28 * 22 + 1152 * 4 + 2 * 896 * 4 + 896 * 4 + 256 * 2 + 8 + 4, 2.0 * 1152 * 896},
    // 6144 rows of 16 blocks without biases; 64 divisors
    {"norm_qkv_rope_append_q4_k_f16", "heads=32 kv_heads=8 head_dim=128 width=4096 ",
     6144 * 16 * 144 + 2 * 4096 * 4 + 4096 * 4 + 2048 * 2 + 8 + 4 + 64 * 4, 2.0 * 6144 * 4096},
    // x, the residual and y
    {"linear_add_q8_0", "rows=896 cols=896 ", 896 * 28 * 34 + 3 * 896 * 4, 2.0 * 896 * 896},
    // 3072 rows of 4 blocks of either type; x and its norm; y
    {"norm_gate_up_swiglu_q4_k_q6_k", "ffn_width=3072 width=1024 ",
     3072 * 4 * (144 + 210) + 2 * 1024 * 4 + 3072 * 4, 4.0 * 3072 * 1024},
    // x and its norm, the logits, the id
    {"norm_head_argmax_q6_k", "vocab=4096 width=1024 ", 4096 * 4 * 210 + 2 * 1024 * 4 + 4096 * 4 + 4,
     2.0 * 4096 * 1024},
    // float in, double out
    {"temperature", "rows=1 width=151936 ", 151936 * (4 + 8), 151936},
    {"repetition_penalty", "rows=1 width=151936 ", 2 * 151936 * 8 + 2048 * 4, 2048},
    {"top_k", "rows=1 width=151936 ", 2 * 151936 * 8, 0},
    {"top_p", "rows=1 width=151936 ", 2 * 151936 * 8, 151936},
    {"min_p", "rows=1 width=151936 ", 2 * 151936 * 8, 151936},
    // the row, the number drawn, the id; an exponential and a sum
    {"draw", "rows=1 width=151936 ", 151936 * 8 + 8 + 4, 2 * 151936},
};

CasePtr find_case(const Counted& counted) {
  for (const PairPtr& pair : all_pairs()) {
    if (pair->name() != counted.pair) continue;
    for (const auto& cases : {pair->bench(), pair->edges()})
      for (const CasePtr& one : cases)
        if (one->text().starts_with(counted.text)) return one;
  }
  return nullptr;
}

struct Costs : testing::TestWithParam<Counted> {};

TEST_P(Costs, AreThoseCountedByHand) {
  const CasePtr one = find_case(GetParam());
  ASSERT_NE(one, nullptr) << GetParam().pair << ' ' << GetParam().text;
  EXPECT_EQ(one->cost().bytes, GetParam().bytes);
  EXPECT_EQ(one->cost().flops, GetParam().flops);
}

std::string name_of(const testing::TestParamInfo<Counted>& info) {
  return cat(info.param.pair, "_", info.index);
}
INSTANTIATE_TEST_SUITE_P(, Costs, testing::ValuesIn(kCounted), name_of);

TEST(CostModels, AreCountedForEveryOp) {
  std::set<std::string> counted;
  for (const Counted& one : kCounted) counted.insert(op_of(one.pair));
  for (const std::string& op : ops_with_kernels())
    EXPECT_TRUE(counted.contains(op)) << op << " is not counted";
}

/// Where nothing is gathered, the bytes are those of the tensors: each read once or written once. Packed
/// matrices have up to 256 bytes a plane more than their blocks.
TEST(CostModels, AreTheBytesOfTheTensors) {
  const auto gathers = [](const std::string& pair) {
    return std::ranges::any_of(std::vector<std::string>{"embedding", "kv_append", "paged_attention",
                                                        "norm_qkv_rope_append", "repack"},
                               [&](const std::string& op) { return pair.starts_with(op); });
  };
  int seen = 0;
  for (const PairPtr& pair : all_pairs()) {
    if (gathers(pair->name())) continue;
    const auto cases = pair->bench();
    const CasePtr one = *std::ranges::min_element(
        cases, [](const CasePtr& a, const CasePtr& b) { return a->cost().bytes < b->cost().bytes; });
    if (one->cost().bytes > 1e7) continue;  // drawing it takes longer than all else
    const std::vector<Tensor> tensors = one->arguments();
    double bytes = 0;
    for (const Tensor* tensor : placed_tensors(tensors))
      if (tensor->part != Part::scratch && tensor->part != Part::inout)
        bytes += static_cast<double>(tensor->elements() * element_bytes(tensor->type));
    EXPECT_GE(bytes, one->cost().bytes) << pair->name() << ' ' << one->text();
    EXPECT_LE(bytes, one->cost().bytes + 2 * 5 * 256) << pair->name() << ' ' << one->text();
    ++seen;
  }
  EXPECT_GT(seen, 80);
}

}  // namespace
}  // namespace kigo::bench
