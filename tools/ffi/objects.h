// What stands behind the handles. Children own their parents; whatever touches a device happens under the
// lock of its context.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "tools/ffi/failure.h"
#include "tools/ffi/registry.h"
#include "tools/ffi/worker_ffi.h"
#include "tools/lib/device_memory.h"
#include "tools/lib/generation.h"
#include "tools/lib/serve/worker.h"

namespace kigo::ffi {

/// Bytes held on a device by something that lives, counted in held_on().
class Holding {
 public:
  explicit Holding(int device);
  ~Holding();
  Holding(const Holding&) = delete;
  Holding& operator=(const Holding&) = delete;

  std::atomic<uint64_t> bytes = 0;
  const int device;
};
uint64_t held_on(int device);

/// Memory of cuda_malloc_device.
struct Block {
  Block(int device, std::unique_ptr<tools::DeviceMemory::Block> memory_, uint64_t bytes_)
      : memory(std::move(memory_)), bytes(bytes_), holding(device) {
    holding.bytes = bytes;
  }

  std::unique_ptr<tools::DeviceMemory::Block> memory;
  uint64_t bytes;
  Holding holding;
};

struct Context {
  using Handle = CudaContext;
  static constexpr Kind kKind = Kind::context;

  /// The block that begins at or before the address and holds it; null when there is none.
  std::shared_ptr<Block> block_of(const void* address) const;

  int device = -1;
  std::mutex mutex;
  std::unique_ptr<tools::DeviceMemory> memory;
  std::map<const std::byte*, std::shared_ptr<Block>> blocks;  // by address
};

/// The right to touch a context's device, for as long as it lives.
class Turn {
 public:
  /// Waits for the others. Errors: invalid_request when this thread has the turn already, in a callback;
  /// cuda.
  static Result<Turn> take(Context& context);
  /// For what must be given back whatever the device says, and in a callback too.
  static Turn insist(Context& context);
  Turn(Turn&&) = default;
  Turn& operator=(Turn&&) = delete;
  ~Turn();

 private:
  Turn() = default;
  explicit Turn(Context& context);
  std::unique_lock<std::mutex> lock_;
};

/// Runs `end` with the context's turn.
template <class End>
void with_turn(Context& context, End&& end) {
  const Turn turn = Turn::insist(context);
  end();
}

/// Weights in GGUF layout, as a pointer map lists them.
struct PointerMap {
  using Handle = GpuPointerMap;
  static constexpr Kind kKind = Kind::pointer_map;

  struct Entry {
    const std::byte* data = nullptr;
    const quant::TensorType* type = nullptr;
    std::vector<uint64_t> dims;
    uint64_t bytes = 0;
    std::shared_ptr<Block> block = nullptr;  // null: memory of somebody else
  };

  ~PointerMap() {
    with_turn(*context, [this] { entries.clear(); });
  }

  std::shared_ptr<Context> context;
  uint64_t limit_bytes = 0;
  uint64_t used_bytes = 0;
  std::map<std::string, Entry> entries;
};

/// The same as a file that the rest of kigo can look at.
struct PointerWeights {
  std::deque<std::string> names;
  std::vector<std::shared_ptr<Block>> blocks;
  gguf::File file;
  model::Config config;
  model::Weights weights;
};

struct Model {
  using Handle = CudaModel;
  static constexpr Kind kKind = Kind::model;

  explicit Model(std::shared_ptr<Context> context_)
      : context(std::move(context_)), holding(context->device) {}
  ~Model();

  const model::Config& config() const { return pointers ? pointers->config : loaded->model->config; }
  Backend& backend() const { return *loaded->backend; }
  /// Errors: invalid_request without a tokenizer.
  Result<const text::Tokenizer*> tokenizer() const;
  /// Ids below count, one byte each: those that may be drawn. [vocab]
  std::vector<uint8_t> drawable() const;
  /// Brings the books up to date, with a turn.
  void count();

  std::shared_ptr<Context> context;
  std::unique_ptr<PointerWeights> pointers;  // outlives the backend
  std::unique_ptr<tools::Loaded> loaded;
  uint32_t token_count = 0;
  int64_t positions = 0;  // room of all sequences, as far as they were ever filled
  Holding holding;
};

/// A sequence of a model, counted in its books. With a turn only.
class Sequence {
 public:
  static Result<std::unique_ptr<Sequence>> open(Model& model);
  ~Sequence();
  Sequence(const Sequence&) = delete;
  Sequence& operator=(const Sequence&) = delete;

