#include "reference/kv_append.h"

namespace kigo::reference {
namespace {

void assign(double& to, double from) { to = from; }
void assign(float& to, double from) { to = static_cast<float>(from); }
void assign(f16& to, double from) { to = to_f16(from); }

}  // namespace

template <class T, class C>
Status kv_append(const ops::KvAppend<T, C, Space::Host>& op) {
  KIGO_TRY(check(op));
  const auto [tokens, kv_heads, head_dim] = op.k.shape;
  for (int64_t t = 0; t < tokens; ++t) {
    const int64_t page = op.cache.table(op.positions(t) / ops::kPagePositions);
    const int64_t row = op.positions(t) % ops::kPagePositions;
    for (int64_t g = 0; g < kv_heads; ++g) {
      for (int64_t i = 0; i < head_dim; ++i) {
        assign(op.cache.k(page, g, row, i), op.k(t, g, i));
        assign(op.cache.v(page, g, row, i), op.v(t, g, i));
      }
    }
  }
  return {};
}

template Status kv_append(const ops::KvAppend<float, float, Space::Host>&);
template Status kv_append(const ops::KvAppend<float, f16, Space::Host>&);
template Status kv_append(const ops::KvAppend<double, double, Space::Host>&);
template Status kv_append(const ops::KvAppend<double, float, Space::Host>&);
template Status kv_append(const ops::KvAppend<double, f16, Space::Host>&);

}  // namespace kigo::reference
