// Loading: every byte arrives, whatever the pieces; whatever fails, nothing is kept. Without a GPU on memory
// of the host's and a transfer that is as late as it may be; with one, on the device.
#include "kernels/loader.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <vector>

#include "core/base/cat.h"
#include "core/ops/packing.h"
#include "tests/kernels/fake_memory.h"
#include "tests/kernels/late_transfer.h"
#include "tests/support/gpu.h"

namespace kigo::kernels {
namespace {

using model::Role;
using test::AllocationLog;
using test::LateWork;

model::Model open_tiny(const std::string& types) {
  Result<model::Model> opened = model::open(cat(KIGO_SOURCE_DIR, "/golden/tiny/tiny-", types, ".gguf"));
  KIGO_CHECK(opened.has_value());
  return std::move(*opened);
}

const std::vector<std::string> kTinyModels{"f16", "q4_k", "q4_k_m", "q6_k", "q8_0"};

/// A machine without a GPU.
struct Machine {
  explicit Machine(int64_t available = int64_t{1} << 40)
      : vram(test::counted(test::host_memory(available), log)) {}

  Result<DeviceWeights> load(const model::Model& model, const LoadOptions& options = {}) {
    return load_weights(model.weights, model.config, vram, options, test::late_transfer(work));
  }
  Status verify(const DeviceWeights& weights, const LoadOptions& options = {}) {
    return verify_loaded(weights, vram, options, test::late_transfer(work));
  }