  model::Session& session() { return *session_; }
  /// After it was used.
  void count();

 private:
  Sequence(Model& model, std::unique_ptr<model::Session> session)
      : model_(model), session_(std::move(session)) {}
  Model& model_;
  std::unique_ptr<model::Session> session_;
  int64_t longest_ = 0;
};

struct GenerationHandle {
  using Handle = InferenceResult;
  static constexpr Kind kKind = Kind::generation;
  struct Text {
    std::string text;
    uint64_t first = 0;
  };

  explicit GenerationHandle(std::shared_ptr<Model> model_) : model(std::move(model_)) {}
  ~GenerationHandle() {
    with_turn(*model->context, [this] { end(); });
  }
  std::shared_ptr<Context>& context() const { return model->context; }
  /// Gives the sequence back; ids and reason stay.
  void end();

  std::shared_ptr<Model> model;
  std::atomic<bool> cancel = false;
  std::atomic<int> stop_reason = 0;
  std::unique_ptr<Sequence> sequence;
  std::unique_ptr<tools::Generator> generator;  // null: over
  std::deque<Text> pending;
  tools::Generation outcome;
  std::optional<Failure> failure;
};

struct BareSession {
  using Handle = InferenceContext;
  static constexpr Kind kKind = Kind::session;

  explicit BareSession(std::shared_ptr<Model> model_) : model(std::move(model_)) {}
  ~BareSession() {
    with_turn(*model->context, [this] { sequence.reset(); });
  }
  std::shared_ptr<Context>& context() const { return model->context; }

  std::shared_ptr<Model> model;
  std::unique_ptr<Sequence> sequence;
  int64_t max_context = 0;
  uint64_t draws = 0;
};

inline Context& context_of(Context& context) { return context; }
inline Context& context_of(PointerMap& map) { return *map.context; }
inline Context& context_of(Model& model) { return *model.context; }
inline Context& context_of(GenerationHandle& generation) { return *generation.context(); }
inline Context& context_of(BareSession& session) { return *session.context(); }

/// An object with its context's turn; the turn ends first, the object may end with it.
template <class T>
struct Held {
  std::shared_ptr<T> object;
  Turn turn;
  T* operator->() const { return object.get(); }
  T& operator*() const { return *object; }
};

/// Errors: those of Registry::find and Turn::take.
template <class T>
Result<Held<T>> hold(const typename T::Handle* handle) {
  KIGO_ASSIGN(std::shared_ptr<T> object, Registry::instance().find<T>(handle));
  KIGO_ASSIGN(Turn turn, Turn::take(context_of(*object)));
  return Held<T>{std::move(object), std::move(turn)};
}

/// What every free function does: NULL is nothing, a dead handle a failure without effect.
template <class T>
void free_handle(const typename T::Handle* handle) {
  if (handle == nullptr) return;
  (void)code_of([&]() -> Outcome<void> {
    KIGO_TRY(Registry::instance().remove<T>(handle));
    return {};
  });
}

/// Errors: invalid_request.
Status require(const void* pointer, const char* name);
Status check_capacity_pointer(const void* buffer, size_t capacity, const char* name);
/// Whether the struct is there and of this version's size.
template <class T>
Outcome<void> check_struct(const T* given, const char* name) {
  KIGO_TRY(require(given, name));
  if (given->struct_size == sizeof(T)) return {};
  return refuse(WorkerError::abi_mismatch, std::string(name) +
                                               ".struct_size: " + std::to_string(given->struct_size) +
                                               ", expected " + std::to_string(sizeof(T)));
}
/// Copies into the caller's buffer. Errors: buffer_too_small; *count says what is needed in any case.
template <class T>
Outcome<void> copy_out(std::span<const T> from, T* to, size_t capacity, size_t* count, const char* name) {
  *count = from.size();
  if (from.size() > capacity)
    return refuse(WorkerError::buffer_too_small, std::string(name) + ": room for " +
                                                     std::to_string(capacity) + ", " +
                                                     std::to_string(from.size()) + " needed");
  std::copy(from.begin(), from.end(), to);
  return {};
}

}  // namespace kigo::ffi
