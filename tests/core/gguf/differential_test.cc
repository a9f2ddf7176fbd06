// kigo's reader and gguf-py's on the same damaged files: both refuse, both read the same, or the difference
// has a name and a reason. golden/make/differential.py made the verdicts.
#include <gtest/gtest.h>

#include <array>
#include <bit>
#include <map>
#include <sstream>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/json.h"
#include "tests/core/gguf/mutants.h"
#include "tests/core/gguf/watched_read.h"

namespace kigo::gguf::test {
namespace {

class Fnv {  // FNV-1a, 64 bits
 public:
  void put(std::span<const std::byte> bytes) {
    for (const std::byte byte : bytes) state_ = (state_ ^ std::to_integer<uint64_t>(byte)) * 0x100000001B3ull;
  }
  template <class T>
  void number(T value) {
    put(std::bit_cast<std::array<std::byte, sizeof(T)>>(value));
  }
  void text(std::string_view text) {
    number(uint64_t{text.size()});
    put(std::as_bytes(std::span(text)));
  }
  uint64_t state() const { return state_; }

 private:
  uint64_t state_ = 0xCBF29CE484222325ull;
};

struct PutValue {
  Fnv& fnv;
  void operator()(std::string_view value) const { fnv.text(value); }
  void operator()(const Array& array) const {
    fnv.number(static_cast<uint32_t>(array.element));
    fnv.number(array.count);
    fnv.put(array.bytes);
    for (const std::string_view text : array.strings) fnv.text(text);
  }
  template <class N>
  void operator()(N value) const {
    fnv.number(value);
  }
};

/// What was read, as differential.py digests it: "-" or eight hex digits.
std::string verdict_of(const Result<File>& file) {
  if (!file) return "-";
  Fnv fnv;
  for (const Pair& pair : file->metadata) {
    fnv.text(pair.key);
    fnv.number(static_cast<uint32_t>(type_of(pair.value)));
    std::visit(PutValue{fnv}, pair.value);
  }
  for (const Tensor& tensor : file->tensors) {
    fnv.text(tensor.name);
    fnv.number(tensor.type->id);
    for (const uint64_t dim : tensor.dims) fnv.number(dim);
    fnv.put(tensor.data);
  }
  return hex((fnv.state() ^ fnv.state() >> 32) & 0xFFFFFFFF, 8).substr(2);
}

struct Golden {
  std::vector<Base> bases;
  uint64_t seed = 0;
  std::string fnv;
  std::vector<std::string> verdicts;
};

Golden load_golden() {
  const std::string root = KIGO_SOURCE_DIR "/";
  const auto json =
      Json::parse(*read_text_file(root + "golden/differential/verdicts.json"), "verdicts").value();
  Golden golden;
  for (const Json& base : *json.find("bases")->items()) {
    const FileMap map = *FileMap::open(root + *base.find("path")->string());
    golden.bases.push_back(
        {{map.bytes().begin(), map.bytes().end()}, static_cast<size_t>(*base.find("head")->integer())});
  }
  golden.seed = static_cast<uint64_t>(*json.find("seed")->integer());
  golden.fnv = *json.find("fnv")->string();
  for (const Json& row : *json.find("verdicts")->items()) {
    std::istringstream words(*row.string());
    for (std::string word; words >> word;) golden.verdicts.push_back(word);
  }
  return golden;
}

const Golden& golden() {
  static const Golden golden = load_golden();
  return golden;
}

TEST(Differential, DrawsTheSameMutantsAsPython) {
  ASSERT_GE(golden().verdicts.size(), 2000u);
  Fnv fnv;
  for (uint64_t i = 0; i < golden().verdicts.size(); ++i) fnv.put(mutant(golden().bases, golden().seed, i));
  EXPECT_EQ(hex(fnv.state(), 16).substr(2), golden().fnv);
}

// Every way in which the two may differ. In all of them kigo is the stricter one; the principles are those of
// docs/gguf.md, section 3. gguf-py never ends ("~") where it follows a count without looking at the file's
// size.
struct Difference {
  Code code;             // kigo's
  bool reads;            // gguf-py reads the file, or does not come to an end
  size_t files;          // of the 10,000
  uint64_t example;      // the first of them
  std::string_view why;  // kigo refuses
};
constexpr auto kDifferences = std::to_array<Difference>({
    {Code::bad_name, true, 278, 25,
     "6: names are printable ASCII; gguf-py takes any UTF-8, NUL and line ends too"},
    {Code::bad_name, false, 1, 8426, "6, in a key before the count that gguf-py follows"},
    {Code::bad_offset, true, 124, 66,
     "9: one layout; gguf-py lets tensors overlap, leave gaps and lie unaligned"},
    {Code::bad_value, true, 9, 981, "5: a bool is 0 or 1; gguf-py takes every byte"},
    {Code::limit_exceeded, true, 2, 3044, "section 2: four dimensions, as in the reference reader"},
    {Code::limit_exceeded, false, 45, 273, "3: a count is held against its limit before it is followed"},
    {Code::split_file, true, 1, 5739, "section 1: a part is no model; gguf-py leaves that to its caller"},
    {Code::truncated, false, 17, 572, "3: a count is held against the bytes left before it is followed"},
    {Code::wrong_type, true, 1, 1160, "7: split.* shape the reading, so their types are exact"},
});

TEST(Differential, EveryDifferenceIsKnownAndExplained) {
  std::map<std::pair<Code, bool>, std::vector<uint64_t>> found;
  size_t both_read = 0, both_refuse = 0;
  for (uint64_t i = 0; i < golden().verdicts.size(); ++i) {
    const std::vector<std::byte> bytes = mutant(golden().bases, golden().seed, i);
    const auto file = watched_read(bytes);
    const std::string ours = verdict_of(file), theirs = golden().verdicts[i];
    if (ours == theirs) {
      ++(file ? both_read : both_refuse);
      continue;
    }
    ASSERT_FALSE(file) << "mutant " << i << ": kigo reads " << ours << ", gguf-py says " << theirs;
    found[{file.error().code, theirs != "~"}].push_back(i);
  }
  for (const Difference& each : kDifferences) {
    const std::vector<uint64_t>& files = found[{each.code, each.reads}];
    ASSERT_EQ(files.size(), each.files) << name(each.code) << ", principle " << each.why;
    EXPECT_EQ(files.front(), each.example) << name(each.code);
    found.erase({each.code, each.reads});
  }
  for (const auto& [what, files] : found)
    ADD_FAILURE() << files.size() << " files, first " << files.front() << ": " << name(what.first);
  EXPECT_EQ(both_read, 2394u);
  EXPECT_EQ(both_refuse, 7128u);
}

}  // namespace
}  // namespace kigo::gguf::test
