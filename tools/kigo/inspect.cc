// kigo inspect FILE: what a GGUF file holds, without judging whether it is a model.
#include <map>
#include <memory>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "tools/kigo/command.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

constexpr uint64_t kShownElements = 4;
constexpr size_t kShownBytes = 60;

std::string text_of(std::string_view bytes) { return cat('"', escaped(bytes, kShownBytes), '"'); }

/// Hands element i of an array to `use` as what it is.
template <class Use>
auto with_element(const gguf::Array& array, uint64_t i, const Use& use) {
  using gguf::ValueType;
  switch (array.element) {
    case ValueType::u8:
      return use(array.at<uint8_t>(i));
    case ValueType::i8:
      return use(array.at<int8_t>(i));
    case ValueType::u16:
      return use(array.at<uint16_t>(i));
    case ValueType::i16:
      return use(array.at<int16_t>(i));
    case ValueType::u32:
      return use(array.at<uint32_t>(i));
    case ValueType::i32:
      return use(array.at<int32_t>(i));
    case ValueType::f32:
      return use(array.at<float>(i));
    case ValueType::boolean:
      return use(array.at<bool>(i));
    case ValueType::u64:
      return use(array.at<uint64_t>(i));
    case ValueType::i64:
      return use(array.at<int64_t>(i));
    case ValueType::f64:
      return use(array.at<double>(i));
    case ValueType::string:
    case ValueType::array:  // the reader refuses arrays of arrays
      break;
  }
  return use(array.strings[i]);
}

struct ValueText {
  std::string operator()(std::string_view value) const { return text_of(value); }
  std::string operator()(const gguf::Array& array) const {
    std::string out = cat(grouped(array.count), " ", name(array.element), ": ");
    for (uint64_t i = 0; i < std::min(array.count, kShownElements); ++i) {
      out += cat(i == 0 ? "" : ", ", with_element(array, i, *this));
    }
    return array.count > kShownElements ? out + ", ..." : out;
  }
  template <class N>
  std::string operator()(N value) const {
    return cat(value);
  }
};

struct ValueJson {
  Json operator()(std::string_view value) const { return value; }
  Json operator()(const gguf::Array& value) const {
    Json first = Json::array();
    for (uint64_t i = 0; i < std::min(value.count, kShownElements); ++i) {
      first.push(with_element(value, i, *this));
    }
    return Json::object(
        {{"element", name(value.element)}, {"count", value.count}, {"first", std::move(first)}});
  }
  Json operator()(bool value) const { return value; }
  Json operator()(float value) const { return double{value}; }
  Json operator()(double value) const { return value; }
  template <std::unsigned_integral N>
  Json operator()(N value) const {
    return uint64_t{value};
  }
  template <std::signed_integral N>
  Json operator()(N value) const {
    return int64_t{value};
  }
};

struct Total {
  uint64_t tensors = 0;
  uint64_t values = 0;
  uint64_t bytes = 0;
};

std::map<std::string, Total> totals_by_type(const gguf::File& file) {
  std::map<std::string, Total> totals;
  for (const gguf::Tensor& tensor : file.tensors) {
    Total& total = totals[std::string(tensor.type->name)];
    ++total.tensors;
    total.values += tensor.elements();
    total.bytes += tensor.size_bytes();
  }
  return totals;
}

std::string report(const std::string& path, uint64_t size, const gguf::File& file) {
  std::string out = cat("file      ", path, "\n          ", grouped(size), " bytes, GGUF version ",
                        file.version, ", alignment ", file.alignment, ", data from byte ",
                        grouped(file.data_offset), ", ", grouped(file.trailing_bytes), " trailing bytes\n");
  std::vector<std::vector<std::string>> rows;
  for (const gguf::Pair& pair : file.metadata) {
    rows.push_back({"", escaped(pair.key), std::string(name(gguf::type_of(pair.value))),
                    std::visit(ValueText{}, pair.value)});
  }
  out += cat("metadata  ", grouped(file.metadata.size()), " pairs\n", table(rows));
  rows = {{"", "name", "type", "shape", "bytes", "offset"}};
  for (const gguf::Tensor& tensor : file.tensors) {
    rows.push_back({"", escaped(tensor.name), std::string(tensor.type->name), list(std::span(tensor.dims)),
                    grouped(tensor.size_bytes()), grouped(tensor.offset)});
  }
  out += cat("tensors   ", grouped(file.tensors.size()), "\n", table(rows, {4, 5}));
  rows = {{"", "type", "tensors", "values", "bytes"}};
  Total sum;
  const auto add_row = [&rows](const std::string& type, const Total& total) {
    rows.push_back({"", type, grouped(total.tensors), grouped(total.values), grouped(total.bytes)});
  };
  for (const auto& [type, total] : totals_by_type(file)) {
    add_row(type, total);
    sum.tensors += total.tensors;
    sum.values += total.values;
    sum.bytes += total.bytes;
  }
  add_row("all", sum);
  return out + "totals\n" + table(rows, {2, 3, 4});
}

Json report_json(const std::string& path, uint64_t size, const gguf::File& file) {
  Json metadata = Json::array();
  for (const gguf::Pair& pair : file.metadata) {
    metadata.push(Json::object({{"key", pair.key},
                                {"type", name(gguf::type_of(pair.value))},
                                {"offset", pair.offset},
                                {"value", std::visit(ValueJson{}, pair.value)}}));
  }
  Json tensors = Json::array();
  for (const gguf::Tensor& tensor : file.tensors) {
    tensors.push(Json::object({{"name", tensor.name},
                               {"type", tensor.type->name},
                               {"shape", Json::array_of(tensor.dims)},
                               {"bytes", tensor.size_bytes()},
                               {"offset", tensor.offset}}));
  }
  Json totals = Json::object();
  for (const auto& [type, total] : totals_by_type(file)) {
    totals.set(type,
               Json::object({{"tensors", total.tensors}, {"values", total.values}, {"bytes", total.bytes}}));
  }
  return Json::object({{"file", path},
                       {"bytes", size},
                       {"version", file.version},
                       {"alignment", file.alignment},
                       {"data_offset", file.data_offset},
                       {"trailing_bytes", file.trailing_bytes},
                       {"metadata", std::move(metadata)},
                       {"tensors", std::move(tensors)},
                       {"totals", std::move(totals)}});
}

struct InspectArguments {
  std::string path;
  bool head = false;
  bool json = false;
};

int inspect(const InspectArguments& options) {
  const auto mapped = options.head ? gguf::open_head(options.path) : gguf::open(options.path);
  if (!mapped) return print_error(mapped.error(), options.path, options.json);
  const uint64_t size = mapped->map.bytes().size();
  return print(options.json, options.json ? "" : report(options.path, size, mapped->file),
               options.json ? report_json(options.path, size, mapped->file) : Json());
}

}  // namespace

void add_inspect(CLI::App& app, int& exit) {
  const auto options = std::make_shared<InspectArguments>();
  CLI::App* command = app.add_subcommand("inspect", "List header, metadata and tensors of a GGUF file");
  command->add_option("file", options->path, "GGUF file")->required();
  command->add_flag("--head", options->head,
                    "Do not look for the tensors' data: enough for a file cut behind its head");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, &exit] { exit = inspect(*options); });
}

}  // namespace kigo::tools
