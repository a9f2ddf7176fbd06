#include "tools/lib/perf/record.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <span>

#include "core/base/cat.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/perf/statistics.h"

namespace kigo::tools::perf {
namespace {

// In the order of the enumerations.
constexpr std::array<std::string_view, 5> kKinds{"op", "model", "serve", "cpu", "ceiling"};
constexpr std::array<std::string_view, 4> kCaches{"none", "cold", "row", "hot"};
constexpr std::array<std::string_view, 3> kStates{"ok", "timed_out", "invalid"};

std::span<const std::string_view> names_of(Kind) { return kKinds; }
std::span<const std::string_view> names_of(Cache) { return kCaches; }
std::span<const std::string_view> names_of(State) { return kStates; }

// Both directions go over the same list of members: what is written is what is read.

template <class Use, class Visitor>
void visit_kernel(Use& use, Visitor&& visit) {
  visit("name", use.name);
  visit("registers", use.registers);
  visit("spill_bytes", use.spill_bytes);
  visit("shared_bytes", use.shared_bytes);
  visit("occupancy", use.occupancy);
  visit("launches", use.launches);
}

template <class AnyRecord, class Visitor>
void visit_record(AnyRecord& record, Visitor&& visit) {
  visit("time", record.time);
  visit("run", record.run);
  visit("block", record.block);
  visit("machine", record.machine);
  visit("commit", record.commit);
  visit("code", record.code);
  visit("device", record.setting.device);
  visit("driver", record.setting.driver);
  visit("cuda", record.setting.cuda);
  visit("clocks", record.setting.clocks);
  visit("flags", record.setting.flags);
  visit("method", record.setting.method);
  visit("kind", record.subject.kind);
  visit("name", record.subject.name);
  visit("case", record.subject.text);
  visit("cache", record.subject.cache);
  visit("state", record.state);
  visit("why", record.why);
  visit("us", record.us);
  visit("mhz", record.mhz);
  visit("discarded", record.discarded);
  visit("verified", record.verified);
  visit("bytes", record.bytes);
  visit("flops", record.flops);
  visit("tokens", record.tokens);
  visit("delay_us", record.delay_us);
  visit("kernels", record.kernels);
  visit("temperature_c", record.temperature_c);
  visit("power_w", record.power_w);
  visit("throttle", record.throttle);
}

/// Six digits; whole numbers in full, as far as a double has them (2^53). What is read back and written again
/// is the same text: 1234567.8 becomes 1234570, not 1.23457e+06.
std::string digits(double value) {
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  char buffer[32];
  if (value != std::trunc(value) || std::abs(value) >= 0x1p53) {
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::general, 6).ptr;
    std::from_chars(buffer, end, value);
    if (value != std::trunc(value) || std::abs(value) >= 0x1p53) return {buffer, end};
  }
  return cat(static_cast<int64_t>(value));
}

class Writer {
 public:
  void operator()(std::string_view key, const std::string& value) {
    if (!value.empty()) member(key, Json(value).dump());
  }
  void operator()(std::string_view key, int64_t value) {
    if (value != 0) member(key, cat(value));
  }
  void operator()(std::string_view key, double value) {
    if (value != 0) member(key, digits(value));
  }
  void operator()(std::string_view key, bool value) {
    if (value) member(key, "true");
  }
  /// The kind is always said, the others where they are not the first.
  template <class Enum>
    requires std::is_enum_v<Enum>
  void operator()(std::string_view key, Enum value) {
    if (std::is_same_v<Enum, Kind> || value != Enum{}) member(key, cat('"', name_of(value), '"'));
  }
  void operator()(std::string_view key, const std::vector<double>& values) {
    list(key, values, [](double value) { return digits(value); });
  }
  void operator()(std::string_view key, const std::vector<KernelUse>& uses) {
    list(key, uses, [](const KernelUse& use) {
      Writer writer;
      visit_kernel(use, writer);
      return writer.finish();
    });
  }
  std::string finish() const { return text_.empty() ? "{}" : cat(text_, "}"); }

 private:
  void member(std::string_view key, std::string_view value) {
    text_ += text_.empty() ? "{\"" : ",\"";
    text_.append(key).append("\":").append(value);
  }
  template <class T, class Text>
  void list(std::string_view key, const std::vector<T>& values, const Text& text) {
    if (values.empty()) return;
    std::string all;
    for (const T& value : values) all += cat(all.empty() ? "[" : ",", text(value));
    member(key, cat(all, "]"));
  }
  std::string text_;
};

/// Takes the members that a record knows out of an object; the first that does not fit is the error.
class Reader {
 public:
  Reader(const Json& object, std::string subject) : object_(object), subject_(std::move(subject)) {}

