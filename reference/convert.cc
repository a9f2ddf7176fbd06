#include "reference/convert.h"

namespace kigo::reference {
namespace {

void assign(f16& to, float from) { to = to_f16(double{from}); }
void assign(float& to, f16 from) { to = to_float(from); }

}  // namespace

template <class From, class To>
Status convert(const ops::Convert<From, To, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, width] = op.x.shape;
  for (int64_t t = 0; t < tokens; ++t) {
    for (int64_t i = 0; i < width; ++i) assign(op.y(t, i), op.x(t, i));
  }
  return {};
}

template Status convert(const ops::Convert<float, f16, Space::Host>&);
template Status convert(const ops::Convert<f16, float, Space::Host>&);

}  // namespace kigo::reference
