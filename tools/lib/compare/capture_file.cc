#include "tools/lib/compare/capture_file.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "core/base/cat.h"
#include "tools/lib/compare/rounding.h"
#include "tools/lib/prompt.h"

namespace kigo::tools {
namespace {

using model::Tap;

constexpr std::string_view kFormat = "kigo-capture 1";
constexpr int64_t kMostLayers = 100'000;

/// Takes "NUMBER." from the front of a name.
std::optional<int64_t> take_number(std::string_view& text) {
  int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const auto length = static_cast<size_t>(end - text.data());
  if (error != std::errc() || number < 0 || length >= text.size() || *end != '.') return std::nullopt;
  text.remove_prefix(length + 1);
  return number;
}

bool is_cache(Tap tap) { return tap == Tap::cache_k || tap == Tap::cache_v; }
bool is_head(Tap tap) { return tap == Tap::output_norm || tap == Tap::logits; }
bool of_a_layer(Tap tap) { return tap != Tap::embed && !is_head(tap); }

int64_t row_elements(const compare::SafeTensor& tensor) {
  return std::accumulate(tensor.shape.begin() + 1, tensor.shape.end(), int64_t{1}, std::multiplies<>());
}

}  // namespace

std::string capture_name(int64_t call, Tap tap, int64_t layer) {
  return cat(call == 0 ? "" : cat("call.", call, "."), model::name(tap, layer));
}

std::optional<CaptureFile::Key> CaptureFile::key_of(std::string_view name) {
  Key key{0, Tap::embed, 0};
  if (name.starts_with("call.")) {
    name.remove_prefix(5);
    const auto call = take_number(name);
    if (!call) return std::nullopt;
    key.call = *call;
  }
  const bool layer = name.starts_with("blk.");
  if (layer) {
    name.remove_prefix(4);
    const auto number = take_number(name);
    if (!number || *number >= kMostLayers) return std::nullopt;
    key.layer = *number;
  }
  for (int tap = 0; tap <= static_cast<int>(Tap::logits); ++tap) {
    key.tap = static_cast<Tap>(tap);
    if (model::name(key.tap) == name && of_a_layer(key.tap) == layer) return key;
  }
  return std::nullopt;
}

Result<CaptureFile> CaptureFile::open(const std::string& path) {
  KIGO_ASSIGN(FileMap map, FileMap::open(path));
  CaptureFile file(path, std::move(map));
  KIGO_ASSIGN(file.content_, compare::parse_safetensors(file.map_.bytes(), path));
  KIGO_TRY(file.read_metadata());
  KIGO_TRY(file.read_calls());
  KIGO_TRY(file.index());
  return file;
}

Status CaptureFile::read_metadata() {
  const auto& metadata = content_.metadata;
  const auto text = [&](const std::string& key) {
    const auto found = metadata.find(key);
    return found == metadata.end() ? std::string() : found->second;
  };
  if (text("format") != kFormat)
    return fail(Code::bad_value, cat(path_, ": __metadata__.format"),
                text("format").empty() ? "nothing" : escaped(text("format")), std::string(kFormat));
  engine_ = escaped(text("engine"));
  model_sha256_ = text("model_sha256");
  if (!text("rounding").empty()) {
    KIGO_ASSIGN(rounding_, rounding_named(text("rounding"), cat(path_, ": __metadata__.rounding")));
    return {};
  }
  // What an engine stores its activations in is what it computes with, as far as anybody can tell.
  const auto stored = [&](compare::Dtype type) {
    return std::ranges::find(content_.tensors, type, &compare::SafeTensor::type) != content_.tensors.end();
  };
  const std::string_view name = stored(compare::Dtype::bf16)  ? "bfloat16"
                                : stored(compare::Dtype::f16) ? "half"
                                                              : "float";
  KIGO_ASSIGN(rounding_, rounding_named(name, path_));
  return {};
}

Status CaptureFile::read_calls() {
  const auto found = content_.metadata.find("tokens");
  if (found == content_.metadata.end())
    return fail(Code::bad_value, cat(path_, ": __metadata__.tokens"), "nothing", "the ids: 1,5,9");
  const auto subject = [&](const char* key, auto ids) -> Result<std::vector<uint32_t>> {
    if (ids) return std::move(*ids);
    return fail(Code::bad_value, cat(path_, ": __metadata__.", key), ids.error().found, ids.error().expected);
  };
  KIGO_ASSIGN(const std::vector<uint32_t> tokens, subject("tokens", parse_ids(found->second)));
  std::vector<uint32_t> sizes{static_cast<uint32_t>(tokens.size())};
  if (const auto calls = content_.metadata.find("calls"); calls != content_.metadata.end()) {
    KIGO_ASSIGN(sizes, subject("calls", parse_ids(calls->second)));
  }
  size_t first = 0;
  for (const uint32_t size : sizes) {
    if (size == 0 || size > tokens.size() - first) break;
    const auto begin = tokens.begin() + static_cast<std::ptrdiff_t>(first);
    calls_.push_back({{begin, begin + size}, size == 1 ? model::Logits::Last : model::Logits::All});
    first += size;
  }
  if (calls_.size() == sizes.size() && first == tokens.size()) return {};
  return fail(Code::bad_value, cat(path_, ": __metadata__.calls"), list(std::span<const uint32_t>(sizes)),
              cat("sizes above 0 that add up to the ", tokens.size(), " tokens"));
}

int64_t CaptureFile::rows_wanted(const Key& key) const {
  int64_t rows = 0;
  for (int64_t call = is_cache(key.tap) ? 0 : key.call; call <= key.call; ++call)
    rows += static_cast<int64_t>(calls_[static_cast<size_t>(call)].tokens.size());
  return rows;
}

Status CaptureFile::index() {
  for (const compare::SafeTensor& tensor : content_.tensors) {
    const std::optional<Key> key = key_of(tensor.name);
    const std::string subject = cat(path_, ": ", escaped(tensor.name));
    if (!key)
      return fail(Code::bad_value, subject, "no checkpoint's name", "one like blk.0.attn_q or logits");
    if (key->call >= static_cast<int64_t>(calls_.size()))
      return fail(Code::bad_value, subject, cat("call ", key->call), cat("one of ", calls_.size(), " calls"));
    if (!tensors_.emplace(*key, &tensor).second)
      return fail(Code::bad_value, subject, "twice under two names", "once");
    const int64_t rows = tensor.shape.size() < 2 ? -1 : tensor.shape[0];
    Call& call = calls_[static_cast<size_t>(key->call)];
    const bool last = is_head(key->tap) && rows == 1;
    if (rows != rows_wanted(*key) && !last)
      return fail(Code::bad_shape, subject, cat("shape ", list(std::span<const int64_t>(tensor.shape))),
                  cat(rows_wanted(*key), " rows, of one axis or of heads and elements"));
    if (last) call.which = model::Logits::Last;
  }
  return {};
}

Status CaptureFile::fits(const model::Config& config) const {
  for (const auto& [key, tensor] : tensors_) {
    const std::string subject = cat(path_, ": ", tensor->name);
    if (key.layer >= config.layers)
      return fail(Code::invalid_request, subject, cat("layer ", key.layer),
                  cat("a model of ", config.layers));
    const auto [heads, width] = row_shape(key.tap, config);
    if (row_elements(*tensor) != heads * width)
      return fail(Code::invalid_request, subject, cat("rows of ", row_elements(*tensor)),
                  cat("rows of ", heads * width, " for this model"));
  }
  int64_t length = 0;
  for (const Call& call : calls_) {
    auto checked = model::check_tokens(call.tokens, length, config.context, config.vocab);
    if (!checked) {
      checked.error().subject = cat(path_, ": ", checked.error().subject);
      return checked;
    }
    length += static_cast<int64_t>(call.tokens.size());
  }
  return {};
}

Result<Checkpoints> CaptureFile::read(size_t call, const std::function<bool(Tap, int64_t)>& wanted) const {
  Checkpoints group;
  const auto begin = tensors_.lower_bound({static_cast<int64_t>(call), Tap::embed, 0});
  for (auto at = begin; at != tensors_.end() && at->first.call == static_cast<int64_t>(call); ++at) {
    const auto& [key, tensor] = *at;
    if (!wanted(key.tap, key.layer)) continue;
    const int64_t width = row_elements(*tensor);
    const std::vector<double> values = compare::values_of(*tensor, 0, tensor->shape[0] * width);
    group.add(key.tap, key.layer, {values.data(), {tensor->shape[0], 1, width}});
  }
  return group;
}

}  // namespace kigo::tools
