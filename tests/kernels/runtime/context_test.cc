// The context on a real device: what it knows, what it refuses, and that no failed allocation hurts it.
#include "kernels/runtime/context.h"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "kernels/rmsnorm.h"
#include "kernels/runtime/copy.h"
#include "kernels/runtime/graph.h"
#include "tests/kernels/fake_memory.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

class GpuContext : public testing::Test {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};

TEST_F(GpuContext, KnowsItsDevice) {
  const Context context = test::make_context();
  EXPECT_FALSE(context.info().name.empty());
  EXPECT_GE(context.info().capability, 50);
  EXPECT_GT(context.info().multiprocessors, 0);
  EXPECT_GT(context.info().l2_bytes, 0);
  const Result<int64_t> free_bytes = context.free_bytes();
  ASSERT_TRUE(free_bytes);
  EXPECT_GT(*free_bytes, 0);
  EXPECT_LE(*free_bytes, context.info().total_bytes);
}

TEST_F(GpuContext, RefusesADeviceThatIsNotThere) {
  const Result<Context> context = Context::create(1000);
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().subject, "device 1000");
  EXPECT_EQ(context.error().code, Code::cuda);
}

TEST_F(GpuContext, IsHealthyAgainAndAgain) {
  Context context = test::make_context();
  for (int i = 0; i < 3; ++i) {
    const Status status = context.health();
    EXPECT_TRUE(status) << status.error().message();
  }
}

TEST_F(GpuContext, MoreThanTheDeviceHasIsRefusedAndHarmsNothing) {
  Context context = test::make_context();
  const int64_t held = context.vram().total_bytes();
  const auto buffer = context.vram().allocate(Purpose::kv, int64_t{1} << 50, "kv pages");
  ASSERT_FALSE(buffer);
  EXPECT_EQ(buffer.error().code, Code::out_of_memory);
  EXPECT_EQ(buffer.error().subject, "kv pages");
  EXPECT_EQ(context.vram().total_bytes(), held);
  const Status status = context.health();
  EXPECT_TRUE(status) << status.error().message();
}

TEST_F(GpuContext, BuffersAreResident) {
  Context context = test::make_context();
  const auto buffer = context.vram().allocate(Purpose::weights, 1 << 20, "weights");
  ASSERT_TRUE(buffer);
  const Status status = context.vram().check_residency();
  EXPECT_TRUE(status) << status.error().message();
}

TEST_F(GpuContext, PinnedMemoryIsNotResident) {
  Context context = test::make_context();
  const auto pinned = context.vram().allocate_pinned(64, "staging");
  ASSERT_TRUE(pinned);
  const Status status = cuda_memory().check_resident(pinned->data());
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().found, "pinned host memory");
}

TEST_F(GpuContext, FailingAnyAllocationLeaksNothing) {
  for (int64_t n = 0;; ++n) {
    const auto log = std::make_shared<test::AllocationLog>();
    log->fail_at = n;
    bool failed = false;
    {
      Result<Context> context = Context::create(0, test::counted(cuda_memory(), log));
      failed = !context;
      if (context) {
        EXPECT_TRUE(context->health());
      }
    }
    EXPECT_EQ(log->living, 0) << "after allocation " << n << " failed";
    if (!failed) break;
    ASSERT_LT(n, 100);
  }
}

TEST_F(GpuContext, CopiesComeBackAsTheyWent) {
  Context context = test::make_context();
  const std::vector<float> sent{1, -2, 3.5f};
  const auto array = context.vram().array<float>(Purpose::activations, 3, "x");
  ASSERT_TRUE(array);
  ASSERT_TRUE(upload_and_wait<float>(array->view(), std::span<const float>(sent), context.stream()));
  EXPECT_EQ(*download_and_wait<float>(array->view(), context.stream()), sent);
  ASSERT_TRUE(fill(reinterpret_cast<std::byte*>(array->data()), 8, std::byte{0}, context.stream()));
  EXPECT_EQ(*download_and_wait<float>(array->view(), context.stream()), (std::vector<float>{0, 0, 3.5f}));
}

TEST_F(GpuContext, EventsOrderAndTimeWork) {
  Context context = test::make_context();
  auto start = Event::create(Event::Timing::on);
  auto end = Event::create(Event::Timing::on);
  ASSERT_TRUE(start && end);
  const auto buffer = context.vram().allocate(Purpose::workspace, 1 << 24, "bytes");
  ASSERT_TRUE(buffer);
  ASSERT_TRUE(start->record(context.stream()));
  ASSERT_TRUE(fill(const_cast<std::byte*>(buffer->data()), buffer->bytes(), std::byte{1}, context.stream()));
  ASSERT_TRUE(end->record(context.stream()));
  ASSERT_TRUE(end->wait());
  const Result<float> elapsed_ms = end->elapsed_ms_since(*start);
  ASSERT_TRUE(elapsed_ms);
  EXPECT_GT(*elapsed_ms, 0);
}

