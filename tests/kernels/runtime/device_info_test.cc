// Which devices are refused, and in which words. No GPU is asked.
#include "kernels/runtime/device_info.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "kernels/runtime/context.h"

namespace kigo::kernels {
namespace {

DeviceInfo device(int capability) { return {.index = 1, .name = "NVIDIA A100", .capability = capability}; }

TEST(Architectures, AreReadFromCMakesWords) {
  EXPECT_EQ(parse_architectures("90"), std::vector<int>{90});
  EXPECT_EQ(parse_architectures("80,90-real,100a,103-virtual"), (std::vector<int>{80, 90, 100, 103}));
  EXPECT_EQ(parse_architectures("90a-real2;120"), (std::vector<int>{90, 120}));
  EXPECT_EQ(parse_architectures(""), std::vector<int>{});
}

TEST(Capability, ADeviceOlderThanTheBuildIsRefusedNamingBoth) {
  const Status status = check_capability(device(80), {100, 90});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error(), (Error{Code::unsupported, "device 1 (NVIDIA A100)", "device is sm_80",
                                   "built for sm_90 and newer", std::nullopt}));
}

TEST(Capability, TheOldestBuiltAndEverythingNewerRun) {
  EXPECT_TRUE(check_capability(device(90), {100, 90}));
  EXPECT_TRUE(check_capability(device(120), {90}));
  EXPECT_FALSE(check_capability(device(89), {90}));
}

TEST(DeviceIndex, WithoutDevicesTheErrorSaysSo) {
  const Status status = check_device_index(0, 0);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "device: no CUDA device, expected an NVIDIA GPU (cuda)");
}

TEST(DeviceIndex, OutOfRangeNamesTheRange) {
  const Status status = check_device_index(2, 2);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(), "device 2: 2 devices, expected an index from 0 to 1 (cuda)");
  EXPECT_FALSE(check_device_index(-1, 2));
  EXPECT_TRUE(check_device_index(1, 2));
}

// In a process of its own that sees no device, whatever machine this is: the words that a user reads there.
TEST(ContextDeathTest, WithoutADeviceIsRefusedWithAReason) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(
      {
        setenv("CUDA_VISIBLE_DEVICES", "", 1);
        const Result<Context> context = Context::create();
        if (!context) std::cerr << context.error().message();
        std::exit(context ? 0 : 3);
      },
      testing::ExitedWithCode(3),
      "device: no CUDA device, expected an NVIDIA GPU .cuda.|CUDA driver: no driver, expected a driver for "
      "CUDA ");
}

}  // namespace
}  // namespace kigo::kernels
