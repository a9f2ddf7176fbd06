#include "core/compare/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/half.h"
#include "core/base/json.h"

namespace kigo::compare {
namespace {

constexpr uint64_t kLongestHead = 100'000'000;  // the limit of the format's own reader
constexpr size_t kMostAxes = 8;

struct Named {
  std::string_view name;
  Dtype type;
  int64_t bytes;
};
constexpr std::array<Named, 4> kTypes{
    {{"F64", Dtype::f64, 8}, {"F32", Dtype::f32, 4}, {"F16", Dtype::f16, 2}, {"BF16", Dtype::bf16, 2}}};

const Named& row(Dtype type) { return kTypes.at(static_cast<size_t>(type)); }

/// One member of the head.
class Entry {
 public:
  Entry(const std::string& subject, const std::string& key, const Json& value)
      : subject_(cat(subject, ": ", escaped(key))), value_(value) {}

  Status read(std::span<const std::byte> data, SafeTensor& tensor, uint64_t& begin) const {
    if (!value_.is_object())
      return fail(Code::bad_value, subject_, "no object", "dtype, shape, data_offsets");
    KIGO_TRY(type(tensor));
    KIGO_ASSIGN(const uint64_t bytes, shape(tensor));
    KIGO_ASSIGN(const auto offsets, numbers("data_offsets"));
    if (offsets.size() != 2)
      return fail(Code::bad_offset, subject_, cat(offsets.size(), " data_offsets"), "begin and end");
    begin = static_cast<uint64_t>(offsets[0]);
    const auto end = static_cast<uint64_t>(offsets[1]);
    if (begin > end || end > data.size())
      return fail(Code::bad_offset, subject_, cat("data_offsets ", list(std::span(offsets))),
                  cat("within the ", data.size(), " bytes of data"));
    if (end - begin != bytes)
      return fail(Code::bad_shape, subject_, cat(end - begin, " bytes"),
                  cat(bytes, " for ", name(tensor.type), " ", list(std::span<const int64_t>(tensor.shape))));
    tensor.data = data.subspan(begin, bytes);
    return {};
  }

 private:
  Status type(SafeTensor& tensor) const {
    const Json* const dtype = value_.find("dtype");
    const std::string* const text = dtype == nullptr ? nullptr : dtype->string();
    if (text == nullptr) return fail(Code::bad_value, subject_, "no dtype", "a type's name");
    const auto found = std::ranges::find(kTypes, *text, &Named::name);
    if (found == kTypes.end())
      return fail(Code::unsupported, subject_, cat("dtype ", escaped(*text)), "F64, F32, F16 or BF16");
    tensor.type = found->type;
    return {};
  }

  /// Of the tensor's data, in bytes.
  Result<uint64_t> shape(SafeTensor& tensor) const {
    KIGO_ASSIGN(tensor.shape, numbers("shape"));
    if (tensor.shape.size() > kMostAxes)
      return fail(Code::bad_shape, subject_, cat(tensor.shape.size(), " axes"), cat("at most ", kMostAxes));
    auto bytes = static_cast<uint64_t>(size_bytes(tensor.type));
    for (const int64_t size : tensor.shape) {
      if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
        return fail(Code::size_overflow, subject_,
                    cat("shape ", list(std::span<const int64_t>(tensor.shape))), "fewer than 2^64 bytes");
    }
    return bytes;
  }

  /// A list of whole numbers from 0 on.
  Result<std::vector<int64_t>> numbers(std::string_view key) const {
    const Json* const member = value_.find(key);
    const Json::Array* const items = member == nullptr ? nullptr : member->items();
    if (items == nullptr) return fail(Code::bad_value, subject_, cat("no list ", key), "whole numbers");
    std::vector<int64_t> found;
    for (const Json& item : *items) {
      const std::optional<int64_t> number = item.integer();
      if (!number || *number < 0)
        return fail(Code::bad_value, subject_, cat(key, " holds ", item.dump().substr(0, 32)),
                    "whole numbers from 0 on");
      found.push_back(*number);
    }
    return found;
  }

