// JUnit XML, which every CI system reads: one file for what a run of the harness has checked.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace kigo::compare {

/// One check.
struct JUnitCase {
  enum class Outcome : uint8_t { passed, failed, skipped };
  std::string group;  // classname: what was checked
  std::string name;   // by which check
  double seconds = 0;
  Outcome outcome = Outcome::passed;
  std::string text = {};  // why it failed or did not run; the first line becomes the message
};

/// The whole file: one testsuite of that name, with its counts and the sum of the times. Bytes that XML 1.0
/// cannot hold (control characters, ill-formed UTF-8) become U+FFFD. Source: the schema of Apache Ant's JUnit
/// task, as CTest and GoogleTest write it.
std::string junit_xml(std::string_view suite, std::span<const JUnitCase> cases);

}  // namespace kigo::compare
