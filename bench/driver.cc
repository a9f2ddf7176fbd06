#include "bench/driver.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <iostream>
#include <limits>
#include <regex>
#include <span>

#include "bench/sampling.h"
#include "core/base/cat.h"
#include "core/base/json.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/perf/history.h"

namespace kigo::bench {
namespace {

using tools::perf::Kind;
using tools::perf::State;

#ifdef KIGO_FAULTS
constexpr bool kFaultBuild = true;
#else
constexpr bool kFaultBuild = false;
#endif

struct Arguments {
  bool list = false;
  bool serve = false;
  bool quick = false;
  std::string history;
  std::string filter;
  std::string machine = "unnamed";
};

std::string now_text() {
  return tools::iso_time(std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now()));
}

/// What the driver knows of every record.
void complete(Record& record, const Request& request, const Arguments& arguments) {
  record.time = now_text();
  record.run = request.run;
  record.block = request.block;
  record.machine = arguments.machine;
  record.commit = KIGO_COMMIT;
  record.delay_us = request.delay_us.value_or(0);
}

/// The records of a request; a failure is one that says so.
std::vector<Record> answer(Program& program, const Request& request, const Arguments& arguments) {
  auto records = request.name == "ceilings" ? program.ceilings(request) : program.measure(request);
  if (!records) {
    Record failed;
    failed.subject = subject_of(request.name);
    if (request.name == "ceilings")
      failed.subject = {Kind::ceiling, "ceilings", "", tools::perf::Cache::none};
    failed.setting = program.setting();
    failed.state = State::invalid;
    failed.why = records.error().message();
    records = std::vector<Record>{failed};
  }
  for (Record& record : *records) complete(record, request, arguments);
  return std::move(*records);
}

/// Text as printf makes it, at most 1,000 bytes of it.
template <class... Values>
std::string formatted(const char* format, Values... values) {
  std::array<char, 1000> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

std::string header() {
  return formatted("%-10s %12s %7s %4s %4s %6s %8s %8s  %s\n", "state", "us", "+-%", "n", "out", "MHz",
                   "GB/s", "TFLOP/s", "what");
}

std::string row_of(const Record& record) {
  const double us = median(record.us);
  std::string row = formatted(
      "%-10s %12.2f %7.2f %4zu %4lld %6.0f %8.0f %8.2f  ", std::string(name_of(record.state)).c_str(), us,
      100 * half_width_of_median(record.us), record.us.size(), static_cast<long long>(record.discarded),
      record.mhz.empty() ? 0 : median(record.mhz), 1e-3 * record.bytes / us, 1e-6 * record.flops / us);
  row += cat(text_of(record.subject), record.verified ? "" : " (values not compared)", "\n");
  if (record.state != State::ok) row += cat("           ", record.why, "\n");
  return row;
}

/// Adds to the history, where there is one, at once: what was measured is there even if the run is stopped.
/// Errors: io.
Status keep(const Arguments& arguments, std::span<const Record> records) {
  if (arguments.history.empty()) return {};
  return tools::perf::append_history(arguments.history, records);
}

bool all_ok(const std::vector<Record>& records) {
  return std::ranges::all_of(records, [](const Record& record) { return record.state == State::ok; });
}

/// Measures all names once. Whether all records are ok. Errors: io.
Result<bool> measure_all(Program& program, const Arguments& arguments, const std::vector<std::string>& names,
                         std::ostream& out) {
  KIGO_TRY(keep(arguments, {}));  // what cannot be written to is known before hours of measuring
  const std::string run = cat(program.name(), "-", now_text());
  const double begun = steady_seconds();
  bool good = true;
  out << header();
  std::vector<std::string> all = {"ceilings"};
  all.insert(all.end(), names.begin(), names.end());
  for (const std::string& name : all) {
    const std::vector<Record> records = answer(program, {.name = name, .run = run}, arguments);
    for (const Record& record : records) out << row_of(record) << std::flush;
    KIGO_TRY(keep(arguments, records));
    good = good && all_ok(records);
    if (!all_ok(records) && !program.usable())
      return fail(Code::cuda, name, "an error that sticks", "a device that can go on");
  }
  out << formatted("%zu names and the ceilings in %.1f s\n", names.size(), steady_seconds() - begun);
  return good;
}

/// The name behind this one; empty behind the last.
std::string next_to(const std::string& name, const std::vector<std::string>& names) {
  const auto found = std::ranges::find(names, name);
  return found == names.end() || found + 1 == names.end() ? "" : *(found + 1);
}

/// Answers requests until there are no more, or the device is of no more use. The exit status.
int serve(Program& program, const Arguments& arguments, const std::vector<std::string>& names,
          std::istream& in, std::ostream& out) {
  const Json ready =
      Json::object({{"ready", program.name()}, {"commit", KIGO_COMMIT}, {"fault_build", kFaultBuild}});
  out << ready.dump() << std::endl;
  std::string line;
  while (std::getline(in, line)) {
    auto request = parse_request(line);
    std::vector<Record> records;
    if (request) {
      if (request->announce)
        request->timed = [&] { out << Json::object({{"timed", request->name}}).dump() << std::endl; };
      records = answer(program, *request, arguments);
    } else {
      Record refused;
      refused.subject.name = "request";
      refused.setting = program.setting();
      refused.state = State::invalid;
      refused.why = request.error().message();
      complete(refused, {}, arguments);
      records.push_back(std::move(refused));
    }
    for (const Record& record : records) out << line_of(record);
    out << std::endl;  // an empty line, and all of it at once
    if (!all_ok(records) && !program.usable()) return 3;
    if (!request) continue;
    const std::string next = request->next.empty() ? next_to(request->name, names) : request->next;
    if (!next.empty()) program.expect({.name = next, .block = request->block});
  }
  return 0;
}

/// The names that match, or an error for an expression that is none.
Result<std::vector<std::string>> matching(const std::vector<std::string>& names, const std::string& filter) {
  std::vector<std::string> kept;
  try {
    const std::regex expression(filter, std::regex::ECMAScript | std::regex::optimize);
    for (const std::string& name : names)
      if (filter.empty() || std::regex_search(name, expression)) kept.push_back(name);
  } catch (const std::regex_error& error) {
    return fail(Code::invalid_request, cat("--filter ", filter), error.what(), "a regular expression");
  }
  return kept;
}

int failed(const Program& program, const Error& error, int status) {
  std::fprintf(stderr, "%s: %s\n", program.name().c_str(), error.message().c_str());
  return status;
}

int run(Program& program, const Arguments& arguments, std::istream& in, std::ostream& out) {
  const auto names = matching(program.names(arguments.quick), arguments.filter);
  if (!names) return failed(program, names.error(), 2);
  if (arguments.list) {
    for (const std::string& name : *names) out << name << '\n';
    return 0;
  }
  const auto missing = program.prepare(arguments.quick);
  if (!missing) return failed(program, missing.error(), 1);
  if (*missing) {
    out << "NOT RUN: " << **missing << std::endl;
    return 0;
  }
  if (arguments.serve) return serve(program, arguments, *names, in, out);
  const auto good = measure_all(program, arguments, *names, out);
  if (!good) return failed(program, good.error(), 1);
  return *good ? 0 : 1;
}

}  // namespace

Subject subject_of(std::string_view name) {
  const auto up_to_slash = [&] {
    const std::string_view part = name.substr(0, name.find('/'));
    name.remove_prefix(std::min(name.size(), part.size() + 1));
    return std::string(part);
  };
  Subject subject;
  if (name.find('/') == name.npos) {
    subject.name = name;
    return subject;
  }
  const std::string kind = up_to_slash();
  for (const Kind known : {Kind::op, Kind::model, Kind::serve, Kind::cpu, Kind::ceiling})
    if (kind == name_of(known)) subject.kind = known;
  if (subject.kind == Kind::cpu) {
    subject.name = name;
    return subject;
  }
  subject.name = up_to_slash();
  subject.text = name;
  return subject;
}

Result<Request> parse_request(std::string_view line) {
  KIGO_ASSIGN(const Json json, Json::parse(line, "request"));
  Request request;
  const Json* name = json.find("measure");
  if (name == nullptr || name->string() == nullptr)
    return fail(Code::invalid_request, "request: measure", "no string", "a name of --list, or ceilings");
  request.name = *name->string();
  if (const Json* block = json.find("block")) {
    if (!block->integer() || *block->integer() < 0)
      return fail(Code::invalid_request, "request: block", block->dump(), "a whole number from 0");
    request.block = *block->integer();
  }
  if (const Json* run = json.find("run")) {
    if (run->string() == nullptr) return fail(Code::invalid_request, "request: run", run->dump(), "a string");
    request.run = *run->string();
  }
  if (const Json* next = json.find("next")) {
    if (next->string() == nullptr)
      return fail(Code::invalid_request, "request: next", next->dump(), "a string");
    request.next = *next->string();
  }
  if (const Json* delay = json.find("delay_us")) {
    const auto us = delay->number();
    if (!us || !(*us >= 0 && *us <= 1e6))
      return fail(Code::invalid_request, "request: delay_us", delay->dump(), "microseconds up to 1000000");
    request.delay_us = *us;
  }
  for (const auto& [member, value] :
       {std::pair{"verify", &request.verify}, {"announce", &request.announce}}) {
    const Json* const said = json.find(member);
    if (said == nullptr) continue;
    if (said->boolean() == nullptr)
      return fail(Code::invalid_request, cat("request: ", member), said->dump(), "true or false");
    *value = *said->boolean();
  }
  return request;
}

int run_program(Program& program, int count, const char* const* arguments, std::istream& in,
                std::ostream& out) {
  Arguments chosen;
  CLI::App app(program.summary(), program.name());
  app.add_flag("--list", chosen.list, "Print the name of everything that can be measured, one a line");
  app.add_flag("--serve", chosen.serve, "Answer requests on standard input, for `kigo perf measure`");
  app.add_option("--history", chosen.history, "Append a record for each measurement to this file");
  app.add_flag("--quick", chosen.quick, "A part that takes minutes");
  app.add_option("--filter", chosen.filter, "Only names that match this regular expression");
  app.add_option("--machine", chosen.machine, "Its name in the records");
  for (const Option& option : program.options()) app.add_option(option.name, *option.value, option.help);
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, out) == 0 ? 0 : 2;
  }
  return run(program, chosen, in, out);
}

}  // namespace kigo::bench
