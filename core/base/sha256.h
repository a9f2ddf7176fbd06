// SHA-256, to name files and texts by their content. The arithmetic is OpenSSL's, seen only by sha256.cc.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

struct evp_md_ctx_st;

namespace kigo {

/// 64 lower-case hexadecimal digits. Source: FIPS 180-4.
std::string sha256(std::span<const std::byte> bytes);

/// The same for bytes that come in pieces: however they are cut, the digits are those of all of them in a
/// row.
class Sha256 {
 public:
  Sha256();
  void update(std::span<const std::byte> bytes);
  /// The digits of what has come so far; nothing may come afterwards.
  std::string digits();

 private:
  struct Free {
    void operator()(evp_md_ctx_st* context) const;
  };
  std::unique_ptr<evp_md_ctx_st, Free> context_;
};

}  // namespace kigo