  std::string subject_;
  const Json& value_;
};

Status read_metadata(const std::string& subject, const Json& value, SafeTensors& out) {
  const Json::Object* const members = value.members();
  if (members == nullptr)
    return fail(Code::bad_value, cat(subject, ": __metadata__"), "no object", "texts by name");
  for (const auto& [key, text] : *members) {
    if (text.string() == nullptr)
      return fail(Code::bad_value, cat(subject, ": __metadata__.", escaped(key)), "no text", "a text");
    out.metadata.emplace(key, *text.string());
  }
  return {};
}

/// The head's text. Errors: truncated, bad_value.
Result<std::string_view> head_of(std::span<const std::byte> file, const std::string& subject) {
  uint64_t length = 0;
  if (file.size() < sizeof length)
    return fail(Code::truncated, subject, cat(file.size(), " bytes"), "8 bytes that give the head's length");
  std::memcpy(&length, file.data(), sizeof length);
  if (length > kLongestHead)
    return fail(Code::bad_value, subject, cat("a head of ", length, " bytes"), cat("at most ", kLongestHead),
                0);
  if (length > file.size() - sizeof length)
    return fail(Code::truncated, subject, cat(file.size() - sizeof length, " bytes behind the head's length"),
                cat("a head of ", length));
  const std::string_view head(reinterpret_cast<const char*>(file.data()) + sizeof length, length);
  if (!head.starts_with('{')) return fail(Code::bad_value, subject, "a head that is no JSON object", "{", 8);
  return head;
}

}  // namespace

std::string_view name(Dtype type) { return row(type).name; }
int64_t size_bytes(Dtype type) { return row(type).bytes; }

Result<SafeTensors> parse_safetensors(std::span<const std::byte> file, const std::string& subject) {
  KIGO_ASSIGN(const std::string_view head, head_of(file, subject));
  KIGO_ASSIGN(const Json json, Json::parse(head, subject));
  const std::span<const std::byte> data = file.subspan(sizeof(uint64_t) + head.size());
  SafeTensors out;
  std::vector<std::pair<uint64_t, SafeTensor>> found;  // by the begin of their data
  for (const auto& [key, value] : *json.members()) {
    if (key == "__metadata__") {
      KIGO_TRY(read_metadata(subject, value, out));
      continue;
    }
    auto& [begin, tensor] = found.emplace_back();
    tensor.name = key;
    KIGO_TRY(Entry(subject, key, value).read(data, tensor, begin));
  }
  // Empty tensors share their begin with the one behind them.
  std::ranges::stable_sort(found, {},
                           [](const auto& item) { return std::pair(item.first, item.second.data.size()); });
  uint64_t end = 0;
  for (auto& [begin, tensor] : found) {
    if (begin != end)
      return fail(Code::bad_offset, cat(subject, ": ", escaped(tensor.name)), cat("data from byte ", begin),
                  cat(end, ", behind the tensor before"));
    end += tensor.data.size();
    out.tensors.push_back(std::move(tensor));
  }
  if (end != data.size())
    return fail(Code::bad_offset, subject, cat(data.size(), " bytes of data"),
                cat(end, ", the tensors' sum"));
  return out;
}

std::vector<double> values_of(const SafeTensor& tensor, int64_t first, int64_t count) {
  const int64_t bytes = size_bytes(tensor.type);
  KIGO_CHECK(first >= 0 && count >= 0 && (first + count) * bytes <= static_cast<int64_t>(tensor.data.size()));
  std::vector<double> values(static_cast<size_t>(count));
  const std::byte* at = tensor.data.data() + first * bytes;
  const auto widen = [&]<class T>(T bits, auto to_double) {
    for (double& value : values) {
      std::memcpy(&bits, at, sizeof bits);
      at += sizeof bits;
      value = to_double(bits);
    }
  };
  switch (tensor.type) {
    case Dtype::f64:
      widen(double{}, [](double x) { return x; });
      break;
    case Dtype::f32:
      widen(float{}, [](float x) { return double{x}; });
      break;
    case Dtype::f16:
      widen(f16{}, [](f16 x) { return double{to_float(x)}; });
      break;
    case Dtype::bf16:
      widen(bf16{}, [](bf16 x) { return double{to_float(x)}; });
      break;
  }
  return values;
}

}  // namespace kigo::compare
