// kernels::Session: one sequence's bookkeeping around the forward pass. The arithmetic is in kernels/forward.
#include <algorithm>
#include <array>
#include <new>

#include "core/base/cat.h"
#include "core/base/fault.h"
#include "kernels/forward/decode.h"
#include "kernels/forward/prefill.h"
#include "kernels/model.h"
#include "kernels/runtime/copy.h"

namespace kigo::kernels {
namespace {

using model::Logits;
using model::Rows;

template <class T>
std::span<std::byte> bytes(T* data, int64_t count) {
  return std::as_writable_bytes(std::span<T>(data, static_cast<size_t>(count)));
}

/// Cuts page-locked memory; with nothing to cut it only counts.
class PinnedCutter {
 public:
  explicit PinnedCutter(std::byte* memory) : memory_(memory) {}
  template <class T>
  T* cut(int64_t count) {
    std::byte* const here = memory_ == nullptr ? nullptr : memory_ + used_;
    used_ += (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    return reinterpret_cast<T*>(here);
  }
  int64_t used() const { return used_; }

 private:
  std::byte* memory_;
  int64_t used_ = 0;
};

}  // namespace

Result<std::unique_ptr<Session>> Session::create(Model& model) {
  std::unique_ptr<Session> session(new Session(model));
  const Engine& engine = model.engine();
  Vram& vram = model.context().vram();
  const int64_t pages = pages_for(engine.options.context);
  const auto cut = [&](std::byte* memory) {
    PinnedCutter cutter(memory);
    session->pinned_ = {.step = cutter.cut<StepInput>(1),
                        .id = cutter.cut<uint32_t>(1),
                        .table = cutter.cut<int32_t>(pages),
                        .ids = cutter.cut<uint32_t>(engine.options.context),
                        .logits = cutter.cut<float>(engine.plan().head_rows * engine.config.vocab)};
    return cutter.used();
  };
  KIGO_ASSIGN(session->pinned_memory_, vram.allocate_pinned(cut(nullptr), "session"));
  cut(session->pinned_memory_.data());
  KIGO_ASSIGN(session->table_, vram.array<int32_t>(Purpose::workspace, pages, "page table"));
  KIGO_TRY(fill(reinterpret_cast<std::byte*>(session->table_.data()), session->table_.bytes(), std::byte{0},
                engine.stream()));
  session->held_.reserve(static_cast<size_t>(pages));
  return session;
}

Session::~Session() { reset(); }

void Session::reset() {
  (void)synchronize(engine().stream());  // nothing may use the pages any more
  engine().kv.book()->shrink(held_, 0);
  if (!KIGO_FAULT(F53)) length_ = 0;
  broken_.reset();
}

Status Session::ready(std::span<const uint32_t> tokens) const {
  if (broken_) return fail(Code::cuda, "session", cat("after an error: ", broken_->message()), "a reset");
  return model::check_tokens(tokens, length_, engine().options.context, engine().config.vocab);
}

/// Takes pages until `positions` fit, and tells the device. Errors: out_of_memory, cuda.
Status Session::hold(int64_t positions) {
  const size_t before = held_.size();
  KIGO_TRY(engine().kv.book()->grow(held_, positions));
  const auto added = static_cast<int64_t>(held_.size() - before);
  std::copy(held_.begin() + static_cast<std::ptrdiff_t>(before), held_.end(), pinned_.table + before);
  return upload(reinterpret_cast<std::byte*>(table_.data() + before), bytes(pinned_.table + before, added),
                engine().stream());
}

/// Back to `pages` pages. After an error of the device nobody knows what the cache holds.
void Session::undo(int64_t pages, const Error& error) {
  (void)synchronize(engine().stream());
  engine().kv.book()->shrink(held_, pages);
  if (error.code == Code::cuda) broken_ = error;
}

Result<std::optional<Capture>> Session::capture_for(const model::TapSink& taps, int64_t tokens) const {
  if (!taps) return std::optional<Capture>();
  const model::Config& config = engine().config;
  const KvShape& kv = engine().kv.shape();
  const int64_t rows = std::min(tokens, engine().options.chunk);
  const int64_t widest = std::max({config.width, config.heads * config.head_dim, config.ffn_width});
  const int64_t floats = std::max(rows * widest, std::min(tokens, engine().plan().head_rows) * config.vocab);
  const int64_t cache = pages_for(length_ + tokens) * kv.page_elements() * kv.element_bytes();
  KIGO_ASSIGN(Capture capture, Capture::create(model_->context().vram(), taps,
                                               std::max(floats * static_cast<int64_t>(sizeof(float)), cache),
                                               engine().stream()));
  return std::optional<Capture>(std::move(capture));
}

Result<Rows> Session::forward(std::span<const uint32_t> tokens, Logits which,
                              const model::TapSink& taps) try {
  KIGO_TRY(ready(tokens));
  const auto count = static_cast<int64_t>(tokens.size());
  Rows logits(which == Logits::All ? count : 1, engine().config.vocab);
  const int64_t pages_before = pages();
  const bool is_step = count == 1 && which == Logits::Last;
  Status done = hold(length_ + count);
  if (done) done = is_step ? step(tokens[0], taps, &logits) : prefill(tokens, which, taps, logits);
  if (!done) {
    undo(pages_before, done.error());
    return tl::unexpected<Error>(std::move(done.error()));
  }
  length_ += count;
  return logits;
} catch (const std::bad_alloc&) {
  undo(pages_for(length_), {Code::out_of_memory, {}, {}, {}, {}});
  return fail(Code::out_of_memory, "prompt", cat(tokens.size(), " tokens after ", length_, " positions"),
              "more host memory or fewer tokens");
}

Result<uint32_t> Session::decode(uint32_t token) {
  KIGO_TRY(ready({&token, 1}));
  const int64_t pages_before = pages();
  Status done = hold(length_ + 1);
  if (done) done = step(token, {}, nullptr);
  if (!done) {
    undo(pages_before, done.error());
    return tl::unexpected<Error>(std::move(done.error()));
  }
  ++length_;
  return *pinned_.id;
}

Result<Rows> Session::last_logits() {
  Rows logits(1, engine().config.vocab);
  KIGO_TRY(fetch_logits(1, logits, 0));
  return logits;
}

Status Session::prefill(std::span<const uint32_t> tokens, Logits which, const model::TapSink& taps,
                        Rows& logits) {
  const auto count = static_cast<int64_t>(tokens.size());
  KIGO_ASSIGN(std::optional<Capture> capture, capture_for(taps, count));
  Capture* const sink = capture ? &*capture : nullptr;
  std::copy(tokens.begin(), tokens.end(), pinned_.ids);
  KIGO_TRY(upload(reinterpret_cast<std::byte*>(engine().workspace.data(engine().plan().ids)),
                  bytes(pinned_.ids, count), engine().stream()));
  for (int64_t done = 0; done < count;) {
    if (can_be_cancelled()) KIGO_TRY(synchronize(engine().stream()));  // else all chunks are queued at once
    KIGO_TRY(check_cancelled());
    const Chunk chunk{
        .first = length_ + done, .count = std::min(engine().options.chunk, count - done), .id_offset = done};
    KIGO_TRY(prefill_chunk(engine(), sequence(), chunk, sink));
    const bool last = done + chunk.count == count;
    for (int64_t row = which == Logits::All ? 0 : last ? chunk.count - 1 : chunk.count; row < chunk.count;) {
      const int64_t rows = std::min(engine().plan().head_rows, chunk.count - row);
      KIGO_TRY(logits_of_rows(engine(), which, row, rows, sink));
      KIGO_TRY(fetch_logits(rows, logits, which == Logits::All ? done + row : 0));
      row += rows;
    }
    done += chunk.count;
  }
  return synchronize(engine().stream());
}

/// The first rows of the workspace's logits, widened into `logits` from row `first_row` on. Waits for the
/// stream.
Status Session::fetch_logits(int64_t count, Rows& logits, int64_t first_row) {
  const int64_t values = count * engine().config.vocab;
  KIGO_TRY(download(bytes(pinned_.logits, values),
                    reinterpret_cast<const std::byte*>(engine().workspace.data(engine().plan().logits)),
                    engine().stream()));
  KIGO_TRY(synchronize(engine().stream()));
  std::copy(pinned_.logits, pinned_.logits + values, logits.values.begin() + first_row * logits.width);
  return {};
}

/// All that a step does on the stream: input to the device, the layers, the choice to the host.
Status Session::enqueue_step(const model::TapSink& taps) {
  const WorkspacePlan& plan = engine().plan();
  KIGO_ASSIGN(std::optional<Capture> capture, capture_for(taps, 1));
  KIGO_TRY(upload(reinterpret_cast<std::byte*>(engine().workspace.data(plan.step)), bytes(pinned_.step, 1),
                  engine().stream()));
  KIGO_TRY(decode_step(engine(), sequence(), length_, capture ? &*capture : nullptr));
  KIGO_TRY(download(bytes(pinned_.id, 1),
                    reinterpret_cast<const std::byte*>(engine().workspace.data(plan.id)), engine().stream()));
  // A capture's memory must outlive the copies from it; it has waited for each of them.
  return {};
}

Status Session::capture_graph() {
  KIGO_ASSIGN(const Graph graph, Graph::capture(engine().stream(), [this] { return enqueue_step({}); }));
  KIGO_ASSIGN(graph_nodes_, graph.nodes());
  KIGO_ASSIGN(graph_, GraphExec::create(graph));
  return {};
}

Result<int64_t> Session::step_nodes() {
  if (!graph_) KIGO_TRY(capture_graph());
  return graph_nodes_;
}

Status Session::step(uint32_t token, const model::TapSink& taps, Rows* logits) {
  KIGO_TRY(check_cancelled());
  *pinned_.step = {.position = length_, .token = token};
  // The first steps run as they are: what CUDA and cuBLAS load on first use may not be loaded within a
  // capture.
  constexpr int64_t kStepsBeforeCapture = 1;
  if (!taps && !graph_ && steps_ >= kStepsBeforeCapture) KIGO_TRY(capture_graph());
  KIGO_TRY(!taps && graph_ ? graph_->launch(engine().stream()) : enqueue_step(taps));
  ++steps_;
  return logits == nullptr ? synchronize(engine().stream()) : fetch_logits(1, *logits, 0);
}

}  // namespace kigo::kernels
