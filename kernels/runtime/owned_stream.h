// A stream and an event that end themselves.
#pragma once

#include <memory>

#include "core/base/result.h"
#include "kernels/runtime/stream.h"

struct CUevent_st;

namespace kigo::kernels {

/// Waits until all work on the stream has ended, and reports what went wrong in it. Errors: cuda.
Status synchronize(Stream stream);

/// A stream of its own, which does not wait for the default stream. Waits for its work when it ends.
class OwnedStream {
 public:
  /// Errors: cuda, out_of_memory.
  static Result<OwnedStream> create();
  Stream get() const { return stream_.get(); }

 private:
  struct Destroy {
    void operator()(Stream stream) const;
  };
  std::unique_ptr<CUstream_st, Destroy> stream_;
};

/// A point in the work of a stream: to wait for, and to measure from.
class Event {
 public:
  enum class Timing { off, on };
  /// Errors: cuda, out_of_memory.
  static Result<Event> create(Timing timing = Timing::off);

  /// The point is where the stream's work ends now. Errors: cuda.
  Status record(Stream stream);
  /// Blocks the calling thread until the point is reached; at once when none was recorded. Errors: cuda.
  Status wait() const;
  /// Lets later work of another stream wait for the point. Errors: cuda.
  Status make_wait(Stream stream) const;
  /// Milliseconds from `start` to this point; both have been reached and time. Errors: cuda.
  Result<float> elapsed_ms_since(const Event& start) const;

 private:
  struct Destroy {
    void operator()(CUevent_st* event) const;
  };
  std::unique_ptr<CUevent_st, Destroy> event_;
};

}  // namespace kigo::kernels
