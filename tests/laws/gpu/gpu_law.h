// What the tests over all pairs on a GPU share: the fixture.
#pragma once

#include <memory>

#include "tests/laws/pairs.h"
#include "tests/support/device.h"
#include "tests/support/gpu.h"

namespace kigo::laws {

/// Skips without a GPU, and fails where an earlier test has left it unusable.
struct OnGpu : OverPairs {
  void SetUp() override;
  const test::TestStream& stream() const { return *stream_; }

 private:
  std::unique_ptr<test::TestStream> stream_;
};

}  // namespace kigo::laws
