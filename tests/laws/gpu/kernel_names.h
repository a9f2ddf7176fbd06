// The kernels in the library, as the build found them there.
#pragma once

#include <string>
#include <vector>

namespace kigo::laws {

/// Mangled, as cudaFuncGetName gives them. Defined in a file that kernel_names.py writes.
const std::vector<std::string>& kernel_names();

}  // namespace kigo::laws
