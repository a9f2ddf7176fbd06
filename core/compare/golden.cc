#include "core/compare/golden.h"

#include <bit>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/base/cat.h"
#include "core/base/file_map.h"

static_assert(std::endian::native == std::endian::little, "numbers are copied as they lie in the file");

namespace kigo::compare {
namespace {

constexpr std::string_view kMagic("\x93NUMPY", 6);

struct Header {
  std::optional<std::string_view> descr;
  std::optional<bool> fortran_order;
  std::optional<std::vector<int64_t>> shape;
};

/// Reads the header, a Python dictionary of three entries:
/// {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }
class HeaderParser {
 public:
  HeaderParser(std::string_view text, uint64_t offset, const std::string& subject)
      : text_(text), offset_(offset), subject_(subject) {}

  Result<Header> parse() {
    KIGO_TRY(expect("{"));
    while (!take("}")) {
      KIGO_TRY(entry());
      if (!take(",")) {
        KIGO_TRY(expect("}"));
        break;
      }
    }
    if (text_.substr(at_).find_first_not_of(' ') != text_.size() - 1 - at_ || text_.back() != '\n')
      return refuse("spaces and a line feed to the end of the header");
    if (!header_.descr) return refuse("an entry 'descr'");
    if (!header_.fortran_order) return refuse("an entry 'fortran_order'");
    if (!header_.shape) return refuse("an entry 'shape'");
    return std::move(header_);
  }

 private:
  tl::unexpected<Error> refuse(std::string expected) const {
    return fail(Code::bad_value, subject_, cat("header has \"", escaped(text_.substr(at_), 24), '"'),
                std::move(expected), offset_ + at_);
  }
  bool take(std::string_view token) {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
    if (!text_.substr(at_).starts_with(token)) return false;
    at_ += token.size();
    return true;
  }
  Status expect(std::string_view token) {
    if (!take(token)) return refuse(cat('"', token, '"'));
    return {};
  }
  Status entry() {
    if (take("'descr'") && !header_.descr) return descr();
    if (take("'fortran_order'") && !header_.fortran_order) return fortran_order();
    if (take("'shape'") && !header_.shape) return shape();
    return refuse("'descr', 'fortran_order' and 'shape', each once");
  }
  Status descr() {
    KIGO_TRY(expect(":"));
    KIGO_TRY(expect("'"));
    const size_t end = text_.find('\'', at_);
    if (end == std::string_view::npos) return refuse("the end of a string");
    header_.descr = text_.substr(at_, end - at_);
    at_ = end + 1;
    return {};
  }
  Status fortran_order() {
    KIGO_TRY(expect(":"));
    header_.fortran_order = take("True");
    if (!*header_.fortran_order) KIGO_TRY(expect("False"));
    return {};
  }
  Status shape() {
    KIGO_TRY(expect(":"));
    KIGO_TRY(expect("("));
    std::vector<int64_t> shape;
    while (!take(")")) {
      int64_t size = -1;
      const char* const begin = text_.data() + at_;
      const auto [end, error] = std::from_chars(begin, text_.data() + text_.size(), size);
      if (error != std::errc() || size < 0) return refuse("a size");
      at_ += static_cast<size_t>(end - begin);
      shape.push_back(size);
      if (take(",")) continue;
      if (shape.size() == 1) return refuse("a comma");  // (3) is a number in Python, (3,) is a shape
      KIGO_TRY(expect(")"));
      break;
    }
    header_.shape = std::move(shape);
    return {};
  }

  std::string_view text_;
  uint64_t offset_;
  const std::string& subject_;
  size_t at_ = 0;
  Header header_;
};

/// Bytes of an array, or nothing when they do not fit an int64.
std::optional<int64_t> size_bytes(std::span<const int64_t> shape, int64_t number_bytes) {
  int64_t size = number_bytes;
  for (const int64_t n : shape) {
    if (__builtin_mul_overflow(size, n, &size)) return std::nullopt;
  }
  return size;
}

template <class T>
std::vector<T> copied(std::span<const std::byte> bytes) {
  std::vector<T> numbers(bytes.size() / sizeof(T));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

}  // namespace

Result<Npy> parse_npy(std::span<const std::byte> file, std::string subject) {
  const std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  const auto truncated = [&](uint64_t needed) {
    return fail(Code::truncated, subject, cat(file.size(), " bytes"), cat(needed, " or more"), file.size());
  };
  if (!text.starts_with(kMagic.substr(0, text.size())))
    return fail(Code::bad_magic, subject, escaped(text.substr(0, 6)), escaped(kMagic), 0);
  if (text.size() < 8) return truncated(8);
  const int major = static_cast<uint8_t>(text[6]), minor = static_cast<uint8_t>(text[7]);
  if (major < 1 || major > 3 || minor != 0)
    return fail(Code::bad_version, subject, cat("format ", major, '.', minor), "1.0, 2.0 or 3.0", 6);
  const size_t length_bytes = major == 1 ? 2 : 4;
  if (text.size() < 8 + length_bytes) return truncated(8 + length_bytes);
  uint32_t length = 0;
  std::memcpy(&length, file.data() + 8, length_bytes);
  const uint64_t header_at = 8 + length_bytes, data_at = header_at + length;
  if (text.size() < data_at) return truncated(data_at);
  KIGO_ASSIGN(Header header, HeaderParser(text.substr(header_at, length), header_at, subject).parse());

  const bool single = *header.descr == "<f4";
  if (!single && *header.descr != "<f8")
    return fail(Code::unsupported, subject, cat("type ", escaped(*header.descr)), "<f4 or <f8", header_at);
  if (*header.fortran_order) return fail(Code::unsupported, subject, "Fortran order", "C order", header_at);
  const auto size = size_bytes(*header.shape, single ? 4 : 8);
  if (!size)
    return fail(Code::size_overflow, subject, cat("shape ", list(std::span<const int64_t>(*header.shape))),
                "fewer numbers", header_at);
  const std::span<const std::byte> data = file.subspan(data_at);
  if (data.size() < static_cast<uint64_t>(*size)) return truncated(data_at + static_cast<uint64_t>(*size));
  if (data.size() > static_cast<uint64_t>(*size))
    return fail(Code::bad_value, subject, cat(data.size(), " bytes of data"), cat(*size),
                data_at + static_cast<uint64_t>(*size));
  if (single) return Npy{std::move(*header.shape), copied<float>(data)};
  return Npy{std::move(*header.shape), copied<double>(data)};
}

Result<Npy> read_npy(const std::string& path) {
  KIGO_ASSIGN(const FileMap map, FileMap::open(path));
  return parse_npy(map.bytes(), escaped(path, 4096));
}

Status write_npy(const std::string& path, View<const float, 2> values) {
  std::string header = cat("{'descr': '<f4', 'fortran_order': False, 'shape': (", values.shape[0], ", ",
                           values.shape[1], "), }");
  constexpr size_t kBeforeHeader = 10;
  while ((kBeforeHeader + header.size() + 1) % 64 != 0) header += ' ';  // the data begins at a multiple of 64
  header += '\n';
  std::string file(kMagic);
  file += {'\1', '\0', static_cast<char>(header.size()), static_cast<char>(header.size() >> 8)};
  file += header;
  const auto row_bytes = static_cast<size_t>(values.shape[1]) * sizeof(float);
  file.reserve(file.size() + static_cast<size_t>(values.shape[0]) * row_bytes);
  for (int64_t row = 0; row < values.shape[0]; ++row)
    file.append(reinterpret_cast<const char*>(values.data + row * values.stride[0]), row_bytes);
  return write_file(path, file);
}

}  // namespace kigo::compare
