#include "tests/laws/drawn.h"

#include <cstdlib>
#include <cstring>

#include "tests/pairs/data.h"
#include "tests/support/choices.h"

namespace kigo::laws {
namespace {

constexpr uint64_t kFewCases = 6;

uint64_t number_from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

Drawn drawn_by(const pairs::AnyPair& pair, test::Choices choices) {
  Drawn drawn{pair.arbitrary(std::ref(choices)), {}};
  drawn.choices = choices.taken();
  return drawn;
}

}  // namespace

Effort Effort::from_environment() {
  const Effort standard;
  return {number_from_environment("KIGO_SEED", standard.seed),
          number_from_environment("KIGO_CASES", standard.cases)};
}

Drawn drawn_case(const pairs::AnyPair& pair, uint64_t n, uint64_t seed) {
  return drawn_by(pair, test::Choices(seed * 1'000'003 + n));
}

Drawn replayed_case(const pairs::AnyPair& pair, const std::vector<int64_t>& choices) {
  return drawn_by(pair, test::Choices(choices));
}

std::vector<pairs::CasePtr> some_cases(const pairs::AnyPair& pair, uint64_t seed) {
  std::vector<pairs::CasePtr> cases = pair.edges();
  for (uint64_t n = 0; n < kFewCases; ++n) cases.push_back(drawn_case(pair, n, seed).one);
  return cases;
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
