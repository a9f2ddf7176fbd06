#include "core/base/check.h"

#include <cstdio>
#include <cstdlib>

namespace kigo::detail {

void check_failed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: internal error: %s is false; please report it\n", file, line, condition);
  std::abort();
}

}  // namespace kigo::detail
