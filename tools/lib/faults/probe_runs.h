// What two runs of the same calls on one device say of each other: bits that differ from run to run, and
// results that are right only while checkpoints are taken.
#pragma once

#include <span>

#include "tools/lib/compare/compare.h"
#include "tools/lib/faults/probe.h"

namespace kigo::tools {

/// The calls once with checkpoints and once without: logits of other bits accuse "harness:capture", for what
/// the checkpoints showed is then not what runs. Errors: those of the session.
Result<SeenAll> probe_capture(model::Session& session, std::span<const Call> calls, const std::string& by);

/// The calls several times with checkpoints: the first checkpoint whose bits differ from the first time.
Result<SeenAll> probe_repeat(model::Session& session, std::span<const Call> calls, const std::string& by);

}  // namespace kigo::tools
