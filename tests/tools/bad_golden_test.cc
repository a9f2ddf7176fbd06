// Golden data that is broken: a one-line error, never a crash and never a pass.
#include "core/base/cat.h"
#include "tests/tools/program.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

class BadGolden : public ProgramTest {
 protected:
  BadGolden() {
    for (const char* part : {"blocks", "haiku", "logits", "tokens"})
      std::filesystem::copy(cat(golden_folder(), "/", part), path(part),
                            std::filesystem::copy_options::recursive);
  }

  /// `kigo verify` of a tiny model with this folder's golden data, in which `to` stands for the first `from`.
  Ran verify(const std::string& file, const std::string& from, const std::string& to) const {
    std::string text = *read_text_file(path(file));
    const size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    write(file, text.replace(at, from.size(), to));
    return kigo({"verify", golden_folder() + "/tiny/tiny-q4_k_m.gguf", "--golden", path("")});
  }
  static void expect_refusal(const Ran& ran, const std::string& text) {
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
    EXPECT_NE(ran.err.find(text), std::string::npos) << ran.err;
  }
};

constexpr const char* kRecord = "logits/tiny-q4_k_m.json";

/// The record with the first list of a prompt under `key` replaced.
std::string list_of(const std::string& record, const std::string& key) {
  const size_t begin = record.find(cat('"', key, "\": ["));
  return record.substr(begin, record.find(']', begin) + 1 - begin);
}

TEST_F(BadGolden, RowsThatAreNotThere) {
  const std::string rows = list_of(*read_text_file(path(kRecord)), "rows");
  expect_refusal(verify(kRecord, rows, "\"rows\": [1000000, 1]"),
                 "rows of one: [1000000, 1], expected [0, 1]");
  expect_refusal(verify(kRecord, "\"rows\": [1000000,", "\"rows\": [4611686018427387904,"),
                 "expected [0, 1]");
}

TEST_F(BadGolden, MoreBlocksThanThereAre) {
  const char* blocks = "blocks/q5_0.json";
  expect_refusal(verify(blocks, "\"group\": 1000", "\"group\": 4611686018427387904"),
                 "q5_0.json, count: 10000");
  expect_refusal(verify(blocks, "\"group\": 4611686018427387904", "\"group\": 100000000000000"),
                 "q5_0.json, count");
  expect_refusal(verify(blocks, "\"count\": 10000", "\"count\": 1000000000000000"), "q5_0.json, count");
}

TEST_F(BadGolden, NoGreedyIds) {
  const std::string greedy = list_of(*read_text_file(path(kRecord)), "greedy");
  expect_refusal(verify(kRecord, greedy, "\"greedy\": []"), "greedy");
}

TEST_F(BadGolden, FewerMarginsThanIds) {
  const std::string margins = list_of(*read_text_file(path(kRecord)), "greedy_margin");
  expect_refusal(verify(kRecord, margins, "\"greedy_margin\": [0.5]"),
                 "greedy_margin of one: 1 numbers, expected 64");
  expect_refusal(verify(kRecord, "\"greedy_margin\": [0.5]", "\"greedy_margin\": [\"wide\"]"),
                 "greedy_margin: missing or of another type, expected an array of numbers");
}

TEST_F(BadGolden, NoTexts) {
  const std::string lines = *read_text_file(path("tokens/tiny.jsonl"));
  expect_refusal(verify("tokens/tiny.jsonl", lines, ""), "tokens/tiny.jsonl");
}

}  // namespace
}  // namespace kigo::tools
