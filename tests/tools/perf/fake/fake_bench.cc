// A program that speaks the protocol of those that measure, and takes its times and its faults from a file:
// PROGRAM.json beside it, so that links to it are different programs. fake_programs.h describes the members.
#include <unistd.h>

#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <random>
#include <regex>
#include <string>
#include <thread>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/perf/contender.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {
namespace {

double number(const Json& object, std::string_view key, double otherwise = 0) {
  const Json* member = object.find(key);
  return member == nullptr ? otherwise : member->number().value_or(otherwise);
}

std::string text(const Json& object, std::string_view key) {
  const Json* member = object.find(key);
  return member == nullptr || member->string() == nullptr ? "" : *member->string();
}

[[noreturn]] void hang() {
  while (true) std::this_thread::sleep_for(std::chrono::seconds(60));
}

/// What all links write to one file together, a line a request; its length makes every request a draw of its
/// own, the same in every run of a test.
uint64_t note(const std::string& file, const std::string& line) {
  uint64_t lines = 0;
  std::ifstream before(file);
  for (std::string each; std::getline(before, each);) ++lines;
  std::ofstream(file, std::ios::app) << line << "\n";
  return lines;
}

class Fake {
 public:
  Fake(std::string program, Json says, std::string machine)
      : program_(std::move(program)), says_(std::move(says)), machine_(std::move(machine)) {
    const uint64_t lines = note(text(says_, "log"), cat("start ", short_name()));
    std::mt19937_64 engine(seed() + 7919 * lines);
    offset_ = std::normal_distribution<double>()(engine);
  }

  void answer(const Json& request) {
    const std::string name = text(request, "measure");
    const auto block = static_cast<int64_t>(number(request, "block"));
    const bool delayed = request.find("delay_us") != nullptr;
    const double delay_us = number(request, "delay_us");
    const bool verify = request.find("verify") == nullptr;
    const bool announce = request.find("announce") != nullptr;
    const uint64_t lines = note(
        text(says_, "log"), cat(short_name(), " ", block, " ", name, delayed ? cat(" delay ", delay_us) : "",
                                verify ? "" : " unverified", announce ? " announced" : "",
                                request.find("next") == nullptr ? "" : cat(" then ", text(request, "next"))));
    Record record = blank(name, request, block, delay_us);
    record.verified = verify;
    const Json* each = find(name);
    if (name == "ceilings") {
      record.subject = {Kind::ceiling, "copy", "", Cache::none};
      record.us = {100};
    } else if (each == nullptr) {
      record.state = State::invalid;
      record.why = cat("no such name: ", name);
    } else {
      draw(*each, delay_us, lines, record);
      if (number(*each, "at", -1) == -1 || number(*each, "at") == static_cast<double>(block))
        if (!misbehave(text(*each, "do"), record)) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(static_cast<int>(number(*each, "sleep_ms"))));
    }
    if (announce && each != nullptr && each->find("compare_ms") != nullptr) {
      std::cout << Json::object({{"timed", name}}).dump() << std::endl;
      std::this_thread::sleep_for(std::chrono::milliseconds(static_cast<int>(number(*each, "compare_ms"))));
      if (text(*each, "then") == "die") ::_exit(7);
    }
    std::cout << line_of(record) << "\n" << std::flush;
  }

 private:
  std::string short_name() const { return program_.substr(program_.rfind('/') + 1); }
  uint64_t seed() const { return static_cast<uint64_t>(number(says_, "seed")); }

  const Json* find(const std::string& name) const {
    for (const Json& each : *says_.find("names")->items())
      if (text(each, "name") == name) return &each;
    return nullptr;
  }

