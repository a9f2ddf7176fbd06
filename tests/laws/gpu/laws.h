// The laws that need a GPU, as functions: they return what is wrong, so that they can be seen to find it
// (self_test.cc), and the tests over all pairs are one line each (laws_test.cc).
#pragma once

#include <string>
#include <vector>

#include "tests/pairs/any_pair.h"
#include "tests/support/device.h"

namespace kigo::laws {

/// One line for each breach; empty when the pair keeps the law.
using Complaints = std::vector<std::string>;
using Law = Complaints(const pairs::AnyPair&, const test::TestStream&);

// Over edges and a few arbitrary cases (memory_laws.cc).
/// Nothing around any tensor or between its rows is written, and the result is the same whatever lies there
/// and in the outputs before: NaN, or other values.
Law writes_only_its_output;
/// Every Part::in holds what it held.
Law leaves_inputs_alone;
/// Rows at any distance and address give the same bits, or values within the bound.
Law accepts_padded_and_misaligned_rows;
/// Three runs from the same state give the same bits.
Law gives_the_same_bits_twice;
/// A second run on the workspace as the first one left it gives the same bits, as the forward pass relies on.
Law takes_its_own_workspace_again;

// launch_laws.cc
/// An edge with nothing to write captures an empty graph.
Law launches_nothing_when_empty;
/// While the given stream is held, no output changes, and the launch returns.
Law runs_on_the_given_stream;
/// A capture fails on hidden waits and allocations; what was captured gives the same bits as the launch.
Law can_be_captured;

}  // namespace kigo::laws
