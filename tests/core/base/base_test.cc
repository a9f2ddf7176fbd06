// Errors, message text, views, random numbers and files.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/output_file.h"
#include "core/base/random.h"
#include "core/base/result.h"
#include "core/base/sha256.h"
#include "core/base/view.h"

namespace kigo {
namespace {

TEST(ErrorMessage, NamesSubjectFoundExpectedCodeAndByte) {
  const Error error{Code::wrong_shape, "blk.3.attn_q.weight", "shape [896, 640]", "[896, 896]", 4711};
  EXPECT_EQ(error.message(),
            "blk.3.attn_q.weight: shape [896, 640], expected [896, 896] (wrong_shape, byte 4711)");
}

Result<int> half_of(int n) {
  if (n % 2 != 0) return fail(Code::bad_value, "n", cat(n), "an even number");
  return n / 2;
}
Result<int> quarter_of(int n) {
  KIGO_ASSIGN(const int half, half_of(n));
  return half_of(half);
}

TEST(Result, HandsAnErrorThroughTheMacros) {
  EXPECT_EQ(*quarter_of(12), 3);
  EXPECT_EQ(quarter_of(6).error().found, "3");
  EXPECT_EQ(quarter_of(5).error().found, "5");
}

TEST(Escaped, PrintsControlAndForeignBytesInHexAndCuts) {
  EXPECT_EQ(escaped("a\n\xFF\\"), "a\\x0a\\xff\\\\");
  EXPECT_EQ(escaped("abcdef", 3), "abc...");
}

TEST(Cat, PrintsTheShortestDigits) { EXPECT_EQ(cat(0.1, ' ', 1e-6f, ' ', 7, ' ', true), "0.1 1e-06 7 true"); }

TEST(Grouped, SeparatesThousands) {
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(491400032), "491,400,032");
}

TEST(View, FollowsItsStrides) {
  std::array<int, 8> data{0, 1, 2, 3, 4, 5, 6, 7};
  const View<int, 2> padded(data.data(), {2, 3}, {4, 1});
  EXPECT_EQ(padded(1, 2), 6);
  const View<int, 3> dense(data.data(), {2, 2, 2});
  EXPECT_EQ(dense(1, 0, 1), 5);
  EXPECT_EQ(dense.size(), 8);
  const View<const int, 2> readable = padded;
  EXPECT_EQ(readable(0, 1), 1);
}

// Known answers of the reference implementation (prng.di.unimi.it/splitmix64.c) for seed 1234567.
TEST(Random, GivesTheKnownSequence) {
  Random random(1234567);
  EXPECT_EQ(random.next(), 6457827717110365317ull);
  EXPECT_EQ(random.next(), 3203168211198807973ull);
}

TEST(Random, StaysBelowItsLimit) {
  Random random(1);
  std::array<int, 3> seen{};
  for (int i = 0; i < 3000; ++i) ++seen[random.below(3)];
  for (const int count : seen) EXPECT_GT(count, 900);
}

// Examples of FIPS 180-4 and its supplement.
TEST(Sha256, GivesThePublishedDigests) {
  const auto digest = [](std::string_view text) {
    return sha256(std::as_bytes(std::span(text.data(), text.size())));
  };
  EXPECT_EQ(digest(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(digest("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, DoesNotCareHowTheBytesAreCut) {
  const std::string_view text = "abcdefghijklmnopqrstuvwxyz";
  const auto bytes = std::as_bytes(std::span(text.data(), text.size()));
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 hash;
    hash.update(bytes.first(cut));
    hash.update(bytes.subspan(cut));
    EXPECT_EQ(hash.digits(), sha256(bytes)) << "cut after " << cut;
  }
}

class FileTest : public testing::Test {
 protected:
  FileTest() { std::filesystem::create_directory(folder_); }
  ~FileTest() override { std::filesystem::remove_all(folder_); }
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder_))
      out.push_back(entry.path().filename());
    std::ranges::sort(out);
    return out;
  }
  std::string folder_ = cat(testing::TempDir(), "kigo_file_test.", ::getpid());
};

TEST_F(FileTest, ReadsBackWhatWasWritten) {
  const std::string path = folder_ + "/a";
  ASSERT_TRUE(write_file(path, "hello"));
  EXPECT_EQ(*read_text_file(path), "hello");
  ASSERT_TRUE(write_file(path, ""));
  EXPECT_EQ(*read_text_file(path), "");
}

TEST_F(FileTest, LeavesNoPartialFileBehind) {
  EXPECT_EQ(write_file(folder_ + "/none/a", "x").error().code, Code::io);
  std::filesystem::create_directory(folder_ + "/taken");
  EXPECT_FALSE(write_file(folder_ + "/taken", "x"));
  size_t entries = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator(folder_)) ++entries;
  EXPECT_EQ(entries, 1u);
}

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST_F(FileTest, IsSeenUnderItsNameOnlyWhenCommitted) {
  const std::string path = folder_ + "/a";
  {
    auto file = OutputFile::create(path);
    ASSERT_TRUE(file && file->append(bytes_of("hel")) && file->append(bytes_of("lo")));
    EXPECT_FALSE(std::filesystem::exists(path));
    ASSERT_TRUE(file->commit());
  }
  EXPECT_EQ(*read_text_file(path), "hello");
  {
    auto file = OutputFile::create(path);
    ASSERT_TRUE(file && file->append(bytes_of("never")));
  }
  EXPECT_EQ(*read_text_file(path), "hello");
  EXPECT_EQ(names(), std::vector<std::string>{"a"});
}

TEST_F(FileTest, RemovesWhatIsUnfinishedAndNothingElse) {
  ASSERT_TRUE(write_file(folder_ + "/whole", "x"));
  auto a = OutputFile::create(folder_ + "/a"), b = OutputFile::create(folder_ + "/b");
  auto done = OutputFile::create(folder_ + "/done");
  ASSERT_TRUE(a && b && done && done->commit());
  EXPECT_EQ(names().size(), 4u);
  remove_unfinished_files();
  EXPECT_EQ(names(), (std::vector<std::string>{"done", "whole"}));
}

/// The notes of finished files are used again, and files beyond the last note are written all the same.
TEST_F(FileTest, NotesAsManyUnfinishedFilesAsItHasRoomFor) {
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(write_file(folder_ + "/one", "x"));
  std::vector<OutputFile> open;
  for (int i = 0; i < 17; ++i) {
    auto file = OutputFile::create(cat(folder_, "/", i));
    ASSERT_TRUE(file);
    open.push_back(std::move(*file));
  }
  remove_unfinished_files();
  EXPECT_EQ(names().size(), 2u) << "one, and the seventeenth";
  open.clear();
  EXPECT_EQ(names(), std::vector<std::string>{"one"});
}

TEST_F(FileTest, RefusesADirectoryAPipeAndAMissingFile) {
  EXPECT_EQ(FileMap::open(folder_).error().found, "is a directory");
  EXPECT_EQ(FileMap::open(folder_ + "/none").error().found, "cannot open: No such file or directory");
  ASSERT_EQ(::mkfifo((folder_ + "/pipe").c_str(), 0600), 0);
  EXPECT_EQ(FileMap::open(folder_ + "/pipe").error().found, "is a device or pipe");
}

}  // namespace
}  // namespace kigo
