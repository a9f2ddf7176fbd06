// A measurement of performance, as bench/history keeps it: one line of JSON each. docs/performance.md
// describes the fields.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/json.h"
#include "core/base/result.h"

namespace kigo::tools::perf {

/// What a measurement is of.
enum class Kind {
  op,       // a kernel: a case of a pair
  model,    // a whole model: loading, prompts, steps
  serve,    // the worker over a socket
  cpu,      // a benchmark of the host's code
  ceiling,  // what the hardware can do: copy, products, a launch
};

/// What the second-level cache held of the operands.
enum class Cache {
  none,  // not a matter of it
  cold,  // nothing: written over before every launch
  row,   // nothing, many launches one after another, each on memory of its own
  hot,   // all that fits: the same memory again and again
};

enum class State {
  ok,
  timed_out,  // the samples are those taken until then
  invalid,    // `why` says what was found and expected; the samples are not to be used
};

/// A kernel that a measurement launched.
struct KernelUse {
  std::string name;  // as the compiler mangled it
  int64_t registers = 0;
  int64_t spill_bytes = 0;   // local memory of a thread
  int64_t shared_bytes = 0;  // of a block, static and dynamic
  double occupancy = 0;      // resident warps of those that fit
  int64_t launches = 0;
  bool operator==(const KernelUse&) const = default;
};

/// Where and how it was measured. Measurements that differ in any of it are never compared.
struct Setting {
  std::string device;  // "NVIDIA H200", or the name of the processor
  std::string driver;  // of the GPU: "580.159.04"; empty without one
  std::string cuda;    // of the runtime: "13.0"
  std::string clocks;  // what they may go up to: "sm 1980 MHz, memory 3201 MHz"
  std::string flags;   // compiler, architecture, kind of build
  int64_t method = 0;  // goes up when a program measures in another way
  auto operator<=>(const Setting&) const = default;
};

/// What is measured.
struct Subject {
  Kind kind = Kind::op;
  std::string name;  // pair, model, benchmark or ceiling
  std::string text;  // the case in one line; member `case` of the JSON
  Cache cache = Cache::none;
  auto operator<=>(const Subject&) const = default;
};

struct Record {
  std::string time;  // UTC, "2026-11-22T06:01:02.003Z": when the last sample was taken
  std::string
      run;  // names the run of a program, or of `kigo perf measure`: measurements of a run share ceilings
  int64_t block = 0;    // how many blocks of the same subject this run had measured before
  std::string machine;  // a name that the user gave
  std::string commit;
  std::string code;  // hash of the machine code of `kernels`; empty where it is not known
  Setting setting;
  Subject subject;

  State state = State::ok;
  std::string why;
  std::vector<double> us;   // microseconds, in the order in which they were taken; less is better
  std::vector<double> mhz;  // the multiprocessors' clock at each sample; empty where it is not known
  int64_t discarded = 0;    // samples that were not kept: clock, power or temperature were off
  bool verified = false;    // the values were compared with the twin's, after timing, in this run

  double bytes = 0;  // the least that must move
  double flops = 0;
  double tokens = 0;    // of one sample; 0: not a matter of tokens
  double delay_us = 0;  // put in on purpose by `kigo perf selftest`
  std::vector<KernelUse> kernels;

  double temperature_c = 0;  // at the end; 0 where NVML is not there
  double power_w = 0;
  std::string
      throttle;  // reasons, by NVML: "none", "sw_power_cap sw_thermal"; "unknown" where it is not there

  bool operator==(const Record&) const = default;
};

std::string_view name_of(Kind kind);
std::string_view name_of(Cache cache);
std::string_view name_of(State state);

/// "linear_q4_k tokens=1 rows=64 cold"
std::string text_of(const Subject& subject);

/// One line, with a line feed. Members that say nothing (0, empty) are left out; numbers have six digits.
std::string line_of(const Record& record);

/// The reverse. Errors: bad_value with `subject` and the member.
Result<Record> parse_record(std::string_view line, const std::string& subject);

/// The middle one of the samples, in microseconds; NaN without any.
double median_us(const Record& record);

}  // namespace kigo::tools::perf
