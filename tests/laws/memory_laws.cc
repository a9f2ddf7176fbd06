// What a kernel may touch: its outputs, all of them, and nothing else; wherever the tensors lie.
#include "tests/laws/memory_laws.h"

#include <algorithm>
#include <functional>
#include <optional>

namespace kigo::laws {
namespace {

using namespace pairs;
using test::Held;
using test::Machine;
using test::Setup;
using test::Trespass;

constexpr std::byte kOtherFill{0x5A};  // 1.5e16 as float, 203 as half: unlike NaN, it survives a maximum

using Tensors = std::span<const Tensor>;
using Check = std::function<Status(const AnyCase&, Tensors, Complaints&)>;

/// Checks every case; what keeps a case from running is a complaint as well.
Complaints over_cases(const AnyPair& pair, const Effort& effort, const Check& check) {
  Complaints complaints;
  for (const CasePtr& one : some_cases(pair, effort.seed)) {
    const std::vector<Tensor> tensors = one->arguments();
    Complaints found;
    const Status status = check(*one, tensors, found);
    if (!status) found.push_back(status.error().message());
    for (const std::string& text : found) complaints.push_back(cat(one->text(), ": ", text));
  }
  return complaints;
}

void add_trespasses(const Held& held, Trespass::Where where, Complaints& complaints) {
  for (const Trespass& trespass : held.trespasses) {
    if (trespass.where == where) complaints.push_back(trespass.text);
  }
}

void add_difference(Tensors tensors, const Held& a, const Held& b, std::string_view when,
                    Complaints& complaints) {
  const std::string text = difference(tensors, a, b);
  if (!text.empty()) complaints.push_back(cat(when, ": ", text));
}

bool changes_what_was_given(Tensors tensors, const Held& held) {
  const std::vector<const Tensor*> outputs = outputs_of(tensors);
  for (size_t i = 0; i < outputs.size(); ++i) {
    if (outputs[i]->part == Part::inout && held.bits[i] != outputs[i]->data) return true;
  }
  return false;
}

}  // namespace

// Padded, so that there is something between the rows to be hit; with two fills, so that an element that is
// never written differs, and so does a result that takes in what lies around the inputs.
Complaints writes_only_its_output(const AnyPair& pair, const Machine& machine, const Effort& effort) {
  return over_cases(pair, effort, [&](const AnyCase& one, Tensors tensors, Complaints& found) -> Status {
    KIGO_ASSIGN(const Held nan, test::run_kernel(one, tensors, {.padded = true}, machine));
    KIGO_ASSIGN(const Held other,
                test::run_kernel(one, tensors, {.padded = true, .fill = kOtherFill}, machine));
    add_trespasses(nan, Trespass::Where::around, found);
    add_trespasses(other, Trespass::Where::around, found);
    add_difference(tensors, nan, other, "with NaN and with other values around and in the outputs", found);
    return {};
  });
}

Complaints leaves_inputs_alone(const AnyPair& pair, const Machine& machine, const Effort& effort) {
  return over_cases(pair, effort, [&](const AnyCase& one, Tensors tensors, Complaints& found) -> Status {
    KIGO_ASSIGN(const Held held, test::run_kernel(one, tensors, {}, machine));
    add_trespasses(held, Trespass::Where::input, found);
    return {};
  });
}

// Where rows are aligned a kernel may sum in another order, so other bits are allowed, but only within the
// bound.
Complaints accepts_padded_and_misaligned_rows(const AnyPair& pair, const Machine& machine,
                                              const Effort& effort) {
  return over_cases(pair, effort, [&](const AnyCase& one, Tensors tensors, Complaints& found) -> Status {
    KIGO_ASSIGN(const Held dense, test::run_kernel(one, tensors, {}, machine));
    KIGO_ASSIGN(const Held padded, test::run_kernel(one, tensors, {.padded = true}, machine));
    if (difference(tensors, dense, padded).empty()) return {};
    KIGO_ASSIGN(const Outputs truth, one.reference(tensors));
    for (const compare::Report& report : judge(pair, one, tensors, truth, padded.values, "")) {
      if (!report.pass) found.push_back(cat("padded: ", report.text()));
    }
    return {};
  });
}

Complaints gives_the_same_bits_twice(const AnyPair& pair, const Machine& machine, const Effort& effort) {
  return over_cases(pair, effort, [&](const AnyCase& one, Tensors tensors, Complaints& found) -> Status {
    KIGO_ASSIGN(const std::unique_ptr<Setup> setup, machine.set_up(tensors, {}));
    std::optional<Held> first;
    for (int run = 1; run <= 3; ++run) {
      KIGO_TRY(setup->reset());
      KIGO_TRY(setup->run(one));
      KIGO_ASSIGN(const Held held, setup->read());
      if (!first) first = held;
      add_difference(tensors, *first, held, cat("runs 1 and ", run), found);
    }
    return {};
  });
}

Complaints takes_its_own_workspace_again(const AnyPair& pair, const Machine& machine, const Effort& effort) {
  return over_cases(pair, effort, [&](const AnyCase& one, Tensors tensors, Complaints& found) -> Status {
    const auto is_scratch = [](const Tensor& tensor) { return tensor.part == Part::scratch; };
    if (!std::ranges::any_of(tensors, is_scratch)) return {};
    KIGO_ASSIGN(const std::unique_ptr<Setup> setup, machine.set_up(tensors, {}));
    KIGO_TRY(setup->reset());
    KIGO_TRY(setup->run(one));
    KIGO_ASSIGN(const Held first, setup->read());
    if (changes_what_was_given(tensors, first)) return {};  // the second run has another input
    KIGO_TRY(setup->run(one));
    KIGO_ASSIGN(const Held second, setup->read());
    add_difference(tensors, first, second, "with the workspace as the first run left it", found);
    return {};
  });
}

}  // namespace kigo::laws
