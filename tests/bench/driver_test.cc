// The protocol and the command line, with a program that measures nothing.
#include "bench/driver.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>
#include <sstream>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"

namespace kigo::bench {
namespace {

using tools::perf::Cache;
using tools::perf::Kind;
using tools::perf::State;

class Pretended final : public Program {
 public:
  std::string name() const override { return "pretended"; }
  std::string summary() const override { return "Measures nothing"; }
  std::vector<Option> options() override { return {{"--folder", "A folder", &folder}}; }
  std::vector<std::string> names(bool quick) const override {
    if (quick) return {"op/add_f32/tokens=1"};
    return {"op/add_f32/tokens=1", "op/rope_f16/tokens=2 heads=3"};
  }
  Result<std::optional<std::string>> prepare(bool) override {
    return missing.empty() ? std::nullopt : std::optional(missing);
  }
  Setting setting() const override {
    Setting setting;
    setting.device = "a device";
    return setting;
  }
  Result<std::vector<Record>> measure(const Request& request) override {
    asked = request;
    meanwhile();
    if (request.name == "op/breaks") return fail(Code::cuda, "kernel", "an illegal address", "none");
    Record record;
    record.subject = subject_of(request.name);
    record.setting = setting();
    record.us.assign(10, 7.5);
    Record hot = record;
    record.subject.cache = Cache::cold;
    hot.subject.cache = Cache::hot;
    request.timed();
    return std::vector<Record>{record, hot};
  }
  Result<std::vector<Record>> ceilings(const Request&) override {
    Record record;
    record.subject = {Kind::ceiling, "copy", "", Cache::none};
    record.us.assign(10, 1.0);
    return std::vector<Record>{record};
  }
  void expect(const Request& request) override { expected = request; }
  bool usable() override { return still_usable; }

