// The checkpoints of a side, one layer at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "core/base/result.h"
#include "core/model/config.h"
#include "tools/lib/compare/compare.h"
#include "tools/lib/compare/stages.h"

namespace kigo::tools {

/// A part of a call: 0 is the embedding, 1 + layer a layer, and one more the head.
int64_t group_of(model::Tap tap, int64_t layer, int64_t layers);

/// Hands out the groups of all calls in order, and waits in between: what computes them computes nothing
/// ahead.
class SideStream {
 public:
  /// Starts at once. The side and the calls outlive the stream.
  static std::unique_ptr<SideStream> start(const Side& side, const model::Config& config,
                                           std::span<const Call> calls);
  virtual ~SideStream() = default;
  /// The checkpoints of a group, of which each is asked for once, in order; empty when the side has none
  /// there. Errors: those of the session; invalid_request for a session that cuts a call into pieces or hands
  /// out rows of another size.
  virtual Result<Checkpoints> next(size_t call, int64_t group) = 0;
};

}  // namespace kigo::tools
