#include "tools/lib/compare/rounding.h"

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

/// The rounding of a first word; cuda when `kernels`.
struct Base {
  std::string_view name;
  Arithmetic how;
  bool kernels = false;
};
constexpr Base kBases[] = {
    {"double", kDouble},
    {"float", {}},
    {"half", {.stored_unit = compare::kUnitHalf, .stored_least = 0x1p-25}},
    {"bfloat16", {.stored_unit = compare::kUnitBf16}},
    {"cuda", {}, true},
};

struct Flags {
  bool cache_half = false;
  bool products_half = false;
  bool weights_half = false;
};

Rounding rounding(const Base& base, const Flags& flags) {
  Rounding both{base.how, base.how};
  both.prompt.cache_half = both.step.cache_half = flags.cache_half;
  if (!base.kernels) {
    if (flags.products_half) both.prompt.products = Products::half_exact;
    return both;
  }
  both.prompt.products = flags.weights_half    ? Products::half_weights
                         : flags.products_half ? Products::half
                                               : Products::tiles;
  both.step.products = flags.weights_half ? Products::half_weights : Products::rows;
  const bool halves = both.prompt.products != Products::tiles && flags.cache_half;
  both.prompt.attention = halves ? ops::Operands::half : ops::Operands::full;
  return both;
}

}  // namespace

Result<Rounding> rounding_named(std::string_view text, const std::string& subject) {
  const Base* base = nullptr;
  Flags flags;
  for (size_t at = 0; at <= text.size();) {
    const size_t end = std::min(text.find(' ', at), text.size());
    const std::string_view word = text.substr(at, end - at);
    if (at == 0) {
      for (const Base& row : kBases)
        if (row.name == word) base = &row;
      if (base == nullptr)
        return fail(Code::bad_value, subject, cat("rounding ", escaped(word)),
                    "double, float, half, bfloat16 or cuda");
    } else if (word == "cache-half") {
      flags.cache_half = true;
    } else if (word == "products-half") {
      flags.products_half = true;
    } else if (word == "weights-half" && base->kernels) {
      flags.weights_half = true;
    } else {
      return fail(Code::bad_value, subject, cat("rounding ", base->name, " ", escaped(word)),
                  "cache-half, products-half or, behind cuda, weights-half");
    }
    at = end + 1;
  }
  return rounding(*base, flags);
}

}  // namespace kigo::tools
