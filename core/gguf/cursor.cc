// The cursor's errors.
#include "core/gguf/cursor.h"

#include "core/base/cat.h"
#include "core/base/check.h"

namespace kigo::gguf {

namespace {
std::string prefix(std::string_view what) { return what.empty() ? "" : cat(what, ": "); }
}  // namespace

std::string hex_bytes(std::string_view bytes) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes.substr(0, 64)) {
    const auto byte = static_cast<unsigned char>(c);
    out += cat(out.empty() ? "" : " ", kDigits[byte >> 4], kDigits[byte & 15]);
  }
  return bytes.size() > 64 ? out + "..." : out;
}

std::string Cursor::subject() const {
  return number_ == 0 ? escaped(name_) : cat(name_, " ", number_, " of ", count_);
}

std::span<const std::byte> Cursor::take_bytes(uint64_t count) {
  KIGO_CHECK(count <= left());
  const std::span<const std::byte> taken = bytes_.subspan(at_, count);
  at_ += count;
  return taken;
}

Result<std::string_view> Cursor::take_string(std::string_view field, uint64_t limit) {
  const uint64_t start = at_;
  KIGO_ASSIGN(const uint64_t length, take<uint64_t>(field));
  if (length > limit)
    return refuse(Code::limit_exceeded, cat(prefix(field), length, " bytes"), cat("at most ", limit), start);
  if (length > left()) return truncated(field, length, start);
  return text_of(take_bytes(length));
}

tl::unexpected<Error> Cursor::truncated(std::string_view what, uint64_t needed, uint64_t offset) const {
  return refuse(Code::truncated, cat(prefix(what), left(), " bytes left in a file of ", size()),
                cat("at least ", needed), offset);
}

tl::unexpected<Error> Cursor::refuse(Code code, std::string found, std::string expected,
                                     uint64_t offset) const {
  return fail(code, subject(), std::move(found), std::move(expected), offset);
}

}  // namespace kigo::gguf
