// What an engine hands to its kernels of a model's numbers.
#include "kernels/forward/engine.h"

#include <gtest/gtest.h>

#include "tests/kernels/model/loaded.h"

namespace kigo::kernels {
namespace {

TEST(Engine, HandsTheModelsOwnRotationOn) {
  Engine engine;
  engine.config.architecture = model::find_architecture("qwen2");
  engine.config.rope_base = 1e6f;
  EXPECT_EQ(engine.rope_base(), 1e6f);
  EXPECT_EQ(engine.pairing(), ops::Pairing::halves);
  engine.config.architecture = model::find_architecture("llama");
  EXPECT_EQ(engine.pairing(), ops::Pairing::neighbours);
}

}  // namespace
}  // namespace kigo::kernels
