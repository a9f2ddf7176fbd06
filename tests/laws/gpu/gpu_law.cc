#include "tests/laws/gpu/gpu_law.h"

#include <cstdlib>
#include <cstring>

#include "kernels/runtime/status.h"
#include "tests/pairs/data.h"

namespace kigo::laws {
namespace {

constexpr uint64_t kFewCases = 6;

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

}  // namespace

void OnGpu::SetUp() {
  KIGO_NEEDS_GPU();
  const Status status = kernels::status_of(cudaDeviceSynchronize(), "the device, before this test");
  ASSERT_TRUE(status) << "an earlier kernel has left the device unusable: " << status.error().message();
  stream_ = std::make_unique<test::TestStream>();
}

Drawn drawn_case(const pairs::AnyPair& pair, uint64_t n) {
  static const uint64_t seed = number_from_environment("KIGO_SEED", 1);
  test::Choices choices(seed * 1'000'003 + n);
  Drawn drawn{pair.arbitrary(std::ref(choices)), {}};
  drawn.choices = choices.taken();
  return drawn;
}

Drawn replayed_case(const pairs::AnyPair& pair, const std::vector<int64_t>& given) {
  test::Choices choices(given);
  Drawn drawn{pair.arbitrary(std::ref(choices)), {}};
  drawn.choices = choices.taken();
  return drawn;
}

uint64_t case_count() {
  static const uint64_t count = number_from_environment("KIGO_CASES", 40);
  return count;
}

std::vector<pairs::CasePtr> some_cases(const pairs::AnyPair& pair) {
  std::vector<pairs::CasePtr> cases = pair.edges();
  for (uint64_t n = 0; n < kFewCases; ++n) cases.push_back(drawn_case(pair, n).one);
  return cases;
}

std::string replay_line(const pairs::AnyPair& pair, const std::vector<int64_t>& choices) {
  return cat("KIGO_REPLAY=", test::text_of(choices), " laws_gpu_test --gtest_filter=Agrees.OnArbitraryCases/",
             pair.name());
}

std::string difference(std::span<const pairs::Tensor> tensors, const test::Held& a, const test::Held& b) {
  const std::vector<const pairs::Tensor*> outputs = pairs::outputs_of(tensors);
  std::string text;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto element = static_cast<size_t>(pairs::element_bytes(outputs[i]->type));
    size_t differ = 0, first = 0;
    for (size_t at = 0; at < a.values[i].size(); ++at) {
      const size_t byte = at * element;
      if (std::memcmp(&a.bits[i][byte], &b.bits[i][byte], element) != 0 && differ++ == 0) first = at;
    }
    if (differ == 0) continue;
    text += cat(text.empty() ? "" : "; ", outputs[i]->name, ": ", differ, " of ", a.values[i].size(),
                " elements differ in their bits, first at ", first, ": ", a.values[i][first], " and ",
                b.values[i][first]);
  }
  return text;
}

}  // namespace kigo::laws
