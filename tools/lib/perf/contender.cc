#include "tools/lib/perf/contender.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>
#include <string_view>
#include <tuple>
#include <utility>

#include "core/base/cat.h"
#include "tools/lib/iso_time.h"
#include "tools/lib/perf/history.h"
#include "tools/lib/perf/noise.h"

namespace kigo::tools::perf {
namespace {

constexpr int64_t kFailedStarts = 2;
constexpr std::string_view kCeilings = "ceilings";         // a program may know of none
constexpr std::chrono::milliseconds kFinishLimit{30'000};  // a context on a GPU takes a while to end

std::string now() {
  return iso_time(std::chrono::time_point_cast<std::chrono::milliseconds>(std::chrono::system_clock::now()));
}

std::string file_of(const BenchOptions& options, const std::string& side, const char* kind) {
  return cat(options.folder, "/", side, kind);
}

BenchAnswer refused(std::string why) { return {State::invalid, std::move(why), {}}; }

/// What is wrong with the records of a name; empty when nothing is.
std::string nonsense_in(const std::vector<Record>& records, const std::string& name) {
  if (name == kCeilings) return {};
  if (records.empty()) return "no record, expected one at least";
  const Subject asked = subject_of(name);
  std::set<Subject> told;
  for (const Record& record : records) {
    const std::string about = text_of(record.subject);
    if (record.subject.kind != asked.kind || record.subject.name != asked.name)
      return cat("a record of ", about, ", expected one of ", name);
    if (!told.insert(record.subject).second) return cat("two records of ", about, ", expected one");
    if (record.state == State::ok && !usable(record))
      return cat("a record of ", about, " without times, expected samples above 0");
  }
  return {};
}

}  // namespace

Status check_new(const BenchOptions& options, const std::string& side) {
  std::error_code failed;
  std::filesystem::create_directories(options.folder, failed);
  if (failed) return fail(Code::io, options.folder, failed.message());
  const std::string file = file_of(options, side, ".jsonl");
  if (std::filesystem::symlink_status(file, failed).type() != std::filesystem::file_type::not_found)
    return fail(Code::invalid_request, file, "is there already", "a folder without a measurement");
  return {};
}

Status make_new(const BenchOptions& options, const std::string& side) {
  const std::string file = file_of(options, side, ".jsonl");
  const int made = ::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (made < 0) return fail(Code::io, file, std::strerror(errno), "a file that is not there yet");
  ::close(made);
  return {};
}

std::string new_run_name() { return cat(now(), " ", ::getpid()); }

Subject subject_of(const std::string& name) {
  Subject subject;
  subject.name = name;
  if (name == kCeilings) subject.kind = Kind::ceiling;
  const size_t first = name.find('/');
  if (first == std::string::npos) return subject;
  for (const Kind kind : {Kind::op, Kind::model, Kind::serve, Kind::cpu, Kind::ceiling}) {
    if (name.substr(0, first) != name_of(kind)) continue;
    const size_t second = kind == Kind::cpu ? std::string::npos : name.find('/', first + 1);
    subject.kind = kind;
    subject.name = name.substr(first + 1, second == std::string::npos ? second : second - first - 1);
    if (second != std::string::npos) subject.text = name.substr(second + 1);
  }
  return subject;
}

Contender::Contender(const BenchOptions& options, std::string side, BenchCommand command)
    : side_(std::move(side)),
      command_(std::move(command)),
      file_(file_of(options, side_, ".jsonl")),
      machine_(options.machine),
      long_lived_(options.long_lived),
      timeout_(options.timeout) {}

Result<Contender> Contender::start(const BenchOptions& options, const std::string& program,
                                   const std::string& side) {
  BenchCommand command{program, {}, file_of(options, side, ".log"), options.ready_limit};
  std::vector<std::string>& arguments = command.arguments;
  if (options.quick) arguments.emplace_back("--quick");
  if (!options.filter.empty()) arguments.insert(arguments.end(), {"--filter", options.filter});
  if (!options.machine.empty()) arguments.insert(arguments.end(), {"--machine", options.machine});
  Contender contender(options, side, std::move(command));
  KIGO_ASSIGN(contender.names_, list_names(contender.command_));
  KIGO_TRY(contender.start(contender.slots_[0]));
  return contender;
}

Status Contender::start(Slot& slot) {
  KIGO_ASSIGN(slot.process, BenchProcess::start(command_));
  commit_ = slot.process->ready().commit;
  if (std::exchange(slot.failed, false)) ++restarts_;
  failed_starts_ = 0;
  slot.may_have_ended = false;
  return {};
}

bool Contender::is_there(Slot& slot) {
  if (slot.process != nullptr) return true;
  if (failed_starts_ == kFailedStarts) return false;
  const Status started = start(slot);
  if (started) return true;
  ++failed_starts_;
  why_no_start_ = started.error().message();
  return false;
}

BenchAnswer Contender::answer_to(const BenchRequest& request, Slot& slot) {
  if (const auto failed = failed_.find(request.name); failed != failed_.end())
    return refused(cat("not asked again: ", failed->second));
  // A process that ends behind an invalid record is noticed with the next name: that one is asked once more.
  for (const bool last_try : {false, true}) {
    if (!is_there(slot)) return refused(cat("the program could not be started: ", why_no_start_));
    const bool may_have_ended = std::exchange(slot.may_have_ended, false);
    BenchAnswer answer = slot.process->ask(request, timeout_);
    if (answer.timed) return answer;
    const bool once_more =
        !last_try && may_have_ended && answer.state == State::invalid && answer.records.empty();
    if (noted(request, answer, slot) || !once_more) return answer;
    failed_.erase(request.name);
  }
  return refused("not asked");
}

bool Contender::noted(const BenchRequest& request, BenchAnswer& answer, Slot& slot) {
  slot.may_have_ended =
      std::ranges::any_of(answer.records, [](const Record& each) { return each.state != State::ok; });
  const bool there = answer.state == State::ok;
  if (there)
    if (std::string why = nonsense_in(answer.records, request.name); !why.empty())
      answer = refused(std::move(why));
  if (answer.state != State::ok) failed_.emplace(request.name, answer.why);
  if (there) return true;
  slot.process.reset();
  slot.failed = true;
  return false;
}

std::vector<Record> Contender::missing(const BenchRequest& request, const BenchAnswer& answer) const {
  std::vector<Subject> expected = {subject_of(request.name)};
  if (const auto known = subjects_.find(request.name); known != subjects_.end()) expected = known->second;
  std::vector<Record> records;
  for (const Subject& subject : expected) {
    if (std::ranges::find(answer.records, subject, &Record::subject) != answer.records.end()) continue;
    Record record;
    record.time = now();
    record.run = request.run;
    record.block = request.block;
    record.machine = machine_;
    record.commit = commit_;
    record.setting = setting_;
    record.subject = subject;
    record.state = answer.state;
    record.why = answer.why;
    record.delay_us = request.delay_us.value_or(0);
    records.push_back(std::move(record));
  }
  return records;
}

Contender::Slot& Contender::slot_of(const BenchRequest& request) {
  return slots_[long_lived_ ? 0 : static_cast<size_t>(request.block % 2)];
}

Result<std::vector<Record>> Contender::ask(const BenchRequest& request) {
  if (!long_lived_ && request.block / 2 != std::exchange(two_, request.block / 2)) finish();
  BenchAnswer answer = answer_to(request, slot_of(request));
  if (!answer.timed) return kept(request, std::move(answer));
  open_ = request;
  return std::vector<Record>{};
}

Result<std::vector<Record>> Contender::rest() {
  if (!open_) return std::vector<Record>{};
  const BenchRequest request = *std::exchange(open_, std::nullopt);
  Slot& slot = slot_of(request);
  BenchAnswer answer = slot.process->rest(timeout_);
  noted(request, answer, slot);
  return kept(request, std::move(answer));
}

Result<std::vector<Record>> Contender::kept(const BenchRequest& request, BenchAnswer answer) {
  if (!answer.records.empty()) setting_ = answer.records.back().setting;
  if (answer.state == State::ok) {
    std::vector<Subject>& subjects = subjects_[request.name];
    subjects.clear();
    for (const Record& record : answer.records) subjects.push_back(record.subject);
  } else {
    std::vector<Record> gone = missing(request, answer);
    // All are there, but not the end of the answer: what ended the program may have been at work before.
    for (Record& record : answer.records)
      if (gone.empty() && record.state == State::ok)
        std::tie(record.state, record.why) = std::tie(answer.state, answer.why);
    for (Record& record : gone) answer.records.push_back(std::move(record));
  }
  if (!answer.records.empty()) KIGO_TRY(append_history(file_, answer.records));
  return std::move(answer.records);
}

void Contender::finish() {
  for (Slot& slot : slots_) {
    if (slot.process == nullptr) continue;
    const Status ended = slot.process->finish(kFinishLimit);
    slot.process.reset();
    if (ended || slot.may_have_ended) continue;
    std::string why = ended.error().message();
    if (std::ranges::find(bad_ends_, why) == bad_ends_.end()) bad_ends_.push_back(std::move(why));
  }
}

}  // namespace kigo::tools::perf