  std::shared_ptr<AllocationLog> log = std::make_shared<AllocationLog>();
  std::shared_ptr<LateWork> work = std::make_shared<LateWork>();
  Vram vram;
};

/// One row at a time and a ring of two: the most pieces and the least room.
LoadOptions narrow(int threads) { return {.staging_bytes = 1, .staging_buffers = 2, .threads = threads}; }

class LoaderOf : public testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(TinyModels, LoaderOf, testing::ValuesIn(kTinyModels),
                         [](const auto& tiny) { return tiny.param; });

TEST_P(LoaderOf, BringsEveryByteRowByRow) {
  const model::Model model = open_tiny(GetParam());
  for (const int threads : {1, 3}) {
    Machine machine;
    const Result<DeviceWeights> loaded = machine.load(model, narrow(threads));
    ASSERT_TRUE(loaded) << loaded.error().message();
    const Status status = machine.verify(*loaded);
    EXPECT_TRUE(status) << status.error().message();
  }
}

TEST_P(LoaderOf, BringsEveryByteInLargePieces) {
  const model::Model model = open_tiny(GetParam());
  Machine machine;
  const Result<DeviceWeights> loaded = machine.load(model);
  ASSERT_TRUE(loaded) << loaded.error().message();
  const Status status = machine.verify(*loaded, narrow(1));
  EXPECT_TRUE(status) << status.error().message();
}

TEST(Loader, PiecesDoNotChangeTheBytes) {
  const model::Model model = open_tiny("q4_k_m");
  Machine narrow_machine;
  Machine wide_machine;
  const Result<DeviceWeights> a = narrow_machine.load(model, narrow(2));
  const Result<DeviceWeights> b = wide_machine.load(model);
  ASSERT_TRUE(a && b);
  ASSERT_EQ(a->bytes(), b->bytes());
  const Place& first = a->layout().places().front();  // at offset 0: the arena begins there
  EXPECT_EQ(std::memcmp(a->data(first), b->data(first), static_cast<size_t>(a->bytes())), 0);
}

TEST(Loader, MatricesKeepTypeAndShapeAndVectorsBecomeFloat) {
  const model::Model model = open_tiny("q4_k_m");
  Machine machine;
  const Result<DeviceWeights> loaded = machine.load(model);
  ASSERT_TRUE(loaded) << loaded.error().message();
  const auto q = loaded->matrix(Role::attn_q, 0);
  const gguf::Tensor& in_file = *model.weights.find(Role::attn_q, 0);
  EXPECT_EQ(q.type, in_file.type);
  EXPECT_EQ(q.cols, static_cast<int64_t>(in_file.dims[0]));
  EXPECT_EQ(q.rows, static_cast<int64_t>(in_file.dims[1]));
  EXPECT_EQ(reinterpret_cast<uintptr_t>(q.data) % 256, 0u);

  const auto norm = loaded->vector(Role::ffn_norm, 0);
  const gguf::Tensor& norm_in_file = *model.weights.find(Role::ffn_norm, 0);
  ASSERT_EQ(norm.shape[0], static_cast<int64_t>(norm_in_file.elements()));
  std::vector<float> decoded(norm_in_file.elements());
  norm_in_file.type->decode(norm_in_file.data.data(), norm.shape[0], decoded.data());
  EXPECT_TRUE(std::equal(decoded.begin(), decoded.end(), norm.data));
}

TEST(Loader, AbsentTensorsAreEmptyAndATiedHeadIsTheEmbedding) {
  const model::Model model = open_tiny("q8_0");
  Machine machine;
  const Result<DeviceWeights> loaded = machine.load(model);
  ASSERT_TRUE(loaded) << loaded.error().message();
  if (model.weights.tied()) {
    EXPECT_EQ(loaded->matrix(Role::output).data, nullptr);
    EXPECT_EQ(loaded->head().data, loaded->matrix(Role::token_embd).data);
  } else {
    EXPECT_EQ(loaded->head().data, loaded->matrix(Role::output).data);
  }
  EXPECT_NE(loaded->head().data, nullptr);
}

TEST(Loader, TensorsDoNotOverlapAndFillTheArena) {
  const model::Model model = open_tiny("q4_k_m");
  const auto layout = WeightsLayout::make(model.weights, model.config);
  ASSERT_TRUE(layout);
  ASSERT_EQ(layout->places().size(), model.weights.all().size());
  int64_t end = 0;
  for (const Place& place : layout->places()) {
    EXPECT_GE(place.offset, end);
    EXPECT_LT(place.offset - end, 256);
    end = place.offset + place.bytes;
  }
  EXPECT_GE(layout->bytes(), end);
  EXPECT_LT(layout->bytes() - end, 256);
}

TEST(Loader, TakesWhatItSaidAndKeepsOnlyTheWeights) {
  const model::Model model = open_tiny("q4_k_m");
  Machine machine;
  {
    const Result<DeviceWeights> loaded = machine.load(model);
    ASSERT_TRUE(loaded) << loaded.error().message();
    const auto needs = loading_needs(loaded->layout(), {});
    ASSERT_EQ(needs.size(), 2u);
    EXPECT_EQ(machine.vram.bytes(Purpose::weights), needs[0].bytes);
    EXPECT_EQ(machine.vram.total_bytes(), needs[0].bytes);
    EXPECT_EQ(machine.vram.peak_bytes(), needs[0].bytes + needs[1].bytes);
    EXPECT_EQ(machine.vram.pinned_bytes(), 0);
    EXPECT_TRUE(machine.vram.check_residency());
  }
  EXPECT_EQ(machine.vram.total_bytes(), 0);
  EXPECT_EQ(machine.log->living, 0);
}

TEST(Loader, AsksForMemoryBeforeItTakesAny) {
  const model::Model model = open_tiny("q4_k_m");
  Machine machine(1000);
  const Result<DeviceWeights> loaded = machine.load(model);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().code, Code::out_of_memory);
  EXPECT_EQ(loaded.error().found, "1,000 bytes available");
  EXPECT_NE(loaded.error().expected.find("bytes required: weights "), std::string::npos);
  EXPECT_EQ(machine.log->calls, 0);
}

TEST(Loader, FailingAnyAllocationKeepsNothing) {
  const model::Model model = open_tiny("q4_k_m");
  int failures = 0;
  for (int64_t n = 0;; ++n) {
    Machine machine;
    machine.log->fail_at = n;
    {
      const Result<DeviceWeights> loaded = machine.load(model);
      if (loaded) break;
      EXPECT_EQ(loaded.error().code, Code::out_of_memory);
    }
    ++failures;
    EXPECT_EQ(machine.vram.total_bytes(), 0) << "allocation " << n;
    EXPECT_EQ(machine.vram.pinned_bytes(), 0) << "allocation " << n;
    EXPECT_EQ(machine.log->living, 0) << "allocation " << n;
    machine.log->fail_at = -1;
    EXPECT_TRUE(machine.load(model)) << "the next loading, after allocation " << n;
  }
  EXPECT_EQ(failures, 6);  // arena, blocks, four staging buffers
}

TEST(Loader, FailingAnyTransferKeepsNothing) {
  const model::Model model = open_tiny("q8_0");
  for (int64_t n = 0;; ++n) {
    Machine machine;
    machine.work->fail_at = n;
    const Result<DeviceWeights> loaded = machine.load(model);
    if (loaded) {
      EXPECT_GT(n, 10);
      break;
    }
    ASSERT_EQ(loaded.error().found, cat("call ", n, " fails"));
    ASSERT_EQ(machine.log->living, 0) << "call " << n;
    ASSERT_EQ(machine.work->done, machine.work->asked.size()) << "call " << n << ": work left in flight";
  }
}

TEST(Loader, ProgressRisesToTheBytesOfTheFile) {
  const model::Model model = open_tiny("q4_k_m");
  int64_t file_bytes = 0;
  for (const gguf::Tensor* tensor : model.weights.all())
    file_bytes += static_cast<int64_t>(tensor->size_bytes());
  int64_t last = 0;
  LoadOptions options = narrow(2);
  options.progress = [&](int64_t done, int64_t total) -> Status {
    EXPECT_GT(done, last);
    EXPECT_EQ(total, file_bytes);
    last = done;
    return {};
  };
  Machine machine;
  ASSERT_TRUE(machine.load(model, options));
  EXPECT_EQ(last, file_bytes);
}

TEST(Loader, AnErrorOfProgressEndsTheLoading) {
  const model::Model model = open_tiny("q4_k_m");
  LoadOptions options = narrow(3);
  options.progress = [](int64_t done, int64_t total) -> Status {
    if (done < total / 2) return {};
    return fail(Code::invalid_request, "loading", "cancelled", "");
  };
  Machine machine;
  const Result<DeviceWeights> loaded = machine.load(model, options);
  ASSERT_FALSE(loaded);
  EXPECT_EQ(loaded.error().found, "cancelled");
  EXPECT_EQ(machine.log->living, 0);
}

TEST(VerifyLoaded, NamesTheTensorOfAFlippedBit) {
  const model::Model model = open_tiny("q4_k_m");
  for (const Role role : {Role::attn_v, Role::attn_v_bias}) {
    Machine machine;
    Result<DeviceWeights> loaded = machine.load(model);
    ASSERT_TRUE(loaded) << loaded.error().message();
    loaded->data(*loaded->layout().find(role, 1))[5] ^= std::byte{16};
    const Status status = machine.verify(*loaded);
    ASSERT_FALSE(status) << model::tensor_name(role, 1);
    EXPECT_EQ(status.error().code, Code::bad_data);
    EXPECT_EQ(status.error().subject, model::tensor_name(role, 1));
    EXPECT_EQ(status.error().expected.find("sha256 "), 0u);
  }
}

TEST(VerifyLoaded, NoticesAPieceThatNeverCame) {
  const model::Model model = open_tiny("q4_k_m");
  Machine machine;
  Transfer forgetful = test::late_transfer(machine.work);
  const auto repack = forgetful.repack;
  forgetful.repack = [&](const ops::Repack<Space::Device>& op) -> Status {
    return op.first_row == 3 ? Status{} : repack(op);
  };
  const Result<DeviceWeights> loaded =
      load_weights(model.weights, model.config, machine.vram, narrow(1), forgetful);
  ASSERT_TRUE(loaded);
  const Status status = machine.verify(*loaded);
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().code, Code::bad_data);
}

