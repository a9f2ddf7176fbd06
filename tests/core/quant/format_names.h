// Names of typed tests: EveryBit.MovesExactlyTheElementsItIsNamedFor<EveryBit/Q4_0>.
#pragma once

#include <string>

namespace kigo::quant {

struct NameOf {
  template <class F>
  static std::string GetName(int) {
    return std::string(F::name);
  }
};

}  // namespace kigo::quant
