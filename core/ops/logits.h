// What the operations on the logits of a vocabulary check in the same words. They work on doubles, as
// core/sample does: a float in between would move ids across the borders of filters.
#pragma once

#include <cmath>
#include <limits>

#include "core/base/cat.h"
#include "core/base/result.h"
#include "core/base/view.h"
#include "core/ops/expect.h"

namespace kigo::ops {

/// Rows of logits: 1 <= width < 2^31; no NaN and no +inf, and something above -inf in every row (the latter
/// where they are host memory). -inf stands for an id that is out of the draw. Errors: bad_shape,
/// unsupported.
template <class T, Space S>
Status expect_logits(std::string_view subject, const View<const T, 2, S>& x) {
  KIGO_TRY(expect_view(cat(subject, ".x"), x, x.shape));
  KIGO_TRY(expect_between(cat(subject, ".width"), x.shape[1], 1, INT32_MAX));
  if constexpr (S == Space::Host) {
    for (int64_t r = 0; r < x.shape[0]; ++r) {
      bool drawable = false;
      for (int64_t i = 0; i < x.shape[1]; ++i) {
        const double value = x(r, i);
        if (!(value < std::numeric_limits<double>::infinity()))
          return fail(Code::unsupported, cat(subject, ".x"), cat(value, " at id ", i), "a number or -inf");
        drawable = drawable || value > -std::numeric_limits<double>::infinity();
      }
      if (!drawable)
        return fail(Code::unsupported, cat(subject, ".x"), "nothing above -inf", "an id to draw");
    }
  }
  return {};
}

/// low <= value <= high, or, open, low < value <= high. Errors: unsupported.
inline Status expect_number(std::string_view subject, double value, double low, double high,
                            bool open = false) {
  if (value <= high && (open ? value > low : value >= low)) return {};  // a NaN fails every comparison
  return fail(Code::unsupported, std::string(subject), cat(value),
              cat(open ? "above " : "", low, " to ", high));
}

}  // namespace kigo::ops