class GpuLoader : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override { KIGO_NEEDS_GPU(); }
};
INSTANTIATE_TEST_SUITE_P(TinyModels, GpuLoader, testing::ValuesIn(kTinyModels),
                         [](const auto& tiny) { return tiny.param; });

TEST_P(GpuLoader, LoadsATinyModelAndFindsEveryByteAgain) {
  const model::Model model = open_tiny(GetParam());
  Context context = test::make_context();
  const int64_t before = context.vram().total_bytes();
  {
    const Result<DeviceWeights> loaded = load_weights(model.weights, model.config, context.vram());
    ASSERT_TRUE(loaded) << loaded.error().message();
    EXPECT_EQ(context.vram().total_bytes(), before + loaded->layout().bytes());
    EXPECT_TRUE(context.vram().check_residency());
    const Status status = verify_loaded(*loaded, context.vram());
    EXPECT_TRUE(status) << status.error().message();
  }
  EXPECT_EQ(context.vram().total_bytes(), before);
}

TEST_P(GpuLoader, LoadsRowByRow) {
  const model::Model model = open_tiny(GetParam());
  Context context = test::make_context();
  const Result<DeviceWeights> loaded = load_weights(model.weights, model.config, context.vram(), narrow(3));
  ASSERT_TRUE(loaded) << loaded.error().message();
  const Status status = verify_loaded(*loaded, context.vram());
  EXPECT_TRUE(status) << status.error().message();
}

TEST_P(GpuLoader, FailingAnyAllocationLeavesTheContextUsable) {
  const model::Model model = open_tiny(GetParam());
  const auto log = std::make_shared<AllocationLog>();
  Context context = test::make_context(test::counted(cuda_memory(), log));
  const int64_t held = context.vram().total_bytes();
  const int64_t living = log->living;
  for (int64_t n = 0;; ++n) {
    log->fail_at = log->calls + n;
    {
      const Result<DeviceWeights> loaded = load_weights(model.weights, model.config, context.vram());
      if (loaded) break;
      EXPECT_EQ(loaded.error().code, Code::out_of_memory);
    }
    EXPECT_EQ(context.vram().total_bytes(), held) << "allocation " << n;
    EXPECT_EQ(log->living, living) << "allocation " << n;
    const Status healthy = context.health();
    ASSERT_TRUE(healthy) << healthy.error().message();
  }
}

}  // namespace
}  // namespace kigo::kernels
