// What NVML's bits mean; the library itself is there or not.
#include "bench/nvml.h"

#include <gtest/gtest.h>

namespace kigo::bench {
namespace {

TEST(Reasons, HaveNames) {
  EXPECT_EQ(reasons_text(0), "none");
  EXPECT_EQ(reasons_text(0x4), "sw_power_cap");
  EXPECT_EQ(reasons_text(0x4 | 0x20), "sw_power_cap sw_thermal_slowdown");
  EXPECT_EQ(reasons_text(0x400), "reason_0x400");
}

TEST(Reasons, DisqualifyWhenHeatOrTheSupplySlowsTheDevice) {
  EXPECT_EQ(disqualifying(0x1 | 0x2 | 0x4 | 0x10 | 0x100), 0u);  // idle, set clocks, power cap, sync, display
  for (const uint64_t reason : {0x8, 0x20, 0x40, 0x80}) EXPECT_EQ(disqualifying(reason | 0x1), reason);
}

TEST(Nvml, IsThereOrSaysWhyNot) {
  const auto nvml = Nvml::open("no such device");
  ASSERT_FALSE(nvml);
  EXPECT_EQ(nvml.error().code, Code::unsupported);
  EXPECT_FALSE(nvml.error().found.empty());
}

}  // namespace
}  // namespace kigo::bench