class GpuGraph : public GpuContext {
 protected:
  Status set_all(std::byte value) {
    return fill(reinterpret_cast<std::byte*>(array_->data()), array_->bytes(), value, context_->stream());
  }
  void SetUp() override {
    GpuContext::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    context_.emplace(test::make_context());
    array_.emplace(*context_->vram().array<uint8_t>(Purpose::workspace, 4, "bytes"));
    ASSERT_TRUE(set_all(std::byte{0}));
  }
  std::vector<uint8_t> bytes() { return *download_and_wait<uint8_t>(array_->view(), context_->stream()); }

  std::optional<Context> context_;
  std::optional<DeviceArray<uint8_t>> array_;
};

TEST_F(GpuGraph, CaptureDoesNothingAndEachLaunchDoesIt) {
  const auto graph = Graph::capture(context_->stream(), [&] { return set_all(std::byte{7}); });
  ASSERT_TRUE(graph) << graph.error().message();
  EXPECT_EQ(*graph->nodes(), 1);
  EXPECT_TRUE(graph->kernel_names()->empty());
  EXPECT_EQ(bytes(), (std::vector<uint8_t>{0, 0, 0, 0}));
  const auto exec = GraphExec::create(*graph);
  ASSERT_TRUE(exec) << exec.error().message();
  ASSERT_TRUE(exec->launch(context_->stream()));
  EXPECT_EQ(bytes(), (std::vector<uint8_t>{7, 7, 7, 7}));
}

TEST_F(GpuGraph, AnUpdateTakesTheNewArguments) {
  const auto graph = Graph::capture(context_->stream(), [&] { return set_all(std::byte{7}); });
  auto exec = GraphExec::create(*graph);
  ASSERT_TRUE(exec);
  const auto other = Graph::capture(context_->stream(), [&] { return set_all(std::byte{9}); });
  const Status updated = exec->update(*other);
  ASSERT_TRUE(updated) << updated.error().message();
  ASSERT_TRUE(exec->launch(context_->stream()));
  EXPECT_EQ(bytes(), (std::vector<uint8_t>{9, 9, 9, 9}));
}

TEST_F(GpuGraph, AnUpdateOfAnotherShapeIsRefusedAndANewGraphRuns) {
  const auto graph = Graph::capture(context_->stream(), [&] { return set_all(std::byte{7}); });
  auto exec = GraphExec::create(*graph);
  ASSERT_TRUE(exec);
  const auto other = Graph::capture(context_->stream(), [&]() -> Status {
    KIGO_TRY(set_all(std::byte{1}));
    return set_all(std::byte{2});
  });
  const Status refused = exec->update(*other);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().subject, "graph update");
  const auto remade = GraphExec::create(*other);
  ASSERT_TRUE(remade) << remade.error().message();
  ASSERT_TRUE(remade->launch(context_->stream()));
  EXPECT_EQ(bytes(), (std::vector<uint8_t>{2, 2, 2, 2}));
}

TEST_F(GpuGraph, NamesTheKernelsInIt) {
  const auto x = context_->vram().array<float>(Purpose::activations, 64, "x");
  const auto weight = context_->vram().array<float>(Purpose::weights, 32, "weight");
  ASSERT_TRUE(x && weight);
  const View<float, 2, Space::Device> rows = x->view<2>({2, 32});
  const ops::RmsNorm<float, Space::Device> op{.x = rows, .weight = weight->view(), .y = rows, .eps = 1e-6f};
  const auto graph = Graph::capture(context_->stream(), [&]() -> Status {
    KIGO_TRY(set_all(std::byte{1}));
    return rmsnorm(op, context_->stream());
  });
  ASSERT_TRUE(graph) << graph.error().message();
  EXPECT_EQ(*graph->nodes(), 2);
  const auto names = graph->kernel_names();
  ASSERT_TRUE(names) << names.error().message();
  ASSERT_EQ(names->size(), 1u);
  EXPECT_NE(names->front().find("rmsnorm"), std::string::npos) << names->front();
}

TEST_F(GpuGraph, AFailedCaptureGivesTheErrorAndTheStreamBack) {
  const auto refused = Graph::capture(context_->stream(),
                                      []() -> Status { return fail(Code::bad_shape, "op", "this", "that"); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message(), "op: this, expected that (bad_shape)");
  const auto waited = Graph::capture(context_->stream(), [&] { return synchronize(context_->stream()); });
  EXPECT_FALSE(waited);
  const Status healthy = context_->health();
  EXPECT_TRUE(healthy) << healthy.error().message();
}

}  // namespace
}  // namespace kigo::kernels
