#include "tools/ffi/objects.h"

#include <algorithm>
#include <set>

#include "core/base/cat.h"

namespace kigo::ffi {
namespace {

struct Books {
  std::mutex mutex;
  std::set<const Holding*> holdings;
};

Books& books() {
  static Books* const all = new Books;  // never destroyed, as the registry
  return *all;
}

thread_local std::vector<const std::mutex*> mine;  // of the contexts whose turn this thread has

bool has_turn(const Context& context) { return std::ranges::find(mine, &context.mutex) != mine.end(); }

}  // namespace

Holding::Holding(int device_) : device(device_) {
  const std::lock_guard lock(books().mutex);
  books().holdings.insert(this);
}

Holding::~Holding() {
  const std::lock_guard lock(books().mutex);
  books().holdings.erase(this);
}

uint64_t held_on(int device) {
  const std::lock_guard lock(books().mutex);
  uint64_t sum = 0;
  for (const Holding* each : books().holdings)
    if (each->device == device) sum += each->bytes;
  return sum;
}

std::shared_ptr<Block> Context::block_of(const void* address) const {
  const auto* at = static_cast<const std::byte*>(address);
  auto next = blocks.upper_bound(at);
  if (next == blocks.begin()) return nullptr;
  const std::shared_ptr<Block>& block = std::prev(next)->second;
  const auto offset = static_cast<uint64_t>(at - std::prev(next)->first);
  return offset < block->bytes ? block : nullptr;
}

Turn::Turn(Context& context) : lock_(context.mutex) { mine.push_back(lock_.mutex()); }
Turn::~Turn() {
  if (lock_.owns_lock()) std::erase(mine, lock_.mutex());
}

Turn Turn::insist(Context& context) {
  if (has_turn(context)) return {};
  Turn turn(context);
  (void)context.memory->enter_thread();
  return turn;
}

Result<Turn> Turn::take(Context& context) {
  if (has_turn(context))
    return fail(Code::invalid_request, "context", "called from a callback of its own", "another context");
  Turn turn(context);
  KIGO_TRY(context.memory->enter_thread());
  return turn;
}

Model::~Model() {
  with_turn(*context, [this] {
    loaded.reset();
    pointers.reset();
  });
}

Result<const text::Tokenizer*> Model::tokenizer() const {
  if (loaded->tokenizer == nullptr)
    return fail(Code::invalid_request, "model", "loaded without a tokenizer", "one with tokenizer_gguf");
  return loaded->tokenizer.get();
}

std::vector<uint8_t> Model::drawable() const {
  std::vector<uint8_t> ids =
      loaded->tokenizer ? loaded->tokenizer->drawable_ids() : std::vector<uint8_t>(token_count, 1);
  ids.resize(static_cast<size_t>(config().vocab));
  return ids;
}

void Model::count() {
  const MemoryUse& full = backend().memory();
  int64_t bytes = backend().held_bytes();
  if (context->device < 0) bytes += positions * (full.kv_cache_bytes / backend().context());
  holding.bytes = static_cast<uint64_t>(bytes);
}

Result<std::unique_ptr<Sequence>> Sequence::open(Model& model) {
  KIGO_ASSIGN(auto session, model.backend().open_session());
  std::unique_ptr<Sequence> sequence(new Sequence(model, std::move(session)));
  model.count();
  return sequence;
}

Sequence::~Sequence() {
  session_.reset();
  model_.positions -= longest_;
  model_.count();
}

void Sequence::count() {
  const int64_t longest = std::max(longest_, session_->length());
  model_.positions += longest - longest_;
  longest_ = longest;
  model_.count();
}

void GenerationHandle::end() {
  generator.reset();
  sequence.reset();
}

Status require(const void* pointer, const char* name) {
  if (pointer == nullptr) return fail(Code::invalid_request, name, "NULL", "a pointer");
  return {};
}

Status check_capacity_pointer(const void* buffer, size_t capacity, const char* name) {
  return capacity == 0 ? Status() : require(buffer, name);
}

}  // namespace kigo::ffi
