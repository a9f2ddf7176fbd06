// What the programs that measure have in common: their command line, the requests of `kigo perf measure`, and
// the file and the table that records go to.
#pragma once

#include <cstdint>
#include <functional>
#include <iostream>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/perf/record.h"

namespace kigo::bench {

using tools::perf::Record;
using tools::perf::Setting;
using tools::perf::Subject;

/// What `kigo perf measure` asks for in one line:
/// {"measure": NAME, "block": 0, "run": "ID", "delay_us": 0, "verify": true, "announce": false, "next": NAME}
struct Request {
  std::string name = {};  // one of names(), or "ceilings"
  int64_t block = 0;
  std::string run = {};
  std::optional<double> delay_us = {};  // nothing: not even the spin of 0
  bool verify = true;     // compare the values too, which takes longer than all else; once a run is enough
  bool announce = false;  // call timed()
  std::string next = {};  // what will be asked after this; empty: probably what follows on the list
  /// To be called when all is timed and only the comparison is left: others may use the device.
  std::function<void()> timed = [] {};
};

/// An option of one program's own.
struct Option {
  std::string name;  // "--folder"
  std::string help;
  std::string* value;
};

/// A program that measures.
class Program {
 public:
  virtual ~Program() = default;
  /// "ops_bench"
  virtual std::string name() const = 0;
  /// One line for --help.
  virtual std::string summary() const = 0;
  virtual std::vector<Option> options() { return {}; }
  /// One for each thing to measure, "op/linear_q4_k/tokens=1 rows=4864"; known without the hardware.
  virtual std::vector<std::string> names(bool quick) const = 0;
  /// Makes ready to measure. Why nothing can be measured here ("no CUDA device"), or nothing. Errors: its
  /// own.
  virtual Result<std::optional<std::string>> prepare(bool quick) = 0;
  /// Once prepared: where and how it is measured.
  virtual Setting setting() const = 0;
  /// The records of one name, without time, run, block, machine, commit and delay, which the driver knows.
  virtual Result<std::vector<Record>> measure(const Request& request) = 0;
  /// Called between two requests: makes ready what will probably be asked next, as far as the host alone can.
  virtual void expect(const Request&) {}
  /// Whether more can be measured: not after an error of the device that sticks. Asked after one.
  virtual bool usable() { return true; }
  /// What the hardware can do at all.
  virtual Result<std::vector<Record>> ceilings(const Request&) { return std::vector<Record>{}; }
};

/// The whole program: --list, --history FILE, --serve, --quick, --filter REGEX, --machine NAME and its own
/// options (docs/performance.md). Returns the exit status: 0 also where nothing can be measured, 1 when a
/// record is not ok or something failed, 2 for a wrong command line, 3 when the device is of no more use.
int run_program(Program& program, int count, const char* const* arguments, std::istream& in = std::cin,
                std::ostream& out = std::cout);

/// The first two parts of a name and the rest: "op/rope_f32/tokens=1 heads=14" is of kind op, name rope_f32
/// and text "tokens=1 heads=14". All behind "cpu/" is the name. Unknown kinds are taken for op.
Subject subject_of(std::string_view name);

/// The line of a request. Errors: invalid_request, naming the member.
Result<Request> parse_request(std::string_view line);

}  // namespace kigo::bench
