// One of the two builds that are compared: a program in fresh processes for every block, started again when
// it fails, and the file of what it measured.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/perf/bench_process.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// How programs are asked, and where what they say goes.
struct BenchOptions {
  std::string folder;  // gets SIDE.jsonl, the records, and SIDE.log, the standard error, of base and head
  bool quick = false;
  std::string filter;  // handed to the programs: an ECMAScript regular expression
  std::string machine;
  bool long_lived = false;                     // one process for all blocks: what must not be, see Contender
  std::chrono::milliseconds timeout{300'000};  // of one name in one block
  std::chrono::milliseconds ready_limit{120'000};
  /// Called before every turn.
  std::function<void(int64_t done, int64_t total, const std::string& name)> progress;
};

/// Makes the folder. Errors: io; invalid_request when it has a file of that side already.
Status check_new(const BenchOptions& options, const std::string& side);
/// Makes that file, once the programs have started. Errors: io, also when another run was quicker.
Status make_new(const BenchOptions& options, const std::string& side);

/// A name that no other run has: the time, and the process.
std::string new_run_name();

/// The subject of the records that say that a name gave nothing, when none of its subjects is known:
/// "op/linear_q4_k/tokens=1 rows=64" is kind op, name linear_q4_k and case "tokens=1 rows=64"; all behind
/// "cpu/" is the name.
Subject subject_of(const std::string& name);

/// Every block of measurements is taken in a process of its own: where a process happens to lie in memory
/// makes all of its times a little longer or shorter, and blocks that share a process would agree on that
/// and look better than they are. Source: T. Kalibera, R. Jones, "Rigorous benchmarking in reasonable time",
/// International Symposium on Memory Management, 2013: repeat at the level at which the variation is.
/// Blocks 2 n and 2 n + 1 have their processes at the same time, so that they can be asked in turns.
class Contender {
 public:
  /// Lists the names and starts the process of block 0. `side` names the files: "base", "head". Errors: as
  /// list_names() and BenchProcess::start().
  static Result<Contender> start(const BenchOptions& options, const std::string& program,
                                 const std::string& side);

  const std::string& side() const { return side_; }
  const std::vector<std::string>& names() const { return names_; }

  /// Measures a name once. A program that dies, hangs or talks nonsense gives, beside the records that came
  /// whole, one for every subject of the name that is missing, with state timed_out or invalid and the
  /// reason, or, when none is, has it in all that came; it is started again with the next name. One that ends
  /// behind an invalid record (its device is of no more use) is started again, too, and no name but that of
  /// the record is to blame. A name that failed is not asked again, and neither is a program that could not
  /// be started twice in a row: their records say so. Blocks of another two than the last request's end the
  /// processes before. Gives no records when the request asked to be told and the values are still being
  /// compared: then rest() has them, and comes before the next request to that process. Errors: io of the
  /// file.
  Result<std::vector<Record>> ask(const BenchRequest& request);
  /// The records of a request whose values were still being compared; none where there is none.
  Result<std::vector<Record>> rest();

  /// Ends all processes in good order.
  void finish();

  /// What was wrong with processes that had nothing more to do: each once.
  const std::vector<std::string>& bad_ends() const { return bad_ends_; }
  /// How often a process was started again because one had failed.
  int64_t restarts() const { return restarts_; }

 private:
  /// The process of the even blocks, or of the odd ones.
  struct Slot {
    std::unique_ptr<BenchProcess> process;  // null: to be started with the next name
    bool failed = false;                    // the process before did
    bool may_have_ended = false;            // the last answer had a record that is not ok
  };

  Contender(const BenchOptions& options, std::string side, BenchCommand command);
  Status start(Slot& slot);
  bool is_there(Slot& slot);
  Slot& slot_of(const BenchRequest& request);
  BenchAnswer answer_to(const BenchRequest& request, Slot& slot);
  /// What follows for the process and the name from how an answer ended. Whether it is ok.
  bool noted(const BenchRequest& request, BenchAnswer& answer, Slot& slot);
  Result<std::vector<Record>> kept(const BenchRequest& request, BenchAnswer answer);
  std::vector<Record> missing(const BenchRequest& request, const BenchAnswer& answer) const;

  std::string side_;
  BenchCommand command_;
  std::string file_;
  std::string machine_;
  bool long_lived_;
  std::chrono::milliseconds timeout_;
  std::vector<std::string> names_;
  std::array<Slot, 2> slots_;
  std::optional<BenchRequest> open_;  // timed, not yet answered
  int64_t two_ = 0;                   // the number of the last request's block, halved
  std::string commit_;
  int64_t failed_starts_ = 0;  // in a row
  std::string why_no_start_;   // of the last one
  int64_t restarts_ = 0;
  std::vector<std::string> bad_ends_;
  std::map<std::string, std::string> failed_;             // names, and why
  std::map<std::string, std::vector<Subject>> subjects_;  // that names gave
  Setting setting_;                                       // of the last record
};

}  // namespace kigo::tools::perf
