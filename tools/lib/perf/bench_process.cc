#include "tools/lib/perf/bench_process.h"

#include <signal.h>

#include <set>

#include "core/base/cat.h"
#include "core/base/json.h"
#include "tools/lib/json_fields.h"

namespace kigo::tools::perf {
namespace {

using std::chrono::milliseconds;
constexpr milliseconds kEndLimit{10'000};  // for a program that has nothing left to do
constexpr size_t kRecordLimit = 100;       // of one answer: cold, row and hot are three

Deadline after(milliseconds limit) { return std::chrono::steady_clock::now() + limit; }

Result<std::unique_ptr<ChildProcess>> run(const BenchCommand& command, const char* verb) {
  ChildCommand child{{command.program, verb}, {}, command.log};
  child.argv.insert(child.argv.end(), command.arguments.begin(), command.arguments.end());
  return ChildProcess::start(child);
}

std::string seconds(milliseconds limit) { return cat(static_cast<double>(limit.count()) / 1000, " s"); }

Result<BenchReady> parse_ready(const std::string& line, const std::string& program) {
  const std::string subject = cat(program, ", the line that says ready");
  KIGO_ASSIGN(const Json said, Json::parse(line, subject));
  const Fields fields(said, subject);
  BenchReady ready;
  KIGO_TRY(fields.get("ready", ready.program));
  KIGO_TRY(fields.get("commit", ready.commit));
  KIGO_TRY(fields.get("fault_build", ready.fault_build));
  return ready;
}

}  // namespace

Result<std::unique_ptr<BenchProcess>> BenchProcess::start(const BenchCommand& command) {
  KIGO_ASSIGN(std::unique_ptr<ChildProcess> child, run(command, "--serve"));
  std::unique_ptr<BenchProcess> bench(new BenchProcess(std::move(child)));
  const Deadline end = after(command.ready_limit);
  std::string line;
  const Heard heard = bench->child_->read_line(line, end);
  if (heard == Heard::silent)
    return fail(Code::io, command.program, cat("not ready in ", seconds(command.ready_limit)));
  if (heard == Heard::too_long) return fail(Code::io, command.program, "a first line without an end");
  if (heard == Heard::ended) {
    bench->child_->wait(end);
    return fail(Code::io, command.program, bench->child_->how_it_ended(), "a line that says ready");
  }
  if (line.starts_with("NOT RUN")) return fail(Code::unsupported, command.program, escaped(line, 200));
  KIGO_ASSIGN(bench->ready_, parse_ready(line, command.program));
  if (bench->ready_.fault_build)
    return fail(Code::invalid_request, command.program, "a build with seeded faults",
                "one without: its times say nothing");
  return bench;
}

BenchAnswer BenchProcess::ask(const BenchRequest& request, milliseconds limit) {
  asked_ = request;
  Json asked = Json::object({{"measure", request.name}, {"block", request.block}, {"run", request.run}});
  if (request.delay_us) asked.set("delay_us", *request.delay_us);
  if (!request.verify) asked.set("verify", false);
  if (request.announce) asked.set("announce", true);
  if (!request.next.empty()) asked.set("next", request.next);
  // What went wrong shows in what it answers.
  if (child_->process() != 0) child_->write(asked.dump() + "\n", after(limit));
  return read(request.announce, limit);
}

BenchAnswer BenchProcess::rest(milliseconds limit) { return read(false, limit); }

BenchAnswer BenchProcess::read(bool until_timed, milliseconds limit) {
  BenchAnswer answer;
  const auto give_up = [&](State state, std::string why) {
    child_->stop(SIGKILL, milliseconds(0));
    answer.state = state;
    answer.why = std::move(why);
    return answer;
  };
  if (child_->process() == 0) return give_up(State::invalid, child_->how_it_ended());
  const Deadline end = after(limit);
  const std::string timed = Json::object({{"timed", asked_.name}}).dump();
  while (true) {
    std::string line;
    switch (child_->read_line(line, end)) {
      case Heard::silent:
        return give_up(State::timed_out, cat("no answer in ", seconds(limit)));
      case Heard::too_long:
        return give_up(State::invalid, "a line without an end, expected a record");
      case Heard::ended:
        child_->stop(SIGTERM, milliseconds(1000));
        return give_up(State::invalid, cat("the program ended: ", child_->how_it_ended()));
      case Heard::line:
        break;
    }
    if (line.empty()) return answer;
    if (until_timed && line == timed) {
      answer.timed = true;
      return answer;
    }
    if (const Status taken = take(line, answer.records); !taken)
      return give_up(State::invalid, taken.error().message());
  }
}

Status BenchProcess::take(const std::string& line, std::vector<Record>& records) const {
  const std::string subject = cat("answer of ", ready_.program);
  if (records.size() == kRecordLimit)
    return fail(Code::bad_value, subject, cat("more than ", kRecordLimit, " records"),
                "a few, and an empty line");
  KIGO_ASSIGN(Record record, parse_record(line, subject));
  if (record.run != asked_.run || record.block != asked_.block)
    return fail(Code::bad_value, subject, cat("run ", record.run, " block ", record.block),
                cat("run ", asked_.run, " block ", asked_.block));
  records.push_back(std::move(record));
  return {};
}

Status BenchProcess::finish(milliseconds limit) {
  if (child_->process() == 0) return {};
  child_->close_input();
  const auto exit = child_->wait(after(limit));
  if (!exit) {
    child_->stop(SIGKILL, milliseconds(0));
    return fail(Code::io, ready_.program, cat("goes on ", seconds(limit), " after the end of its input"));
  }
  if (*exit != 0) return fail(Code::io, ready_.program, child_->how_it_ended(), "exit status 0");
  return {};
}

Result<std::vector<std::string>> list_names(const BenchCommand& command) {
  KIGO_ASSIGN(const std::unique_ptr<ChildProcess> child, run(command, "--list"));
  child->close_input();
  const Deadline end = after(command.ready_limit);
  std::vector<std::string> names;
  std::set<std::string> seen;
  std::string line;
  Heard heard = Heard::line;
  while ((heard = child->read_line(line, end)) == Heard::line) {
    if (line.starts_with("NOT RUN")) return fail(Code::unsupported, command.program, escaped(line, 200));
    if (!seen.insert(line).second)
      return fail(Code::bad_value, cat(command.program, " --list"), cat(escaped(line, 200), " twice"));
    names.push_back(line);
  }
  if (heard == Heard::silent)
    return fail(Code::io, cat(command.program, " --list"), cat("no end in ", seconds(command.ready_limit)));
  const auto exit = child->wait(after(kEndLimit));
  if (heard != Heard::ended || exit != 0)
    return fail(Code::io, cat(command.program, " --list"), child->how_it_ended(), "exit status 0");
  if (names.empty()) return fail(Code::bad_value, cat(command.program, " --list"), "no name", "one a line");
  return names;
}

}  // namespace kigo::tools::perf
