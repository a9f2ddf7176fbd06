#include "kernels/runtime/graph.h"

#include <cuda_runtime_api.h>

#include "core/base/cat.h"
#include "kernels/runtime/status.h"

namespace kigo::kernels {
namespace {

Result<std::vector<cudaGraphNode_t>> all_nodes(cudaGraph_t graph) {
  size_t count = 0;
  KIGO_TRY(status_of(cudaGraphGetNodes(graph, nullptr, &count), "graph nodes"));
  std::vector<cudaGraphNode_t> nodes(count);
  if (count > 0) KIGO_TRY(status_of(cudaGraphGetNodes(graph, nodes.data(), &count), "graph nodes"));
  return nodes;
}

std::string kernel_name(cudaGraphNode_t node) {
  cudaKernelNodeParams parameters{};
  const char* text = nullptr;
  if (cudaGraphKernelNodeGetParams(node, &parameters) == cudaSuccess &&
      cudaFuncGetName(&text, parameters.func) == cudaSuccess && text != nullptr) {
    return text;
  }
  (void)cudaGetLastError();  // the next launch must not find it
  return "(unnamed)";
}

}  // namespace

void Graph::Destroy::operator()(CUgraph_st* graph) const { (void)cudaGraphDestroy(graph); }
void GraphExec::Destroy::operator()(CUgraphExec_st* exec) const { (void)cudaGraphExecDestroy(exec); }

Result<Graph> Graph::capture(Stream stream, const std::function<Status()>& work) {
  // Thread-local: calls of other threads (a loader's copies) neither break the capture nor enter it.
  KIGO_TRY(status_of(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture"));
  Status done = work();
  cudaGraph_t recorded = nullptr;
  const cudaError_t ended = cudaStreamEndCapture(stream, &recorded);
  Graph graph;
  graph.graph_.reset(recorded);
  if (ended != cudaSuccess || !done) (void)cudaGetLastError();
  if (!done) return tl::unexpected<Error>(std::move(done.error()));
  KIGO_TRY(status_of(ended, "capture"));
  return graph;
}

Result<int64_t> Graph::nodes() const {
  KIGO_ASSIGN(const std::vector<cudaGraphNode_t> nodes, all_nodes(graph_.get()));
  return static_cast<int64_t>(nodes.size());
}

Result<std::vector<std::string>> Graph::kernel_names() const {
  KIGO_ASSIGN(const std::vector<cudaGraphNode_t> nodes, all_nodes(graph_.get()));
  std::vector<std::string> names;
  for (const cudaGraphNode_t node : nodes) {
    cudaGraphNodeType type{};
    KIGO_TRY(status_of(cudaGraphNodeGetType(node, &type), "graph node"));
    if (type == cudaGraphNodeTypeKernel) names.push_back(kernel_name(node));
  }
  return names;
}

Result<GraphExec> GraphExec::create(const Graph& graph) {
  cudaGraphExec_t exec = nullptr;
  KIGO_TRY(status_of(cudaGraphInstantiate(&exec, graph.graph_.get(), 0), "graph"));
  GraphExec owned;
  owned.exec_.reset(exec);
  return owned;
}

Status GraphExec::update(const Graph& graph) {
  cudaGraphExecUpdateResultInfo info{};
  const cudaError_t error = cudaGraphExecUpdate(exec_.get(), graph.graph_.get(), &info);
  if (error != cudaErrorGraphExecUpdateFailure) return status_of(error, "graph update");
  (void)cudaGetLastError();
  return fail(Code::cuda, "graph update", cat("CUDA's reason number ", static_cast<int>(info.result)),
              "a graph of the same shape");
}

Status GraphExec::launch(Stream stream) const {
  return status_of(cudaGraphLaunch(exec_.get(), stream), "graph launch");
}

}  // namespace kigo::kernels
