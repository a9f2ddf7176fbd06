#include "core/base/json.h"

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/base/cat.h"
#include "core/base/check.h"
#include "core/base/fault.h"

namespace kigo {
namespace {

/// Builds a Json from nlohmann's parser events, refusing what its own tree would silently accept.
class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::string subject, size_t max_depth) : subject_(std::move(subject)), max_depth_(max_depth) {}

  bool null() override { return add(Json()); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(int64_t{value}); }
  bool number_unsigned(number_unsigned_t value) override { return add(uint64_t{value}); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    if (!stack_.back().keys.insert(name).second) return refuse(cat("key \"", escaped(name), "\" twice"));
    stack_.back().key = std::move(name);
    return true;
  }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& e) override {
    // nlohmann's text is "[json.exception...] parse error at line L, column C: ...": keep what follows the
    // place. A number that is too large has no place: "[json.exception...] number overflow ...". Either
    // quotes its input, however long.
    std::string_view text = e.what();
    const auto place = text.find("column");
    const auto colon = place == std::string_view::npos ? text.find("] ") : text.find(": ", place);
    if (colon != std::string_view::npos) text.remove_prefix(colon + 2);
    refuse(escaped(text, 160));
    error_.offset = position == 0 ? 0 : position - 1;
    return false;
  }

  Result<Json> finish(bool parsed) {
    if (!parsed) return tl::unexpected<Error>(std::move(error_));
    return std::move(root_);
  }

 private:
  struct Level {
    Json value;
    std::string key;
    std::unordered_set<std::string> keys;  // all so far
  };

  bool add(Json value) {
    if (stack_.empty()) {
      root_ = std::move(value);
    } else if (stack_.back().value.is_object()) {
      stack_.back().value.set(std::move(stack_.back().key), std::move(value));
    } else {
      stack_.back().value.push(std::move(value));
    }
    return true;
  }
  bool open(Json container) {
    if (stack_.size() == max_depth_) return refuse(cat("nested deeper than ", max_depth_));
    stack_.push_back({std::move(container), {}, {}});
    return true;
  }
  bool close() {
    Json done = std::move(stack_.back().value);
    stack_.pop_back();
    return add(std::move(done));
  }
  bool refuse(std::string found) {
    error_ = {Code::bad_value, subject_, std::move(found), "JSON", std::nullopt};
    return false;
  }

  std::string subject_;
  size_t max_depth_;
  Json root_;
  std::vector<Level> stack_;
  Error error_{Code::bad_value, {}, {}, {}, std::nullopt};
};

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string number_text(double value) {
  if (!std::isfinite(value) && KIGO_FAULT(F88)) return std::isnan(value) ? "0.0" : "1e308";
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  const std::string text = cat(value);
  const bool whole = text.find_first_of(".e") == std::string::npos;
  return whole ? text + ".0" : text;  // a number that was real stays real when read back
}

struct Dumper {
  std::string out;
  int indent;

  void line(int depth) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<size_t>(indent * depth), ' ');
  }
  /// Writes `[a, b]` or `{...}`; `item` writes the i-th element.
  template <class Item>
  void sequence(char open, char close, size_t count, int depth, const Item& item) {
    out += open;
    for (size_t i = 0; i < count; ++i) {
      if (i != 0) out += ',';
      line(depth + 1);
      item(i);
    }
    if (count != 0) line(depth);
    out += close;
  }
  void write(const Json& json, int depth) {
    if (const auto* items = json.items()) {
      sequence('[', ']', items->size(), depth, [&](size_t i) { write((*items)[i], depth + 1); });
    } else if (const auto* members = json.members()) {
      sequence('{', '}', members->size(), depth, [&](size_t i) {
        out += quoted((*members)[i].first) + (indent < 0 ? ":" : ": ");
        write((*members)[i].second, depth + 1);
      });
    } else {
      out += json.scalar_text();
    }
  }
};

}  // namespace

Json Json::object(std::initializer_list<Member> members) { return Json(Object(members)); }

std::optional<int64_t> Json::integer() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<uint64_t>(&value_)) {
    if (*value <= static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return static_cast<int64_t>(*value);
  }
  return std::nullopt;
}

std::optional<uint64_t> Json::unsigned_integer() const {
  if (const auto* value = std::get_if<uint64_t>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) {
    if (*value >= 0) return static_cast<uint64_t>(*value);
  }
  return std::nullopt;
}

std::optional<double> Json::number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  if (const auto* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  if (const auto* value = std::get_if<uint64_t>(&value_)) return static_cast<double>(*value);
  return std::nullopt;
}

const Json* Json::find(std::string_view key) const {
  if (const Object* object = members()) {
    for (const Member& member : *object) {
      if (member.first == key) return &member.second;
    }
  }
  return nullptr;
}

void Json::set(std::string key, Json value) {
  KIGO_CHECK(is_object());
  std::get<Object>(value_).emplace_back(std::move(key), std::move(value));
}

void Json::push(Json value) {
  KIGO_CHECK(items() != nullptr);
  std::get<Array>(value_).push_back(std::move(value));
}

std::string Json::scalar_text() const {
  if (const bool* value = boolean()) return *value ? "true" : "false";
  if (const auto* value = std::get_if<int64_t>(&value_)) return cat(*value);
  if (const auto* value = std::get_if<uint64_t>(&value_)) return cat(*value);
  if (const auto* value = std::get_if<double>(&value_)) return number_text(*value);
  if (const auto* value = string()) return quoted(*value);
  return "null";
}

std::string Json::dump(int indent) const {
  Dumper dumper{{}, indent};
  dumper.write(*this, 0);
  return std::move(dumper.out);
}

Result<Json> Json::parse(std::string_view text, std::string subject, size_t max_depth) {
  Builder builder(std::move(subject), max_depth);
  const bool parsed = nlohmann::json::sax_parse(text.begin(), text.end(), &builder);
  return builder.finish(parsed);
}

}  // namespace kigo
