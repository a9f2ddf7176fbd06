// Two sides, the same tokens: the first checkpoint that leaves its bound, whether the error was introduced
// there, what the damage looks like and what it may come from.
//
// Every checkpoint of a side is held to the stage computed again, in double, from that side's *own* input, as
// the side handed it out. That is as good as running the side's stage on the reference's input, and better
// where the side cannot be asked: a stage is a function, so whether it computes that function is seen on any
// input; the input that it really had is the one whose result matters; the bound follows from that input; and
// it works for a file that another engine wrote a year ago. What is beyond the bound there was *introduced*
// by the stage; every other difference between the sides came in with the input and is *inherited*.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"
#include "core/compare/close.h"
#include "core/model/session.h"
#include "core/model/weights.h"
#include "tools/lib/compare/arithmetic.h"

namespace kigo::tools {

class CaptureFile;

/// One call of forward: its tokens follow those of the calls before.
struct Call {
  std::vector<uint32_t> tokens;
  model::Logits which = model::Logits::All;
};

/// One side: a session that is run, or what was recorded of one. Nothing is owned.
struct Side {
  std::string name;  // "reference", "cuda", "capture.safetensors"
  Rounding rounding = {kDouble, kDouble};
  model::Session* session = nullptr;     // empty at first; its context holds all tokens
  const CaptureFile* capture = nullptr;  // exactly one of the two is set
  // Called first on the thread that then runs the session, where that matters.
  std::function<Status()> enter_thread = {};
};

struct CompareOptions {
  bool causes = true;   // look for likely causes of what was introduced
  bool carried = true;  // measure gains, and predict the error of each layer from them
  // Run a live side B once more and compare the bits: differences from run to run.
  bool repeat = false;
  std::function<void(int64_t done, int64_t total)> progress = {};  // of layers
};

/// A likely cause of an introduced error.
struct Cause {
  std::string id;    // "rope-pairing": stable, for tools
  std::string text;  // "rotates neighbours (2i, 2i+1) where qwen2 rotates halves"
  // The stage, computed again with this mistake, gives every element of what was found, within the bound.
  bool reproduces = false;
};

enum class Origin : uint8_t {
  within,      // as the stage makes it from its input; the difference between the sides is small as well
  inherited,   // the stage is right; the difference came in with its input
  introduced,  // the stage is wrong
  undecided,   // the side did not hand out the stage's input
};
std::string_view name(Origin origin);

/// One checkpoint of one call of one side.
struct Checkpoint {
  std::string name;  // "blk.3.attn_q_rope"
  model::Tap tap = model::Tap::embed;
  int64_t layer = 0;  // 0 for embed, output_norm and logits
  int64_t call = 0;   // from 0
  int side = 1;       // 0: A, 1: B
  std::string side_name;
  Origin origin = Origin::within;
  double share = 0;  // worst error against the stage on its own input, as a share of its bound
  std::optional<double> difference_share;  // worst difference from the other side, as a share of this bound
  std::optional<double> difference;        // root mean square difference from A over that of A's values
  double largest = 0;                      // largest finite magnitude
  double half_headroom = 0;                // 65504 / largest: below 1 a half cannot hold it
  // Of the first wrong element, else of the worst: position counts from the start of the sequence; head is -1
  // where there are none.
  int64_t position = 0;
  int64_t head = -1;
  int64_t element = 0;
  std::optional<int64_t> non_finite;  // flat index of the first NaN or infinity
  compare::Report report;             // worst element, damage pattern; got against the stage's truth
  std::vector<Cause> causes;          // of introduced ones, those that reproduce the damage first

  /// "blk.3.attn_q_rope, position 5, head 1"
  std::string place() const;
  Json json() const;
};

/// Of a call at position 0: the error of B's residual stream behind a layer, relative to A's, root mean
/// squares over all elements.
struct Carried {
  int64_t call = 0;
  int64_t layer = 0;
  double gain = 0;        // of A's layer: output error for a small random input error, measured
  double introduced = 0;  // by B's layer: against the reference's layer on B's input
  double predicted = 0;   // sqrt((gain * predicted of the layer before)^2 + introduced^2)
  double observed = 0;
};

/// How far the sides' logits are apart.
struct LogitsReport {
  int64_t rows = 0;
  double nmse = 0;
  double kl_worst = 0;     // nats, of B in the eyes of A
  int64_t top1_agree = 0;  // rows whose highest logit is the same
};

enum class Comparison : uint8_t { equal, diverged, undecided };
std::string_view name(Comparison verdict);

struct CompareReport {
  Comparison verdict = Comparison::undecided;
  std::string reason;  // in one line, for every verdict
  std::string a, b;    // names of the sides
  std::vector<Call> calls;
  std::vector<Checkpoint> checkpoints;  // in the order in which they are reached; A's before B's
  std::optional<size_t> first;          // the first that was introduced: an index into checkpoints
  std::vector<Carried> carried;
  std::optional<LogitsReport> logits;
  std::optional<std::string> unstable;  // with `repeat`: the first checkpoint whose bits differ between runs
  std::vector<std::string> notes;

  const Checkpoint* first_bad() const { return first ? &checkpoints[*first] : nullptr; }
  std::string text() const;
  Json json() const;
  /// JUnit XML: a case for every checkpoint, in the group `file`, and the verdict.
  std::string junit(const std::string& file) const;
};

/// Runs both sides and compares every checkpoint that B (and A) hand out. Checkpoints stream: of each side no
/// more than one layer of one call is held, besides the keys and values of the sequence.
///
/// Verdict: diverged when a checkpoint of either side was introduced; equal when every checkpoint of both
/// could be recomputed and none was; else by the logits: equal when they agree as floats do, diverged when
/// they are so far apart that no rounding explains it, or not finite; else undecided. A capture's calls must
/// be those of `calls`, in tokens and lengths. Errors: invalid_request for sides that do not fit; those of
/// the sessions and captures.
Result<CompareReport> compare_sides(const model::Model& model, const Side& a, const Side& b,
                                    std::span<const Call> calls, const CompareOptions& options = {});
/// The same for a model that is not a file's.
Result<CompareReport> compare_sides(const model::Config& config, const model::Weights& weights, const Side& a,
                                    const Side& b, std::span<const Call> calls,
                                    const CompareOptions& options = {});

/// A prompt in pieces of `chunk` tokens (0: whole), then `steps` decode steps with the tokens that follow.
/// All logits are asked for while a call's stay below 256 MB, else the last. Errors: invalid_request when
/// there are fewer than steps + 1 tokens.
Result<std::vector<Call>> plan_calls(std::span<const uint32_t> tokens, int64_t steps, int64_t chunk,
                                     int64_t vocab);

}  // namespace kigo::tools
