// Which machine code a program's kernels are, by a hash: equal on both sides of a comparison, the code is not
// what made the difference.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"

namespace kigo::bench {

/// The hash of each function's code in an ELF file of a GPU (a "cubin"): of the sections named
/// .text.FUNCTION. Names are as the compiler mangled them. Errors: bad_data for anything that is no such
/// file.
Result<std::map<std::string, std::string>> hashes_of_functions(std::span<const std::byte> elf);

class MachineCode {
 public:
  /// Of the program that runs, by cuobjdump, which may take a few seconds and is remembered in the folder for
  /// temporary files. Errors: unsupported where there is no cuobjdump; io.
  static Result<MachineCode> of_this_program();

  explicit MachineCode(std::map<std::string, std::string> hashes = {}) : hashes_(std::move(hashes)) {}

  /// One hash for all of these functions, whatever their order; empty when the code of none is known. Those
  /// of a library that is loaded at run time are not: they are left out, and the library's version is part of
  /// where it was measured.
  std::string hash_of(std::span<const std::string> functions) const;
  size_t size() const { return hashes_.size(); }

 private:
  std::map<std::string, std::string> hashes_;
};

}  // namespace kigo::bench
