// The rules for names, the same for keys and tensors (docs/gguf.md, section 3.6).
#include <algorithm>

#include "core/base/cat.h"
#include "core/gguf/parse.h"

namespace kigo::gguf {
namespace {

bool printable(char c) { return c >= 0x20 && c <= 0x7E; }

}  // namespace

Result<std::string_view> take_name(Cursor& cursor, std::string_view field, uint64_t limit) {
  const uint64_t start = cursor.at();
  KIGO_ASSIGN(const std::string_view name, cursor.take_string(field, limit));
  const auto bad = [&](std::string found) {
    return cursor.refuse(Code::bad_name, std::move(found), cat("1 to ", limit, " bytes of printable ASCII"),
                         start);
  };
  if (name.empty()) return bad(cat(field, " of 0 bytes"));
  if (!std::ranges::all_of(name, printable)) return bad(cat(field, " with bytes ", hex_bytes(name)));
  cursor.named(name);
  return name;
}

tl::unexpected<Error> duplicate(const Cursor& cursor, std::string_view field, uint64_t offset,
                                uint64_t first) {
  return cursor.refuse(Code::duplicate_name, cat("the same ", field, " as at byte ", first),
                       cat("each ", field, " once"), offset);
}

}  // namespace kigo::gguf