  std::string missing;
  std::string folder;
  bool still_usable = true;
  std::function<void()> meanwhile = [] {};
  Request asked, expected;
};

struct Outcome {
  int status = 0;
  std::vector<std::string> lines;
};

Outcome run(Pretended& program, std::vector<const char*> arguments, const std::string& input = "") {
  arguments.insert(arguments.begin(), "pretended");
  std::istringstream in(input);
  std::ostringstream out;
  Outcome outcome;
  outcome.status = run_program(program, static_cast<int>(arguments.size()), arguments.data(), in, out);
  std::istringstream lines(out.str());
  for (std::string line; std::getline(lines, line);) outcome.lines.push_back(line);
  return outcome;
}

Record record_of(const std::string& line) { return tools::perf::parse_record(line, "line").value(); }

TEST(Driver, ListsNamesOneALine) {
  Pretended program;
  program.missing = "no CUDA device";  // names are known without one
  EXPECT_EQ(run(program, {"--list"}).lines, program.names(false));
  EXPECT_EQ(run(program, {"--list", "--quick"}).lines, program.names(true));
  EXPECT_EQ(run(program, {"--list", "--filter", "heads=.$"}).lines,
            std::vector<std::string>{"op/rope_f16/tokens=2 heads=3"});
}

TEST(Driver, SaysWhenNothingCanBeMeasured) {
  Pretended program;
  program.missing = "no CUDA device";
  for (const char* how : {"--serve", "--quick"}) {
    const Outcome outcome = run(program, {how}, "{\"measure\":\"ceilings\"}\n");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_EQ(outcome.lines, std::vector<std::string>{"NOT RUN: no CUDA device"});
  }
}

TEST(Driver, TakesOptionsOfItsProgramAndRefusesOthers) {
  Pretended program;
  EXPECT_EQ(run(program, {"--list", "--folder", "/somewhere"}).status, 0);
  EXPECT_EQ(program.folder, "/somewhere");
  EXPECT_EQ(run(program, {"--help"}).status, 0);
  EXPECT_EQ(run(program, {"--nonsense"}).status, 2);
  EXPECT_EQ(run(program, {"--list", "--filter", "("}).status, 2);
}

TEST(Serve, StartsWithWhatItIs) {
  Pretended program;
  const Outcome outcome = run(program, {"--serve"});
  EXPECT_EQ(outcome.status, 0);
  ASSERT_EQ(outcome.lines.size(), 1u);
  const Json ready = Json::parse(outcome.lines[0], "ready").value();
  EXPECT_EQ(*ready.find("ready")->string(), "pretended");
  EXPECT_FALSE(ready.find("commit")->string()->empty());
  EXPECT_NE(ready.find("fault_build")->boolean(), nullptr);
}

TEST(Serve, AnswersWithRecordsAndAnEmptyLine) {
  Pretended program;
  const Outcome outcome = run(program, {"--serve", "--machine", "lab"},
                              cat(R"({"measure":"op/add_f32/tokens=1","block":3,"run":"r1","delay_us":0})",
                                  "\n", R"({"measure":"ceilings"})", "\n"));
  ASSERT_EQ(outcome.lines.size(), 6u);  // ready, cold, hot, empty, copy, empty
  const Record cold = record_of(outcome.lines[1]);
  EXPECT_EQ(cold.subject, (Subject{Kind::op, "add_f32", "tokens=1", Cache::cold}));
  EXPECT_EQ(cold.block, 3);
  EXPECT_EQ(cold.run, "r1");
  EXPECT_EQ(cold.machine, "lab");
  EXPECT_FALSE(cold.time.empty());
  EXPECT_EQ(program.asked.delay_us, 0.0);  // there, and 0: not the same as absent
  EXPECT_EQ(record_of(outcome.lines[2]).subject.cache, Cache::hot);
  EXPECT_EQ(outcome.lines[3], "");
  EXPECT_EQ(record_of(outcome.lines[4]).subject.name, "copy");
  EXPECT_EQ(outcome.lines[5], "");
}

TEST(Serve, HasNoDelayAndVerifiesUnlessAsked) {
  Pretended program;
  run(program, {"--serve"}, "{\"measure\":\"op/add_f32/tokens=1\"}\n");
  EXPECT_EQ(program.asked.delay_us, std::nullopt);
  EXPECT_TRUE(program.asked.verify);
  run(program, {"--serve"}, "{\"measure\":\"op/add_f32/tokens=1\",\"verify\":false}\n");
  EXPECT_FALSE(program.asked.verify);
}

TEST(Serve, AnnouncesTheEndOfTheTimingWhereThatIsWanted) {
  Pretended program;
  const Outcome plain = run(program, {"--serve"}, "{\"measure\":\"op/add_f32/tokens=1\"}\n");
  EXPECT_EQ(plain.lines.size(), 4u);  // ready, cold, hot, empty
  const Outcome outcome =
      run(program, {"--serve"}, "{\"measure\":\"op/add_f32/tokens=1\",\"announce\":true}\n");
  ASSERT_EQ(outcome.lines.size(), 5u);
  EXPECT_EQ(outcome.lines[1], R"({"timed":"op/add_f32/tokens=1"})");
  EXPECT_EQ(record_of(outcome.lines[2]).subject.cache, Cache::cold);
}

TEST(Serve, ExpectsTheNextNameOfTheList) {
  Pretended program;
  const std::string first = program.names(false).front(), second = program.names(false)[1];
  run(program, {"--serve"}, cat("{\"measure\":\"", first, "\",\"block\":2}\n"));
  EXPECT_EQ(program.expected.name, second);
  EXPECT_EQ(program.expected.block, 2);
  run(program, {"--serve"}, cat("{\"measure\":\"", first, "\",\"next\":\"op/other\"}\n"));
  EXPECT_EQ(program.expected.name, "op/other") << "whoever asks knows better";
  program.expected.name = second;
  run(program, {"--serve"}, "{\"measure\":\"ceilings\"}\n");
  EXPECT_EQ(program.expected.name, second) << "nothing follows the ceilings, nor the last name";
}

TEST(Serve, AnswersAFailureWithAnInvalidRecordAndGoesOn) {
  Pretended program;
  const Outcome outcome =
      run(program, {"--serve"},
          "{\"measure\":\"op/breaks\"}\nnonsense\n{\"block\":1}\n{\"measure\":\"op/add_f32/x\"}\n");
  EXPECT_EQ(outcome.status, 0);
  ASSERT_EQ(outcome.lines.size(), 1u + 3 * 2 + 3);
  const Record failed = record_of(outcome.lines[1]);
  EXPECT_EQ(failed.state, State::invalid);
  EXPECT_EQ(failed.subject.name, "breaks");
  EXPECT_EQ(failed.setting.device, "a device");
  EXPECT_NE(failed.why.find("illegal address"), std::string::npos);
  EXPECT_EQ(record_of(outcome.lines[3]).state, State::invalid);
  EXPECT_NE(record_of(outcome.lines[5]).why.find("measure"), std::string::npos);
  EXPECT_EQ(record_of(outcome.lines[7]).state, State::ok);
}

TEST(Serve, EndsWhenTheDeviceIsOfNoMoreUse) {
  Pretended program;
  program.still_usable = false;
  const Outcome outcome =
      run(program, {"--serve"}, "{\"measure\":\"op/breaks\"}\n{\"measure\":\"op/add_f32/x\"}\n");
  EXPECT_EQ(outcome.status, 3);
  EXPECT_EQ(outcome.lines.size(), 3u);  // ready, invalid, empty
}

class History : public testing::Test {
 protected:
  History() { std::remove(path.c_str()); }
  ~History() override { std::remove(path.c_str()); }

