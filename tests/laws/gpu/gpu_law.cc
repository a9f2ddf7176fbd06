#include "tests/laws/gpu/gpu_law.h"

#include "kernels/runtime/status.h"

namespace kigo::laws {

void OnGpu::SetUp() {
  KIGO_NEEDS_GPU();
  const Status status = kernels::status_of(cudaDeviceSynchronize(), "the device, before this test");
  ASSERT_TRUE(status) << "an earlier kernel has left the device unusable: " << status.error().message();
  stream_ = std::make_unique<test::TestStream>();
}

}  // namespace kigo::laws