  template <class T>
  void operator()(std::string_view key, T& out) {
    const Json* member = object_.find(key);
    if (member == nullptr) return;
    ++known_;
    const char* const expected = read(*member, out);
    if (expected != nullptr && status_) status_ = wrong(key, escaped(member->dump(), 40), expected);
  }

  /// Errors: the first of the members; a member that was not asked for.
  Status finish() const {
    KIGO_TRY(status_);
    if (object_.members() == nullptr) return wrong("line", "no object", "an object");
    if (known_ != object_.members()->size())
      return wrong("members", cat(object_.members()->size() - known_, " more than docs/performance.md has"),
                   "those of a record");
    return {};
  }
  Status wrong(std::string_view key, std::string found, std::string expected) const {
    return fail(Code::bad_value, cat(subject_, ", ", key), std::move(found), std::move(expected));
  }

 private:
  // Each returns what was expected, or null when it was there.
  static const char* read(const Json& json, std::string& out) {
    if (json.string() == nullptr) return "a string";
    out = *json.string();
    return nullptr;
  }
  static const char* read(const Json& json, int64_t& out) {
    if (!json.integer() || *json.integer() < 0) return "a whole number, 0 or more";
    out = *json.integer();
    return nullptr;
  }
  static const char* read(const Json& json, bool& out) {
    if (json.boolean() == nullptr) return "true or false";
    out = *json.boolean();
    return nullptr;
  }
  static const char* read(const Json& json, double& out) {
    constexpr double kInfinity = std::numeric_limits<double>::infinity();
    if (const auto number = json.number()) {
      out = *number;
    } else if (json == Json("nan")) {
      out = std::nan("");
    } else if (json == Json("inf") || json == Json("-inf")) {
      out = json == Json("inf") ? kInfinity : -kInfinity;
    } else {
      return "a number";
    }
    return nullptr;
  }
  template <class Enum>
    requires std::is_enum_v<Enum>
  static const char* read(const Json& json, Enum& out) {
    const auto names = names_of(out);
    const auto found = json.string() == nullptr ? names.end() : std::ranges::find(names, *json.string());
    if (found == names.end()) return "one of the names in docs/performance.md";
    out = static_cast<Enum>(found - names.begin());
    return nullptr;
  }
  static const char* read(const Json& json, std::vector<double>& out) {
    if (json.items() == nullptr) return "an array of numbers";
    for (const Json& item : *json.items()) {
      if (read(item, out.emplace_back()) != nullptr) return "an array of numbers";
    }
    return nullptr;
  }
  static const char* read(const Json& json, std::vector<KernelUse>& out) {
    if (json.items() == nullptr) return "an array of kernels";
    for (const Json& item : *json.items()) {
      Reader reader(item, "kernels");
      visit_kernel(out.emplace_back(), reader);
      if (!reader.finish()) return "an array of kernels";
    }
    return nullptr;
  }

  const Json& object_;
  const std::string subject_;
  size_t known_ = 0;
  Status status_;
};

}  // namespace

std::string_view name_of(Kind kind) { return kKinds[static_cast<size_t>(kind)]; }
std::string_view name_of(Cache cache) { return kCaches[static_cast<size_t>(cache)]; }
std::string_view name_of(State state) { return kStates[static_cast<size_t>(state)]; }

std::string text_of(const Subject& subject) {
  std::string text = subject.name;
  if (!subject.text.empty()) text += cat(" ", subject.text);
  if (subject.cache != Cache::none) text += cat(" ", name_of(subject.cache));
  return text;
}

std::string line_of(const Record& record) {
  Writer writer;
  visit_record(record, writer);
  return cat(writer.finish(), "\n");
}

Result<Record> parse_record(std::string_view line, const std::string& subject) {
  KIGO_ASSIGN(const Json object, Json::parse(line, subject));
  Record record;
  Reader reader(object, subject);
  if (object.find("kind") == nullptr && (object.find("pair") != nullptr || object.find("bench") != nullptr))
    KIGO_TRY(reader.wrong("kind", "a line as before kind and method were kept", "a record"));
  visit_record(record, reader);
  KIGO_TRY(reader.finish());
  if (object.find("kind") == nullptr) KIGO_TRY(reader.wrong("kind", "nothing", "what is measured"));
  if (record.subject.name.empty()) KIGO_TRY(reader.wrong("name", "nothing", "what is measured"));
  if (record.time.size() != 24 || !parse_iso_time(record.time))
    KIGO_TRY(reader.wrong("time", escaped(record.time), "UTC as 2026-11-21T07:32:05.000Z"));
  if (!record.mhz.empty() && record.mhz.size() != record.us.size())
    KIGO_TRY(reader.wrong("mhz", cat(record.mhz.size(), " numbers"),
                          cat(record.us.size(), ", as many as in us, or none")));
  return record;
}

double median_us(const Record& record) { return median(record.us); }

}  // namespace kigo::tools::perf
