// Measurements kept as files of lines, one record each: reading what is whole of them, joining two, and
// writing without ever leaving half of one.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/base/result.h"
#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// A line that could not be read: subject `FILE:LINE, MEMBER`, counted from 1.
struct Broken {
  Error error;
  std::string line;  // as it stands in the file, without its end
};

struct History {
  std::vector<Record> records;  // in the order of the lines
  std::vector<Broken> broken;
};

/// The records of a text. A line that cannot be read, a last one that was cut among them, is put aside and
/// costs no other; empty lines are passed over. Two threads above 1 MiB.
History read_text(std::string_view text, const std::string& name);

/// A file, or all files *.jsonl right inside a folder, in the order of their names. Errors: io.
Result<History> read_history(const std::string& path);

/// The union: each record once, by time, then by run, machine, commit, subject and block, and then by their
/// lines. The order of the records, and a second time, change nothing.
std::vector<Record> merged(std::vector<Record> records);

/// One line each, as line_of().
std::string lines_of(std::span<const Record> records);

/// Replaces the file by the union of histories, or leaves it as it was: temporary file, fsync, rename. It may
/// be one of those read: nobody appends between reading and replacing. Returns what was written, and the
/// broken lines, which were not. Errors: io.
Result<History> write_union(const std::string& path, std::span<const std::string> from);

/// Puts lines behind what the file holds, in one write; makes the file when there is none. A last line that
/// was cut gets its end first, so that it spoils nothing but itself. Errors: io.
Status append_history(const std::string& path, std::span<const Record> records);

/// Adds the records to the file's, as merged(); the file's broken lines stay, at its end. Returns these.
/// Errors: io.
Result<std::vector<Broken>> merge_into(const std::string& path, std::vector<Record> records);

}  // namespace kigo::tools::perf
