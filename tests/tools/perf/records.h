// Records as the tests need them.
#pragma once

#include <rapidcheck.h>

#include <string>
#include <vector>

#include "core/base/cat.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// A record of an op on a made-up device, with these samples.
inline Record op_record(const std::string& name, int64_t block, std::vector<double> us) {
  Record record;
  record.time = cat("2026-11-22T06:00:", 10 + block % 50, ".000Z");
  record.run = "run";
  record.block = block;
  record.commit = "c0";
  record.setting = {"device", "1.0", "13.0", "sm 1000 MHz", "-O3", 1};
  record.subject = {Kind::op, name, "n=1", Cache::cold};
  record.us = std::move(us);
  record.verified = true;
  return record;
}

/// Anything that a record can hold, with text that JSON has to escape.
inline rc::Gen<Record> any_record() {
  return rc::gen::exec([] {
    Record record = op_record("", 0, {});
    record.time = cat("2026-11-", *rc::gen::inRange(10, 31), "T06:00:00.", *rc::gen::inRange(100, 999), "Z");
    record.subject.name = cat("n", *rc::gen::string<std::string>());
    for (char& c : record.subject.name) c = static_cast<char>(c & 0x7f);
    record.subject.kind = static_cast<Kind>(*rc::gen::inRange(0, 5));
    record.subject.cache = static_cast<Cache>(*rc::gen::inRange(0, 4));
    record.state = static_cast<State>(*rc::gen::inRange(0, 3));
    record.block = *rc::gen::inRange<int64_t>(0, 5);
    record.us = *rc::gen::container<std::vector<double>>(rc::gen::arbitrary<double>());
    record.flops = *rc::gen::arbitrary<double>();
    record.verified = *rc::gen::arbitrary<bool>();
    record.kernels.resize(*rc::gen::inRange<size_t>(0, 3));
    return record;
  });
}

}  // namespace kigo::tools::perf