  Record blank(const std::string& name, const Json& request, int64_t block, double delay_us) const {
    Record record;
    record.time =
        iso_time(std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
    record.run = text(request, "run");
    record.block = block;
    record.machine = machine_;
    record.commit = text(says_, "commit");
    record.code = text(says_, "code");
    record.setting = {"fake", "", "", "1000 MHz", "-O2", 1};
    record.subject = subject_of(name);
    record.delay_us = delay_us;
    record.bytes = 1000;
    return record;
  }

  void draw(const Json& each, double delay_us, uint64_t lines, Record& record) const {
    std::mt19937_64 engine(seed() + 104729 * lines);
    std::normal_distribution<double> normal;
    const double us = number(each, "us", 100) * (1 + number(each, "process") * offset_) *
                      (1 + number(each, "drift") * static_cast<double>(lines)) *
                      (1 + number(each, "block_spread") * normal(engine));
    for (int sample = 0; sample < static_cast<int>(number(each, "samples", 12)); ++sample) {
      const double mode = engine() % 2 == 0 ? 1 : 1 + number(each, "bimodal");
      record.us.push_back(us * mode * (1 + number(each, "spread", 0.01) * normal(engine)) + delay_us);
    }
  }

  /// What is to go wrong; false when the answer was given.
  static bool misbehave(const std::string& what, Record& record) {
    if (what == "die") ::_exit(7);
    if (what == "crash") std::abort();
    if (what == "hang") hang();
    if (what == "garbage") std::cout << "Segmentation fault? no: [1, 2\n" << std::flush;
    if (what == "half") {
      std::cout << line_of(record) << line_of(record).substr(0, 40) << std::flush;
      ::_exit(7);
    }
    if (what == "endless") {
      const std::string much(1 << 16, 'x');
      while (true) std::cout << much;
    }
    if (what == "many")
      for (int i = 0; i < 1000; ++i) std::cout << line_of(record);
    if (what == "other_block") ++record.block;
    if (what == "other_name") record.subject.name = "z";
    if (what == "no_times") record.us.clear();
    if (what == "twice") std::cout << line_of(record);
    if (what == "invalid") {
      record.state = State::invalid;
      record.why = "above the limit of the hardware";
    }
    if (what == "last") {
      record.state = State::invalid;
      record.why = "an illegal address";
      std::cout << line_of(record) << "\n" << std::flush;
      ::_exit(3);
    }
    if (what == "silent") std::cout << "\n" << std::flush;
    return what != "silent";
  }

  std::string program_;
  Json says_;
  std::string machine_;
  double offset_ = 0;
};

int serve(const std::string& program, const Json& says, const std::string& machine) {
  const std::string start = text(says, "start");
  const int broken_from = static_cast<int>(number(says, "broken_from", 1e9));
  int starts = 0;
  std::ifstream log(text(says, "log"));
  for (std::string line; std::getline(log, line);)
    if (line == cat("start ", program.substr(program.rfind('/') + 1))) ++starts;
  if (start == "die" || starts >= broken_from) {
    std::cerr << "no memory left\n";
    return 3;
  }
  if (start == "hang") hang();
  if (start == "garbage") std::cout << "hello\n" << std::flush;
  if (start == "not_run") {
    std::cout << "NOT RUN: no NVIDIA GPU\n";
    return 0;
  }
  Fake fake(program, says, machine);
  const bool fault_build = start == "fault_build";
  std::cout << Json::object(
                   {{"ready", program}, {"commit", text(says, "commit")}, {"fault_build", fault_build}})
                   .dump()
            << "\n"
            << std::flush;
  std::cerr << "the device is warm\n";
  for (std::string line; std::getline(std::cin, line);) {
    fake.answer(*Json::parse(line, "request"));
  }
  if (start == "never_ends") hang();
  return start == "ends_badly" ? 5 : 0;
}

int run(int argc, char** argv) {
  const std::string program = argv[0];
  const Json says = *Json::parse(*read_text_file(program + ".json"), program);
  std::string filter = ".*", machine;
  for (int i = 1; i + 1 < argc; ++i) {
    if (std::string(argv[i]) == "--filter") filter = argv[i + 1];
    if (std::string(argv[i]) == "--machine") machine = argv[i + 1];
  }
  if (std::string(argv[1]) == "--serve") return serve(program, says, machine);
  for (const Json& each : *says.find("names")->items())
    if (std::regex_search(text(each, "name"), std::regex(filter))) std::cout << text(each, "name") << "\n";
  return 0;
}

}  // namespace
}  // namespace kigo::tools::perf

int main(int argc, char** argv) { return kigo::tools::perf::run(argc, argv); }
