// Work recorded once and launched many times.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "kernels/runtime/stream.h"

struct CUgraph_st;
struct CUgraphExec_st;

namespace kigo::kernels {

/// What a function would have sent to a stream.
class Graph {
 public:
  /// Runs `work` while the stream records instead of working; a call that cannot be recorded (an allocation,
  /// a wait) makes it fail. The stream is usable afterwards in either case. Errors: those of `work`, cuda.
  static Result<Graph> capture(Stream stream, const std::function<Status()>& work);

  /// Kernels, copies and all other nodes. Errors: cuda.
  Result<int64_t> nodes() const;
  /// Of the kernel nodes, as the compiler mangled them, in no promised order; a library's own kernel without
  /// a name here is "(unnamed)". Errors: cuda.
  Result<std::vector<std::string>> kernel_names() const;

 private:
  friend class GraphExec;
  struct Destroy {
    void operator()(CUgraph_st* graph) const;
  };
  std::unique_ptr<CUgraph_st, Destroy> graph_;
};

/// A graph that is ready to run.
class GraphExec {
 public:
  /// Errors: cuda, out_of_memory.
  static Result<GraphExec> create(const Graph& graph);

  /// Takes over the arguments of a graph of the same shape; without this, launches repeat what was recorded.
  /// Errors: cuda, for a graph of another shape too: then this one is of no more use, and create() makes a
  /// new one.
  Status update(const Graph& graph);
  /// Errors: cuda.
  Status launch(Stream stream) const;

 private:
  struct Destroy {
    void operator()(CUgraphExec_st* exec) const;
  };
  std::unique_ptr<CUgraphExec_st, Destroy> exec_;
};

}  // namespace kigo::kernels
