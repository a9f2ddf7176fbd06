// How a kernel is launched: on the given stream and on no other, without waiting, without allocating, and not
// at all when there is nothing to do.
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "kernels/runtime/status.h"
#include "tests/laws/gpu/capture.h"
#include "tests/laws/gpu/laws.h"

namespace kigo::laws {
namespace {

using namespace pairs;
using test::Held;

/// Holds a stream until it is opened, or for five seconds: a launch that waits for the stream must not hang
/// the test.
class Gate {
 public:
  explicit Gate(const test::TestStream& stream) {
    KIGO_CHECK(cudaLaunchHostFunc(stream, &Gate::hold, this) == cudaSuccess);
  }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// After the stream was waited for.
  bool waited_in_vain() const { return waited_in_vain_; }

 private:
  static void hold(void* gate) {
    auto& self = *static_cast<Gate*>(gate);
    std::unique_lock lock(self.mutex_);
    self.waited_in_vain_ = !self.changed_.wait_for(lock, std::chrono::seconds(5), [&] { return self.open_; });
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
  bool waited_in_vain_ = false;
};

/// The result of one launch, and the stage as it was before.
Result<Held> run_once(const AnyCase& one, const test::Stage& stage, const test::TestStream& stream) {
  KIGO_TRY(stage.reset(stream));
  KIGO_TRY(one.kernel(stage.placed(), stream));
  KIGO_ASSIGN(Held held, stage.read(stream));
  KIGO_TRY(stage.reset(stream));
  return held;
}

Status check_empty(const AnyCase& one, const test::TestStream& stream, Complaints& found) {
  const std::vector<Tensor> tensors = one.arguments();
  KIGO_ASSIGN(const test::Stage stage, test::Stage::make(tensors, {}));
  KIGO_ASSIGN(const Graph graph, capture(stream, [&] { return one.kernel(stage.placed(), stream); }));
  KIGO_ASSIGN(const std::vector<Node> nodes, nodes_of(graph));
  for (const Node& node : nodes) found.push_back(cat(one.text(), ": ", text(node)));
  return {};
}

Status check_stream(const AnyCase& one, const test::TestStream& stream, Complaints& found) {
  const std::vector<Tensor> tensors = one.arguments();
  KIGO_ASSIGN(const test::Stage stage, test::Stage::make(tensors, {}));
  // Once beforehand: loading a kernel's code may wait for the device, which the gate would hold up.
  KIGO_ASSIGN(const Held expected, run_once(one, stage, stream));
  const test::TestStream other;
  KIGO_ASSIGN(const Held before, stage.read(other));
  Gate gate(stream);
  const Status status = one.kernel(stage.placed(), stream);
  // Long enough for a kernel of microseconds on another stream to end.
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  const Result<Held> meanwhile = stage.read(other);
  gate.open();
  const Result<Held> after = stage.read(stream);
  KIGO_TRY(status);
  KIGO_TRY(meanwhile);
  KIGO_TRY(after);
  if (gate.waited_in_vain()) found.push_back("the launch waits for its stream");
  const std::string early = difference(tensors, before, *meanwhile);
  if (!early.empty()) found.push_back(cat("written while the stream was held: ", early));
  const std::string wrong = difference(tensors, expected, *after);
  if (!wrong.empty()) found.push_back(cat("after the gate: ", wrong));
  return {};
}

Status check_capture(const AnyCase& one, const test::TestStream& stream, Complaints& found) {
  const std::vector<Tensor> tensors = one.arguments();
  KIGO_ASSIGN(const test::Stage stage, test::Stage::make(tensors, {}));
  KIGO_ASSIGN(const Held expected, run_once(one, stage, stream));
  KIGO_ASSIGN(const Graph graph, capture(stream, [&] { return one.kernel(stage.placed(), stream); }));
  KIGO_ASSIGN(const std::vector<Node> nodes, nodes_of(graph));
  for (const Node& node : nodes) {
    if (node.type != cudaGraphNodeTypeKernel && node.type != cudaGraphNodeTypeMemset)
      found.push_back(cat(one.text(), ": ", text(node)));
  }
  KIGO_ASSIGN(const GraphExec exec, instantiate(graph));
  for (int replay = 1; replay <= 2; ++replay) {
    KIGO_TRY(stage.reset(stream));
    KIGO_TRY(kernels::status_of(cudaGraphLaunch(exec.get(), stream), "launch of a graph"));
    KIGO_ASSIGN(const Held held, stage.read(stream));
    const std::string wrong = difference(tensors, expected, held);
    if (!wrong.empty()) found.push_back(cat(one.text(), ", replay ", replay, ": ", wrong));
  }
  return {};
}

/// Adds what keeps a case from running to what was found.
void add_error(const AnyCase& one, const Status& status, Complaints& found) {
  if (!status) found.push_back(cat(one.text(), ": ", status.error().message()));
}

}  // namespace

Complaints launches_nothing_when_empty(const AnyPair& pair, const test::TestStream& stream, const Effort&) {
  Complaints found;
  for (const CasePtr& one : pair.edges()) {
    if (writes_nothing(*one)) add_error(*one, check_empty(*one, stream, found), found);
  }
  return found;
}

Complaints runs_on_the_given_stream(const AnyPair& pair, const test::TestStream& stream, const Effort&) {
  Complaints found;
  for (const CasePtr& one : pair.edges()) {
    if (writes_nothing(*one)) continue;
    add_error(*one, check_stream(*one, stream, found), found);
    return found;
  }
  return {"no edge has anything to write"};
}

Complaints can_be_captured(const AnyPair& pair, const test::TestStream& stream, const Effort& effort) {
  Complaints found;
  for (const CasePtr& one : some_cases(pair, effort.seed))
    add_error(*one, check_capture(*one, stream, found), found);
  return found;
}

}  // namespace kigo::laws
