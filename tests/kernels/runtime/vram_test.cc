// The books of device memory, on memory of the host's.
#include "kernels/runtime/vram.h"

#include <gtest/gtest.h>

#include "tests/kernels/fake_memory.h"

namespace kigo::kernels {
namespace {

using test::AllocationLog;

struct Machine {
  std::shared_ptr<AllocationLog> log = std::make_shared<AllocationLog>();
  Vram vram{test::counted(test::host_memory(1000), log)};
};

TEST(Vram, CountsByPurpose) {
  Machine machine;
  const auto weights = machine.vram.allocate(Purpose::weights, 1000, "weights");
  const auto kv = machine.vram.array<float>(Purpose::kv, 25, "kv");
  ASSERT_TRUE(weights && kv);
  EXPECT_EQ(machine.vram.bytes(Purpose::weights), 1000);
  EXPECT_EQ(machine.vram.bytes(Purpose::kv), 100);
  EXPECT_EQ(machine.vram.bytes(Purpose::workspace), 0);
  EXPECT_EQ(machine.vram.total_bytes(), 1100);
  EXPECT_EQ(kv->purpose(), Purpose::kv);
  EXPECT_EQ(kv->size(), 25);
}

TEST(Vram, FallsBackToZeroAndRemembersThePeak) {
  Machine machine;
  {
    const auto a = machine.vram.allocate(Purpose::weights, 700, "a");
    const auto b = machine.vram.allocate(Purpose::activations, 300, "b");
    ASSERT_TRUE(a && b);
  }
  const auto c = machine.vram.allocate(Purpose::weights, 10, "c");
  EXPECT_EQ(machine.vram.total_bytes(), 10);
  EXPECT_EQ(machine.vram.peak_bytes(), 1000);
  EXPECT_EQ(machine.log->living, 1);
}

TEST(Vram, PinnedMemoryIsNotDeviceMemory) {
  Machine machine;
  const auto pinned = machine.vram.allocate_pinned(64, "staging");
  ASSERT_TRUE(pinned);
  EXPECT_EQ(machine.vram.total_bytes(), 0);
  EXPECT_EQ(machine.vram.pinned_bytes(), 64);
}

TEST(Vram, ZeroBytesAreAnEmptyBufferAndNoAllocation) {
  Machine machine;
  const auto buffer = machine.vram.allocate(Purpose::kv, 0, "nothing");
  ASSERT_TRUE(buffer);
  EXPECT_EQ(buffer->data(), nullptr);
  EXPECT_EQ(machine.log->calls, 0);
}

TEST(Vram, RefusesSizesThatAreNone) {
  Machine machine;
  EXPECT_EQ(machine.vram.allocate(Purpose::kv, -1, "pages").error().message(),
            "pages: -1 bytes, expected at least 0 (bad_shape)");
  EXPECT_EQ(machine.vram.array<double>(Purpose::kv, int64_t{1} << 60, "pages").error().code, Code::bad_shape);
  EXPECT_EQ(machine.log->calls, 0);
}

TEST(Vram, AFailedAllocationNamesSubjectAndSums) {
  Machine machine;
  machine.log->fail_at = 1;
  const auto first = machine.vram.allocate(Purpose::weights, 500, "weights");
  const auto second = machine.vram.allocate(Purpose::kv, 600, "kv pages");
  ASSERT_TRUE(first);
  ASSERT_FALSE(second);
  EXPECT_EQ(
      second.error().message(),
      "kv pages: number 1 fails, expected 600 bytes of kv beside the 500 bytes of device memory and 0 bytes "
      "of pinned memory already held (out_of_memory)");
  EXPECT_EQ(machine.vram.total_bytes(), 500);
}

TEST(Vram, RequireHasRequiredAndAvailable) {
  const Machine machine;
  EXPECT_TRUE(machine.vram.require({{Purpose::weights, 600}, {Purpose::kv, 400}}));
  const Status status = machine.vram.require({{Purpose::weights, 1600}, {Purpose::kv, 400}});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(),
            "device memory: 1,000 bytes available, expected 2,000 bytes required: weights 1,600, kv 400 "
            "(out_of_memory)");
}

TEST(Vram, RequireSurvivesSumsBeyond63Bits) {
  const Machine machine;
  const int64_t huge = std::numeric_limits<int64_t>::max();
  EXPECT_FALSE(machine.vram.require({{Purpose::weights, huge}, {Purpose::kv, huge}}));
}

TEST(Vram, ResidencyNamesTheBufferThatLeft) {
  MemorySource source = test::host_memory();
  source.check_resident = [](const std::byte*) -> Status {
    return fail(Code::cuda, "residency", "managed memory", "device memory");
  };
  Vram vram(source);
  EXPECT_TRUE(vram.check_residency());  // nothing there, nothing wrong
  const auto buffer = vram.allocate(Purpose::weights, 77, "weights");
  const Status status = vram.check_residency();
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().message(),
            "weights buffer of 77 bytes: managed memory, expected device memory (cuda)");
}

TEST(Buffer, MovesLeaveNothingBehindAndFreeWhatTheyReplace) {
  Machine machine;
  DeviceBuffer a = *machine.vram.allocate(Purpose::weights, 100, "a");
  DeviceBuffer b = *machine.vram.allocate(Purpose::kv, 10, "b");
  const std::byte* const data = a.data();
  b = std::move(a);
  EXPECT_EQ(b.data(), data);
  EXPECT_EQ(b.bytes(), 100);
  EXPECT_EQ(machine.vram.total_bytes(), 100);
  EXPECT_EQ(machine.vram.bytes(Purpose::kv), 0);
  EXPECT_EQ(machine.log->living, 1);
}

TEST(Buffer, OutlivesItsTracker) {
  const auto log = std::make_shared<AllocationLog>();
  {
    DeviceBuffer survivor;
    {
      Vram vram(test::counted(test::host_memory(), log));
      survivor = *vram.allocate(Purpose::weights, 8, "survivor");
    }
    EXPECT_EQ(log->living, 1);
  }
  EXPECT_EQ(log->living, 0);
}

TEST(DeviceArray, GivesViewsOfItsFirstElements) {
  Machine machine;
  const auto array = machine.vram.array<float>(Purpose::activations, 12, "x");
  ASSERT_TRUE(array);
  const auto view = array->view<2>({2, 5});
  EXPECT_EQ(view.data, array->data());
  EXPECT_EQ(view.stride[0], 5);
  EXPECT_EQ(array->view().shape[0], 12);
}

}  // namespace
}  // namespace kigo::kernels
