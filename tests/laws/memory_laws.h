// The laws of what a kernel may touch, for kernels of the host and of a GPU. As functions: they return what
// is wrong, so that they can be seen to find it.
#pragma once

#include "tests/laws/drawn.h"
#include "tests/support/machine.h"

namespace kigo::laws {

/// Over edges and a few arbitrary cases.
using MemoryLaw = Complaints(const pairs::AnyPair&, const test::Machine&, const Effort&);

/// Nothing around any tensor or between its rows is written, and the result is the same whatever lies there
/// and in the outputs before: NaN, or other values.
MemoryLaw writes_only_its_output;
/// Every Part::in holds what it held.
MemoryLaw leaves_inputs_alone;
/// Rows at any distance and address give the same bits, or values within the bound.
MemoryLaw accepts_padded_and_misaligned_rows;
/// Three runs from the same state give the same bits.
MemoryLaw gives_the_same_bits_twice;
/// A second run on the workspace as the first one left it gives the same bits, as the forward pass relies on.
MemoryLaw takes_its_own_workspace_again;

}  // namespace kigo::laws
