// Texts to ids and back.
#include "tools/ffi/text.h"

#include "core/base/cat.h"
#include "core/text/stream_decoder.h"
#include "tools/ffi/sampling.h"

namespace kigo::ffi {

Result<std::vector<uint32_t>> ids_of(const Model& model, std::string_view text, uint32_t flags) {
  KIGO_ASSIGN(const text::Tokenizer* tokenizer, model.tokenizer());
  if ((flags & WORKER_CHAT) == 0)
    return tokenizer->encode(
        text, (flags & WORKER_PARSE_SPECIAL) != 0 ? text::Special::parse : text::Special::plain);
  if (model.loaded->chat == nullptr)
    return fail(Code::invalid_request, "chat format", "none that is known in the file",
                "a prompt without WORKER_CHAT");
  const text::Message message{text::Role::user, std::string(text)};
  return text::render(*tokenizer, *model.loaded->chat, {&message, 1});
}

namespace {

Result<std::string> text_of(const text::Tokenizer& tokenizer, std::span<const uint32_t> ids) {
  text::StreamDecoder decoder;
  std::string text;
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] >= tokenizer.size())
      return fail(Code::invalid_request, cat("ids[", i, "]"), cat(ids[i]),
                  cat("an id below ", tokenizer.size()));
    text += decoder.push(tokenizer.bytes(ids[i]));
  }
  return text + decoder.finish();
}

}  // namespace
}  // namespace kigo::ffi

using namespace kigo::ffi;  // NOLINT: the functions below are this file's only users of it

extern "C" {

int worker_tokenize(CudaModel* model, const char* text, size_t bytes, uint32_t flags, uint32_t* ids,
                    size_t capacity, size_t* count) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Model>(model));
    KIGO_TRY(require(text, "text"));
    KIGO_TRY(require(count, "count"));
    KIGO_TRY(check_capacity_pointer(ids, capacity, "ids"));
    KIGO_TRY(check_flags(flags, WORKER_PARSE_SPECIAL | WORKER_CHAT));
    KIGO_ASSIGN(const auto found, ids_of(*held, {text, bytes}, flags));
    return copy_out<uint32_t>(found, ids, capacity, count, "ids");
  });
}

int worker_detokenize(CudaModel* model, const uint32_t* ids, size_t n, char* text, size_t capacity,
                      size_t* bytes) {
  return code_of([&]() -> Outcome<void> {
    KIGO_ASSIGN(const auto held, hold<Model>(model));
    KIGO_TRY(check_capacity_pointer(ids, n, "ids"));
    KIGO_TRY(require(bytes, "bytes"));
    KIGO_TRY(check_capacity_pointer(text, capacity, "text"));
    KIGO_ASSIGN(const kigo::text::Tokenizer* tokenizer, held->tokenizer());
    KIGO_ASSIGN(const std::string found, text_of(*tokenizer, {ids, n}));
    return copy_out<char>(found, text, capacity, bytes, "text");
  });
}

}  // extern "C"
