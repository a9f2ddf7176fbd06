// The laws of how a kernel is launched, as functions: they return what is wrong, so that they can be seen to
// find it (self_test.cc), and the tests over all pairs are one line each (laws_test.cc).
#pragma once

#include "tests/laws/drawn.h"
#include "tests/pairs/any_pair.h"
#include "tests/support/device.h"

namespace kigo::laws {

using LaunchLaw = Complaints(const pairs::AnyPair&, const test::TestStream&, const Effort&);

/// An edge with nothing to write captures an empty graph.
LaunchLaw launches_nothing_when_empty;
/// While the given stream is held, no output changes, and the launch returns.
LaunchLaw runs_on_the_given_stream;
/// A capture fails on hidden waits and allocations; what was captured gives the same bits as the launch.
LaunchLaw can_be_captured;

}  // namespace kigo::laws
