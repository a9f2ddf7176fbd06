#include "core/text/stream_decoder.h"

#include "core/base/fault.h"
#include "core/text/unicode.h"

namespace kigo::text {

void StreamDecoder::replace(size_t bytes, std::string& out) {
  append_utf8(out, 0xFFFD);
  ill_formed_bytes_ += bytes;
  ++replacements_;
}

std::string StreamDecoder::push(std::string_view bytes) {
  waiting_ += bytes;
  std::string out;
  std::string_view rest = waiting_;
  while (!rest.empty()) {
    const Utf8Step step = utf8_step(rest);
    if (step.kind == Utf8::incomplete && !KIGO_FAULT(F48)) break;
    if (step.kind == Utf8::valid) {
      out += rest.substr(0, step.length);
    } else {
      replace(step.length, out);
    }
    rest.remove_prefix(step.length);
  }
  waiting_.erase(0, waiting_.size() - rest.size());
  return out;
}

std::string StreamDecoder::finish() {
  std::string out;
  if (!waiting_.empty()) replace(waiting_.size(), out);  // an incomplete character is one maximal subpart
  waiting_.clear();
  return out;
}

std::string well_formed(std::string_view bytes) {
  StreamDecoder decoder;
  std::string text = decoder.push(bytes);  // one expression would leave open which call comes first
  text += decoder.finish();
  return text;
}

}  // namespace kigo::text
