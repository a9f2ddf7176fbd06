// A launch captured into a CUDA graph, and what the graph is made of.
#pragma once

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "tests/support/device.h"

namespace kigo::laws {

struct DestroyGraph {
  void operator()(cudaGraph_t graph) const { cudaGraphDestroy(graph); }
};
struct DestroyGraphExec {
  void operator()(cudaGraphExec_t graph) const { cudaGraphExecDestroy(graph); }
};
using Graph = std::unique_ptr<std::remove_pointer_t<cudaGraph_t>, DestroyGraph>;
using GraphExec = std::unique_ptr<std::remove_pointer_t<cudaGraphExec_t>, DestroyGraphExec>;

/// Captures what `launch` puts on the stream. While it runs, the whole process may make no call that is
/// unsafe in a capture: an allocation or a wait, hidden in the launch, fails it. Errors: those of the launch;
/// cuda.
Result<Graph> capture(const test::TestStream& stream, const std::function<Status()>& launch);

Result<GraphExec> instantiate(const Graph& graph);

struct Node {
  cudaGraphNodeType type;
  std::string kernel;  // the mangled name; "?" for one that this program does not hold (cuBLAS)
};
Result<std::vector<Node>> nodes_of(const Graph& graph);

/// "kernel rmsnorm_kernel", "memory copy", "allocation" ...
std::string text(const Node& node);

}  // namespace kigo::laws
