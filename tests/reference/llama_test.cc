// The forward pass of a llama: what sets it apart from a qwen2.
#include <gtest/gtest.h>

#include "core/base/cat.h"
#include "core/compare/bound.h"
#include "tests/reference/small_model.h"

namespace kigo {
namespace {

using compare::nmse;
using test::SmallModel;

const std::vector<uint32_t> kLlamaPrompt = {9, 3, 17, 39, 0, 22, 5, 5, 31, 8, 12, 26};

TEST(LlamaForward, HangsOnEveryTensor) {
  SmallModel small(SmallModel::Output::Untied, 1, "llama");
  const std::vector<double> before = small.logits(kLlamaPrompt);
  for (const std::string& name : small.tensor_names()) {
    const uint64_t at = name == "token_embd.weight" ? 9 * 64 + 3 : 3;  // of a token in the prompt
    const float was = small.get(name, at);
    small.set(name, at, was + 0.5f);
    EXPECT_GT(nmse(small.logits(kLlamaPrompt), before), 1e-9) << name;
    small.set(name, at, was);
  }
  EXPECT_EQ(small.logits(kLlamaPrompt), before);
}

/// Gives `to` the values of `from`; rows of q and k, and their biases, as llama's converter orders them: row
/// 2i + j of a head is row i + j * 8 of the original.
void copy_permuted(SmallModel& from, SmallModel& to) {
  for (const std::string& name : from.tensor_names()) {
    const bool turned =
        name.find("attn_q.") != std::string::npos || name.find("attn_k.") != std::string::npos;
    const uint64_t row = name.ends_with(".bias") ? 1 : 64;
    for (uint64_t at = 0; at < from.tensor_size(name); ++at) {
      const uint64_t r = at / row, head = r / 16, i = r % 16;
      const uint64_t source = head * 16 + (i % 2) * 8 + i / 2;
      to.set(name, at, from.get(name, turned ? source * row + at % row : at));
    }
  }
}

TEST(LlamaForward, IsThatOfAQwen2WhoseRowsOfQAndKAreDealtOut) {
  SmallModel halves(SmallModel::Output::Tied, 7, "qwen2");
  SmallModel neighbours(SmallModel::Output::Tied, 7, "llama");
  copy_permuted(halves, neighbours);
  for (const char* bias : {"blk.0.attn_output.bias", "blk.1.attn_output.bias"}) neighbours.fill(bias, 0);
  neighbours.fill("rope_freqs.weight", 1);
  // The same products in another order: roundings of doubles through two layers.
  EXPECT_LT(nmse(neighbours.logits(kLlamaPrompt), halves.logits(kLlamaPrompt)), 1e-26);
}

TEST(LlamaForward, DividesAllFrequenciesAsAFactorOfThePositionsDoes) {
  SmallModel divided(SmallModel::Output::Tied, 3, "llama");
  divided.fill("rope_freqs.weight", 4);
  SmallModel scaled(SmallModel::Output::Tied, 3, "llama");
  scaled.fill("rope_freqs.weight", 1);
  scaled.config.rope_factor = 4;
  EXPECT_LT(nmse(divided.logits(kLlamaPrompt), scaled.logits(kLlamaPrompt)), 1e-26);
  scaled.config.rope_factor = 3;
  EXPECT_GT(nmse(divided.logits(kLlamaPrompt), scaled.logits(kLlamaPrompt)), 1e-6);
}

}  // namespace
}  // namespace kigo
