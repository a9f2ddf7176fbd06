#include "tests/laws/gpu/capture.h"

#include "core/base/cat.h"
#include "kernels/runtime/status.h"

namespace kigo::laws {

using kernels::status_of;

Result<Graph> capture(const test::TestStream& stream, const std::function<Status()>& launch) {
  KIGO_TRY(status_of(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "begin of a capture"));
  const Status launched = launch();
  cudaGraph_t graph = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &graph);
  Graph owned(graph);
  KIGO_TRY(launched);
  if (ended != cudaSuccess)
    static_cast<void>(cudaGetLastError());  // it does not stick, and is no later call's
  KIGO_TRY(status_of(ended, "end of a capture"));
  return owned;
}

Result<GraphExec> instantiate(const Graph& graph) {
  cudaGraphExec_t exec = nullptr;
  KIGO_TRY(status_of(cudaGraphInstantiate(&exec, graph.get(), 0), "instantiation of a graph"));
  return GraphExec(exec);
}

Result<std::vector<Node>> nodes_of(const Graph& graph) {
  size_t count = 0;
  KIGO_TRY(status_of(cudaGraphGetNodes(graph.get(), nullptr, &count), "nodes of a graph"));
  std::vector<cudaGraphNode_t> handles(count);
  if (count != 0)
    KIGO_TRY(status_of(cudaGraphGetNodes(graph.get(), handles.data(), &count), "nodes of a graph"));
  std::vector<Node> nodes;
  for (const cudaGraphNode_t handle : handles) {
    Node node{};
    KIGO_TRY(status_of(cudaGraphNodeGetType(handle, &node.type), "type of a graph's node"));
    if (node.type == cudaGraphNodeTypeKernel) {
      cudaKernelNodeParams params{};
      const char* name = nullptr;
      const bool known = cudaGraphKernelNodeGetParams(handle, &params) == cudaSuccess &&
                         cudaFuncGetName(&name, params.func) == cudaSuccess;
      if (!known) static_cast<void>(cudaGetLastError());
      node.kernel = known && name != nullptr ? name : "?";
    }
    nodes.push_back(std::move(node));
  }
  return nodes;
}

std::string text(const Node& node) {
  switch (node.type) {
    case cudaGraphNodeTypeKernel:
      return cat("kernel ", node.kernel);
    case cudaGraphNodeTypeMemcpy:
      return "memory copy";
    case cudaGraphNodeTypeMemset:
      return "memory set";
    case cudaGraphNodeTypeHost:
      return "host function";
    case cudaGraphNodeTypeMemAlloc:
      return "allocation";
    case cudaGraphNodeTypeMemFree:
      return "release of memory";
    default:
      return cat("node of type ", static_cast<int>(node.type));
  }
}

}  // namespace kigo::laws
