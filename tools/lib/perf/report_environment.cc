#include "tools/lib/perf/report_environment.h"

#include <algorithm>
#include <cmath>

#include "core/base/cat.h"
#include "tools/lib/perf/report_text.h"

namespace kigo::tools::perf {
namespace {

std::string joined(const std::set<std::string>& names, std::string_view none) {
  std::string out;
  for (const std::string& name : names) out += cat(out.empty() ? "" : ", ", name);
  return out.empty() ? std::string(none) : out;
}

std::string text_of(const Range& range, std::string_view unit) {
  if (range.empty()) return "not known";
  const std::string low = number_text(range.low);
  const std::string high = number_text(range.high);
  return low == high ? cat(low, ' ', unit) : cat(low, " to ", high, ' ', unit);
}

std::string or_none(const std::string& text, std::string_view none) {
  return text.empty() ? std::string(none) : text;
}

std::string count(int64_t number) { return grouped(static_cast<uint64_t>(number)); }

}  // namespace

void Range::add(double value) {
  if (!std::isfinite(value) || value == 0) return;  // 0: nothing measures it
  const bool first = empty();
  low = first ? value : std::min(low, value);
  high = first ? value : std::max(high, value);
}

void Environment::add(const Record& record) {
  ++records;
  if (!record.machine.empty()) machines.insert(record.machine);
  if (!record.throttle.empty()) throttles.insert(record.throttle);
  for (const double value : record.mhz) mhz.add(value);
  temperature_c.add(record.temperature_c);
  power_w.add(record.power_w);
  discarded += record.discarded;
  samples += static_cast<int64_t>(record.us.size());
  if (record.subject.kind == Kind::op && record.state == State::ok) {
    bool& compared = verified[record.subject];
    compared = compared || record.verified;
  }
  timed_out += record.state == State::timed_out ? 1 : 0;
  invalid += record.state == State::invalid ? 1 : 0;
  if (first_time.empty() || record.time < first_time) first_time = record.time;
  last_time = std::max(last_time, record.time);
}

std::vector<std::pair<std::string, std::string>> rows_of(const Setting& setting,
                                                         const Environment& environment) {
  const int64_t unverified =
      std::ranges::count_if(environment.verified, [](const auto& each) { return !each.second; });
  return {{"device", or_none(setting.device, "not known")},
          {"driver", or_none(setting.driver, "none")},
          {"CUDA runtime", or_none(setting.cuda, "none")},
          {"clocks", or_none(setting.clocks, "not known")},
          {"build", or_none(setting.flags, "not known")},
          {"method of measuring", cat(setting.method)},
          {"machine", joined(environment.machines, "unnamed")},
          {"measured", environment.first_time == environment.last_time
                           ? environment.last_time
                           : cat(environment.first_time, " to ", environment.last_time)},
          {"records", cat(count(environment.records), ", of these ", count(environment.invalid),
                          " invalid and ", count(environment.timed_out), " timed out")},
          {"samples", cat(count(environment.samples), " kept, ", count(environment.discarded), " discarded")},
          {"values not compared",
           cat(count(unverified), " of ", count(std::ssize(environment.verified)), " cases of kernels")},
          {"SM clock", text_of(environment.mhz, "MHz")},
          {"temperature", text_of(environment.temperature_c, "°C")},
          {"power", text_of(environment.power_w, "W")},
          {"throttling", joined(environment.throttles, "not known")}};
}

}  // namespace kigo::tools::perf
