#include "tests/support/machine.h"

#include <cstring>
#include <new>

#include "tests/pairs/data.h"

namespace kigo::test {
namespace {

/// Image::placed asks for this alignment.
constexpr std::align_val_t kAlignment{256};

struct FreeAligned {
  void operator()(std::byte* memory) const { ::operator delete[](memory, kAlignment); }
};
using AlignedBytes = std::unique_ptr<std::byte[], FreeAligned>;

class HostSetup final : public Setup {
 public:
  HostSetup(std::span<const pairs::Tensor> tensors, const Layout& layout) {
    for (const pairs::Tensor* tensor : pairs::placed_tensors(tensors)) {
      images_.emplace_back(*tensor, layout);
      const size_t size = images_.back().bytes().size();
      memory_.emplace_back(static_cast<std::byte*>(::operator new[](size, kAlignment)));
      std::memcpy(memory_.back().get(), images_.back().bytes().data(), size);
      placed_.push_back(images_.back().placed(memory_.back().get()));
    }
  }
  Status reset() override {
    for (size_t i = 0; i < images_.size(); ++i)
      std::memcpy(memory_[i].get(), images_[i].bytes().data(), images_[i].bytes().size());
    return {};
  }
  Status run(const pairs::AnyCase& one) override { return one.host_kernel(placed_); }
  Result<Held> read() override {
    Held held;
    for (size_t i = 0; i < images_.size(); ++i)
      take(images_[i], {memory_[i].get(), images_[i].bytes().size()}, held);
    return held;
  }

 private:
  std::vector<Image> images_;
  std::vector<AlignedBytes> memory_;
  std::vector<pairs::Placed> placed_;
};

class HostMachine final : public Machine {
 public:
  std::string_view name() const override { return "host"; }
  bool can_run(const pairs::AnyPair& pair) const override { return pair.runs_on_host(); }
  Result<std::unique_ptr<Setup>> set_up(std::span<const pairs::Tensor> tensors,
                                        const Layout& layout) const override try {
    return std::make_unique<HostSetup>(tensors, layout);
  } catch (const std::bad_alloc&) {
    return fail(Code::out_of_memory, "tensors of a case", "not enough memory", "smaller cases");
  }
};

}  // namespace

void take(const Image& image, std::span<const std::byte> after, Held& held) {
  for (Trespass& trespass : image.trespasses(after)) held.trespasses.push_back(std::move(trespass));
  const pairs::Tensor& tensor = image.tensor();
  if (tensor.part != pairs::Part::out && tensor.part != pairs::Part::inout) return;
  held.bits.push_back(image.elements(after));
  held.values.push_back(pairs::widened(tensor.type, held.bits.back()));
}

const Machine& host_machine() {
  static const HostMachine machine;
  return machine;
}

Result<Held> run_kernel(const pairs::AnyCase& one, std::span<const pairs::Tensor> tensors,
                        const Layout& layout, const Machine& machine) {
  KIGO_ASSIGN(const std::unique_ptr<Setup> setup, machine.set_up(tensors, layout));
  KIGO_TRY(setup->run(one));
  return setup->read();
}

}  // namespace kigo::test
