// Histories: what is whole is read, two become one, and a file is never half written.
#include "tools/lib/perf/history.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <functional>
#include <thread>

#include "core/base/file_map.h"
#include "tests/tools/perf/records.h"
#include "tests/tools/program.h"

namespace kigo::tools::perf {
namespace {

using Records = std::vector<Record>;

rc::Gen<Records> any_records() { return rc::gen::container<Records>(any_record()); }

Records joined(const Records& a, const Records& b) {
  Records all = a;
  all.insert(all.end(), b.begin(), b.end());
  return merged(all);
}

RC_GTEST_PROP(PerfHistory, IsReadAsItWasWritten, ()) {
  const std::string text = lines_of(*any_records());
  const History history = read_text(text, "f");
  RC_ASSERT(history.broken.empty());
  RC_ASSERT(lines_of(history.records) == lines_of(read_text(lines_of(history.records), "f").records));
  RC_ASSERT(text == lines_of(history.records));
}

RC_GTEST_PROP(PerfHistory, UnionIsCommutativeAssociativeAndIdempotent, ()) {
  const Records a = *any_records(), b = *any_records(), c = *any_records();
  RC_ASSERT(lines_of(joined(a, b)) == lines_of(joined(b, a)));
  RC_ASSERT(lines_of(joined(joined(a, b), c)) == lines_of(joined(a, joined(b, c))));
  RC_ASSERT(lines_of(joined(a, a)) == lines_of(merged(a)));
  RC_ASSERT(lines_of(joined(joined(a, b), b)) == lines_of(joined(a, b)));
}

RC_GTEST_PROP(PerfHistory, UnionIsInOrderOfTime, ()) {
  const Records all = merged(*any_records());
  RC_ASSERT(std::ranges::is_sorted(all, {}, &Record::time));
}

RC_GTEST_PROP(PerfHistory, CutAnywhereLosesOneLineAtMost, ()) {
  const Records records = *any_records();
  const std::string text = lines_of(records);
  const size_t size = *rc::gen::inRange<size_t>(0, text.size() + 1);
  const History history = read_text(std::string_view(text).substr(0, size), "f");
  const auto whole =
      static_cast<size_t>(std::count(text.begin(), text.begin() + static_cast<long>(size), '\n'));
  RC_ASSERT(history.records.size() >= whole);
  RC_ASSERT(history.records.size() + history.broken.size() <= whole + 1);
}

RC_GTEST_PROP(PerfHistory, BytesChangedAnywhereNeverCrashAndCostTheirLineOnly, ()) {
  std::string text = lines_of(*any_records());
  RC_PRE(!text.empty());
  const auto lines = static_cast<size_t>(std::ranges::count(text, '\n'));
  const size_t at = *rc::gen::inRange<size_t>(0, text.size());
  text[at] = *rc::gen::arbitrary<char>();
  const History history = read_text(text, "f");
  RC_ASSERT(history.records.size() + 2 >= lines);
}

RC_GTEST_PROP(PerfHistory, NoiseNeverCrashes, (const std::string& noise)) {
  const History history = read_text(noise, "f");
  RC_ASSERT(history.records.empty());
}

TEST(PerfHistory, BrokenLinesAreNamedWithFileAndNumber) {
  const std::string good = line_of(op_record("a", 0, {1, 2}));
  const History history =
      read_text(good + "{\"time\":\n\n" + good + "<<<<<<< HEAD\n" + good.substr(0, 30), "h.jsonl");
  ASSERT_EQ(history.records.size(), 2u);
  ASSERT_EQ(history.broken.size(), 3u);
  EXPECT_TRUE(history.broken[0].error.subject.starts_with("h.jsonl:2"));
  EXPECT_TRUE(history.broken[1].error.subject.starts_with("h.jsonl:5"));
  EXPECT_TRUE(history.broken[2].error.subject.starts_with("h.jsonl:6"));
  EXPECT_EQ(history.broken[1].line, "<<<<<<< HEAD");
}

TEST(PerfHistory, NumbersOfLinesHoldAboveTheSizeForTwoThreads) {
  std::string text;
  for (int i = 0; i < 8000; ++i) text += line_of(op_record(cat("a", i), i, {1, 2}));
  text += "broken\n";
  ASSERT_GT(text.size(), size_t{1} << 20);
  const History history = read_text(text, "h");
  EXPECT_EQ(lines_of(history.records) + "broken\n", text);
  ASSERT_EQ(history.broken.size(), 1u);
  EXPECT_TRUE(history.broken[0].error.subject.starts_with("h:8001")) << history.broken[0].error.subject;
}

class PerfFiles : public ProgramTest {};

TEST_F(PerfFiles, AFolderIsReadInTheOrderOfNames) {
  write("b.jsonl", line_of(op_record("b", 0, {1})));
  write("a.jsonl", line_of(op_record("a", 0, {1})));
  write("c.txt", "no history");
  const auto history = read_history(path(""));
  ASSERT_TRUE(history) << history.error().message();
  ASSERT_EQ(history->records.size(), 2u);
  EXPECT_EQ(history->records[0].subject.name, "a");
  EXPECT_FALSE(read_history(path("none")));
}

TEST_F(PerfFiles, AppendingPutsAnEndToALineThatWasCut) {
  const std::string good = line_of(op_record("a", 0, {1}));
  const std::string file = write("h.jsonl", good + good.substr(0, 20));
  const Records more{op_record("b", 0, {1})};
  ASSERT_TRUE(append_history(file, more));
  const auto history = read_history(file);
  EXPECT_EQ(history->records.size(), 2u);
  EXPECT_EQ(history->broken.size(), 1u);
}

TEST_F(PerfFiles, NothingIsLostBetweenWritersAtTheSameTime) {
  const std::string file = path("h.jsonl");
  std::vector<std::thread> writers;
  for (int writer = 0; writer < 4; ++writer) {
    writers.emplace_back([&, writer] {
      for (int i = 0; i < 20; ++i) {
        const Records one{op_record(cat("w", writer, "_", i), i, {1, 2, 3})};
        EXPECT_TRUE(writer == 1 ? merge_into(file, one).has_value() : append_history(file, one).has_value());
      }
    });
  }
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(read_history(file)->records.size(), 80u);
  EXPECT_EQ(files(), std::vector<std::string>{"h.jsonl"});
}

/// Starts `write` while another program holds the folder, and lets go of it when `meanwhile` is done. What
/// writes properly passes whatever the times; what does not has enough of it to be seen.
void with_folder_held(const std::string& folder, const std::function<void()>& write,
                      const std::function<void()>& meanwhile) {
  const int held = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  ASSERT_EQ(::flock(held, LOCK_EX), 0);
  std::thread thread(write);
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  meanwhile();
  ::close(held);
  thread.join();
}

TEST_F(PerfFiles, AppendingThroughALinkWaitsForTheFolderOfTheFile) {
  std::filesystem::create_directory(path("real"));
  const std::string file = write("real/h.jsonl", line_of(op_record("a", 0, {1})));
  std::filesystem::create_symlink(file, path("link.jsonl"));
  const auto append = [&] {
    EXPECT_TRUE(append_history(path("link.jsonl"), Records{op_record("b", 1, {1})}));
  };
  with_folder_held(path("real"), append, [&] { EXPECT_EQ(read_history(file)->records.size(), 1u); });
  EXPECT_EQ(read_history(file)->records.size(), 2u);
}

TEST_F(PerfFiles, MergeOverOneOfItsInputsKeepsWhatWasAddedMeanwhile) {
  const std::string file = write("h.jsonl", line_of(op_record("a", 0, {1})));
  const auto merge = [&] { EXPECT_EQ(kigo({"perf", "merge", file, "--out", file}).exit, 0); };
  with_folder_held(path(""), merge, [&] {
    write("h.jsonl", line_of(op_record("a", 0, {1})) + line_of(op_record("b", 1, {1})));
  });
  EXPECT_EQ(read_history(file)->records.size(), 2u);
}

TEST_F(PerfFiles, ALinkToNothingIsNotWrittenThrough) {
  std::filesystem::create_symlink("nowhere.jsonl", path("link.jsonl"));
  const auto status = append_history(path("link.jsonl"), Records{op_record("a", 0, {1})});
  ASSERT_FALSE(status);
  EXPECT_EQ(status.error().found, "is a symbolic link to nothing");
  EXPECT_EQ(files(), std::vector<std::string>{});
}

TEST_F(PerfFiles, ImportSaysThatALinkIsALoop) {
  const std::string b = write("b.jsonl", line_of(op_record("b", 0, {1})));
  std::filesystem::create_symlink("loop", path("loop"));
  const Ran ran = kigo({"perf", "import", b, "--into", "loop"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.err,
            "kigo: loop: Too many levels of symbolic links, expected the name of a file to write (io)\n");
}

TEST_F(PerfFiles, ImportSaysThatANameIsTooLong) {
  const std::string b = write("b.jsonl", line_of(op_record("b", 0, {1})));
  const std::string name(300, 'n');
  const Ran ran = kigo({"perf", "import", b, "--into", name});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(ran.err,
            cat("kigo: ", name, ": File name too long, expected the name of a file to write (io)\n"));
}

TEST_F(PerfFiles, WhatCannotBeWrittenLeavesTheFileAsItWas) {
  std::filesystem::create_directory(path("folder.jsonl"));
  EXPECT_FALSE(write_union(path("folder.jsonl"), {}));
  EXPECT_FALSE(write_union(path("none/h.jsonl"), {}));
  EXPECT_FALSE(append_history(path("none/h.jsonl"), {}));
}

TEST_F(PerfFiles, ImportKeepsTheBrokenLinesOfItsTarget) {
  const std::string a = write("a.jsonl", "half of a li\n" + line_of(op_record("a", 1, {1})));
  const std::string b = write("b.jsonl", line_of(op_record("b", 0, {1})) + "{}\n");
  const Ran ran = kigo({"perf", "import", b, "--into", a});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.err.find("b.jsonl:2"), std::string::npos) << ran.err;
  EXPECT_NE(ran.err.find("a.jsonl:1"), std::string::npos) << ran.err;
  EXPECT_EQ(*read_text_file(a),
            line_of(op_record("b", 0, {1})) + line_of(op_record("a", 1, {1})) + "half of a li\n");
}

TEST_F(PerfFiles, MergeIsTheUnion) {
  const std::string a = write("a.jsonl", line_of(op_record("a", 1, {1})) + line_of(op_record("b", 0, {1})));
  const std::string b = write("b.jsonl", line_of(op_record("b", 0, {1})));
  const Ran ran = kigo({"perf", "merge", a, b, "--out", path("c.jsonl")});
  EXPECT_EQ(ran.exit, 0) << ran.err;
  EXPECT_EQ(*read_text_file(path("c.jsonl")),
            line_of(op_record("b", 0, {1})) + line_of(op_record("a", 1, {1})));
}

}  // namespace
}  // namespace kigo::tools::perf
