// From the bytes of tokens to text that can be shown at once: no character is ever split.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kigo::text {

/// Bytes in, well-formed UTF-8 out. Bytes that may still become a character wait; those that cannot turn into
/// U+FFFD, one per maximal ill-formed subpart. Source: Unicode 15, section 3.9, "U+FFFD Substitution of
/// Maximal Subparts", which is what the WHATWG decoder does.
class StreamDecoder {
 public:
  /// The text that is certain after these bytes; may be empty.
  std::string push(std::string_view bytes);
  /// The end: an incomplete character turns into U+FFFD. The decoder can then be used again.
  std::string finish();

  /// Bytes waiting for the rest of their character, at most 3.
  size_t waiting() const { return waiting_.size(); }
  /// Bytes that were replaced, and the U+FFFDs written for them; both only grow.
  uint64_t ill_formed_bytes() const { return ill_formed_bytes_; }
  uint64_t replacements() const { return replacements_; }

 private:
  void replace(size_t bytes, std::string& out);

  std::string waiting_;
  uint64_t ill_formed_bytes_ = 0;
  uint64_t replacements_ = 0;
};

/// All of `bytes` as text, as a StreamDecoder makes it.
std::string well_formed(std::string_view bytes);

}  // namespace kigo::text
