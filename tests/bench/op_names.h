// The operations that have kernels, and which of them a pair is of.
#pragma once

#include <sstream>
#include <string>
#include <vector>

namespace kigo::bench {

/// Those of core/ops/list.cmake with a kernel.
inline std::vector<std::string> ops_with_kernels() {
  std::vector<std::string> all;
  std::istringstream text(KIGO_OPS);
  for (std::string op; text >> op;) all.push_back(op);
  return all;
}

/// Names of pairs are OP or OP_FORMAT...: of the ops that fit the longest, since linear_add is no linear.
inline std::string op_of(const std::string& pair) {
  std::string longest;
  for (const std::string& op : ops_with_kernels())
    if ((pair == op || pair.starts_with(op + "_")) && op.size() > longest.size()) longest = op;
  return longest;
}

}  // namespace kigo::bench