  std::vector<std::string> lines() const {
    std::ifstream file(path);
    std::vector<std::string> all;
    for (std::string line; std::getline(file, line);) all.push_back(line);
    return all;
  }

  const std::string path = cat(testing::TempDir(), "kigo_driver_history.", ::getpid(), ".jsonl");
  Pretended program;
};

TEST_F(History, GrowsByTheRecordsOfAllNames) {
  EXPECT_EQ(run(program, {"--quick", "--history", path.c_str()}).status, 0);
  EXPECT_EQ(run(program, {"--quick", "--history", path.c_str(), "--machine", "lab"}).status, 0);
  std::vector<Record> records;
  for (const std::string& line : lines()) records.push_back(record_of(line));
  ASSERT_EQ(records.size(), 6u);  // twice: copy, cold, hot
  EXPECT_EQ(records[0].run, records[2].run);
  EXPECT_EQ(records[0].machine, "unnamed");
  EXPECT_EQ(records[5].machine, "lab");
}

TEST_F(History, IsRefusedBeforeAnythingIsMeasured) {
  EXPECT_EQ(run(program, {"--history", "/no/such/folder/x"}).status, 1);
  EXPECT_EQ(program.asked.name, "");
}

TEST_F(History, GrowsWhereAnotherProgramReplacesTheFileMeanwhile) {
  program.meanwhile = [&] { ASSERT_TRUE(write_file(path, "another program's\n")); };
  EXPECT_EQ(run(program, {"--quick", "--history", path.c_str()}).status, 0);
  ASSERT_EQ(lines().size(), 3u);
  EXPECT_EQ(record_of(lines()[1]).subject.cache, Cache::cold);
  EXPECT_EQ(record_of(lines()[2]).subject.cache, Cache::hot);
}

TEST_F(History, LeavesALineThatWasCutToItself) {
  ASSERT_TRUE(write_file(path, "{\"time\":\"2026"));
  EXPECT_EQ(run(program, {"--quick", "--history", path.c_str()}).status, 0);
  ASSERT_EQ(lines().size(), 4u);
  EXPECT_EQ(lines()[0], "{\"time\":\"2026");
  EXPECT_EQ(record_of(lines()[1]).subject.name, "copy");
}

TEST(SubjectOf, TakesANameApart) {
  EXPECT_EQ(subject_of("op/rope_f32/tokens=1 heads=14"),
            (Subject{Kind::op, "rope_f32", "tokens=1 heads=14", Cache::none}));
  EXPECT_EQ(subject_of("model/qwen2.5-7b/half"), (Subject{Kind::model, "qwen2.5-7b", "half", Cache::none}));
  EXPECT_EQ(subject_of("cpu/Forward/64/real_time"),
            (Subject{Kind::cpu, "Forward/64/real_time", "", Cache::none}));
  EXPECT_EQ(subject_of("nonsense").name, "nonsense");
}

TEST(ParseRequest, RefusesWhatIsNoRequest) {
  for (const char* line :
       {"", "[]", "{}", R"({"measure":1})", R"({"measure":"a","block":-1})", R"({"measure":"a","block":1.5})",
        R"({"measure":"a","run":1})", R"({"measure":"a","delay_us":-1})", R"({"measure":"a","delay_us":1e9})",
        R"({"measure":"a","delay_us":"1"})", R"({"measure":"a","verify":1})",
        R"({"measure":"a","announce":0})", R"({"measure":"a","next":1})"})
    EXPECT_FALSE(parse_request(line)) << line;
}

}  // namespace
}  // namespace kigo::bench
