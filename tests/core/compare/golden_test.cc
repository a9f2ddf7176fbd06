// .npy files: one of NumPy's byte by byte, the round trip, and each kind of wrong file refused by name.
#include "core/compare/golden.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <rapidcheck/gtest.h>
#include <cstring>
#include <filesystem>
#include <limits>

#include "core/base/cat.h"
#include "core/base/file_map.h"
#include "core/base/random.h"

namespace kigo::compare {
namespace {

Result<Npy> parse(const std::string& file) {
  return parse_npy(std::as_bytes(std::span(file.data(), file.size())), "x.npy");
}

/// A file of format 1.0 with this dictionary and so many bytes of data.
std::string file_with(const std::string& dictionary, size_t data_bytes) {
  std::string header = dictionary + "\n";
  std::string file("\x93NUMPY\x01", 7);
  file += '\0';
  file += static_cast<char>(header.size());
  file += static_cast<char>(header.size() >> 8);
  return file + header + std::string(data_bytes, '\0');
}
std::string message(const std::string& file) {
  const auto npy = parse(file);
  return npy ? "" : npy.error().message();
}

/// numpy.save(f, numpy.array([[1, -2.5, 3], [0.1, numpy.inf, 1e-45]], dtype=numpy.float32)), NumPy 2.4.
std::string from_numpy() {
  std::string file("\x93NUMPY\x01\0\x76\0", 10);
  file += "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
  file += std::string(58, ' ') + "\n";
  const float numbers[] = {1, -2.5f, 3, 0.1f, std::numeric_limits<float>::infinity(), 1e-45f};
  file.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  return file;
}

TEST(ReadNpy, TakesAFileOfNumPy) {
  const auto npy = parse(from_numpy());
  ASSERT_TRUE(npy) << npy.error().message();
  EXPECT_EQ(npy->shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(std::get<std::vector<float>>(npy->data),
            (std::vector<float>{1, -2.5f, 3, 0.1f, std::numeric_limits<float>::infinity(), 1e-45f}));
}
TEST(ReadNpy, TakesDoublesAndAnyOrderOfEntries) {
  std::string file = file_with("{'shape': (1,), 'fortran_order': False, 'descr': '<f8'}", 0);
  const double number = 0.1;
  file.append(reinterpret_cast<const char*>(&number), sizeof number);
  const auto npy = parse(file);
  ASSERT_TRUE(npy) << npy.error().message();
  EXPECT_EQ(npy->shape, (std::vector<int64_t>{1}));
  EXPECT_EQ(npy->values()[0], 0.1);
}
TEST(ReadNpy, TakesLongHeadersOfFormats2And3) {
  for (const char major : {'\2', '\3'}) {
    const std::string header =
        "{'descr': '<f4', 'fortran_order': False, 'shape': (), }" + std::string(70'000, ' ') + "\n";
    const auto length = static_cast<uint32_t>(header.size());
    std::string file("\x93NUMPY", 6);
    file += {major, '\0'};
    file.append(reinterpret_cast<const char*>(&length), 4);
    file += header + std::string(4, '\0');
    const auto npy = parse(file);
    ASSERT_TRUE(npy) << npy.error().message();
    EXPECT_TRUE(npy->shape.empty());
    EXPECT_EQ(npy->values().size(), 1u);
  }
}
TEST(ReadNpy, TakesAnEmptyArray) {
  EXPECT_EQ(
      parse(file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 7), }", 0))->values().size(),
      0u);
}

TEST(ReadNpy, RefusesAFileCutAtAnyByte) {
  const std::string file = from_numpy();
  for (size_t length = 0; length < file.size(); ++length) {
    const auto npy = parse(file.substr(0, length));
    ASSERT_FALSE(npy) << length;
    EXPECT_EQ(npy.error().code, Code::truncated) << length;
    EXPECT_EQ(npy.error().offset, length);
  }
}
TEST(ReadNpy, SaysHowManyBytesAreNeededNext) {
  EXPECT_EQ(message(from_numpy().substr(0, 7)), "x.npy: 7 bytes, expected 8 or more (truncated, byte 7)");
  EXPECT_EQ(message(from_numpy().substr(0, 8)), "x.npy: 8 bytes, expected 10 or more (truncated, byte 8)");
  EXPECT_EQ(message(from_numpy().substr(0, 10)),
            "x.npy: 10 bytes, expected 128 or more (truncated, byte 10)");
}
TEST(ReadNpy, ReadsNothingBeyondAHeaderOfSpacesThatEndsTheFile) {
  std::string file = file_with("{", 0);
  file.back() = ' ';  // for the line feed
  const auto* bytes = reinterpret_cast<const std::byte*>(file.data());
  const std::vector<std::byte> exact(bytes, bytes + file.size());  // a string has a zero behind its end
  EXPECT_FALSE(parse_npy(exact, "x.npy"));
}
TEST(ReadNpy, RefusesTrailingBytes) {
  EXPECT_EQ(message(from_numpy() + "x"), "x.npy: 25 bytes of data, expected 24 (bad_value, byte 152)");
}
TEST(ReadNpy, RefusesEveryFlippedHeaderBitOrReadsAnotherArrayWithoutHarm) {
  const std::string file = from_numpy();
  for (size_t bit = 0; bit < 128 * 8; ++bit) {
    std::string changed = file;
    changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ 1 << bit % 8);
    const auto npy = parse(changed);
    if (npy) {
      ASSERT_EQ(npy->values().size(), 6u) << bit;
    }
  }
}

struct Wrong {
  const char* name;
  std::string file;
  const char* message;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }
class WrongNpy : public testing::TestWithParam<Wrong> {};
TEST_P(WrongNpy, IsRefusedByName) { EXPECT_EQ(message(GetParam().file), GetParam().message); }
INSTANTIATE_TEST_SUITE_P(
    Files, WrongNpy,
    testing::Values(
        Wrong{"Magic", "\x93NUMPX\x01", "x.npy: \\x93NUMPX, expected \\x93NUMPY (bad_magic, byte 0)"},
        Wrong{"Version", std::string("\x93NUMPY\x04\0\x01\0 ", 11),
              "x.npy: format 4.0, expected 1.0, 2.0 or 3.0 (bad_version, byte 6)"},
        Wrong{"Integers", file_with("{'descr': '<i4', 'fortran_order': False, 'shape': (1,), }", 4),
              "x.npy: type <i4, expected <f4 or <f8 (unsupported, byte 10)"},
        Wrong{"BigEndian", file_with("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", 4),
              "x.npy: type >f4, expected <f4 or <f8 (unsupported, byte 10)"},
        Wrong{"Fortran", file_with("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", 4),
              "x.npy: Fortran order, expected C order (unsupported, byte 10)"},
        Wrong{"NoShape", file_with("{'descr': '<f4', 'fortran_order': False, }", 4),
              "x.npy: header has \"\\x0a\", expected an entry 'shape' (bad_value, byte 52)"},
        Wrong{
            "EntryTwice", file_with("{'descr': '<f4', 'descr': '<f4', }", 4),
            "x.npy: header has \": '<f4', }\\x0a\", expected 'descr', 'fortran_order' and 'shape', each once "
            "(bad_value, byte 34)"},
        Wrong{"NumberForABool", file_with("{'fortran_order': 5, 'shape': (3, 4, 5, 6, 7), }", 4),
              "x.npy: header has \"5, 'shape': (3, 4, 5, 6,...\", expected \"False\" (bad_value, byte 28)"},
        Wrong{"NegativeSize", file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", 4),
              "x.npy: header has \"-1,), }\\x0a\", expected a size (bad_value, byte 61)"},
        Wrong{"NumberForShape", file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", 4),
              "x.npy: header has \"), }\\x0a\", expected a comma (bad_value, byte 62)"},
        Wrong{"TextAfterTheDictionary",
              file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } x", 4),
              "x.npy: header has \" x\\x0a\", expected spaces and a line feed to the end of the header "
              "(bad_value, "
              "byte 67)"},
        Wrong{"SizesBeyondInt64",
              file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", 4),
              "x.npy: shape [4294967296, 4294967296], expected fewer numbers (size_overflow, byte 10)"},
        Wrong{"MoreThanTheFileHolds",  // refused before anything is allocated
              file_with("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", 4),
              "x.npy: 84 bytes, expected 4000000000080 or more (truncated, byte 84)"}),
    [](const auto& instance) { return std::string(instance.param.name); });

class NpyFile : public testing::Test {
 protected:
  ~NpyFile() override { std::filesystem::remove(path_); }
  std::string path_ = cat(testing::TempDir(), "kigo_golden_test.", ::getpid(), ".npy");
};

TEST_F(NpyFile, IsWrittenAsNumPyWritesIt) {
  const std::vector<float> numbers{1, -2.5f, 3, 0.1f, std::numeric_limits<float>::infinity(), 1e-45f};
  ASSERT_TRUE(write_npy(path_, {numbers.data(), {2, 3}}));
  EXPECT_EQ(*read_text_file(path_), from_numpy());
}
TEST_F(NpyFile, LeavesThePaddingOfRowsOut) {
  const std::vector<float> numbers{1, 2, -1, -1, 3, 4, -1, -1};
  ASSERT_TRUE(write_npy(path_, {numbers.data(), {2, 2}, {4, 1}}));
  const auto npy = read_npy(path_);
  ASSERT_TRUE(npy) << npy.error().message();
  EXPECT_EQ(std::get<std::vector<float>>(npy->data), (std::vector<float>{1, 2, 3, 4}));
}
TEST_F(NpyFile, IsRefusedWithItsPath) {
  EXPECT_EQ(read_npy(path_ + ".none").error().message(),
            path_ + ".none: cannot open: No such file or directory (io)");
  ASSERT_TRUE(write_file(path_, "text"));
  EXPECT_EQ(read_npy(path_).error().subject, path_);
}

RC_GTEST_FIXTURE_PROP(NpyFile, ReadsBackWhatWasWritten, ()) {
  Random random(*rc::gen::arbitrary<uint64_t>());
  const auto rows = static_cast<int64_t>(random.below(9)), columns = static_cast<int64_t>(random.below(200));
  const int64_t stride = columns + static_cast<int64_t>(random.below(5));
  std::vector<float> numbers(static_cast<size_t>(rows * stride));
  for (float& number : numbers)
    number = std::bit_cast<float>(static_cast<uint32_t>(random.next()));  // NaN too
  RC_ASSERT(write_npy(path_, {numbers.data(), {rows, columns}, {stride, 1}}).has_value());
  const auto npy = read_npy(path_);
  RC_ASSERT(npy.has_value());
  RC_ASSERT(npy->shape == (std::vector<int64_t>{rows, columns}));
  const auto& read = std::get<std::vector<float>>(npy->data);
  for (int64_t row = 0; columns > 0 && row < rows; ++row) {
    RC_ASSERT(std::memcmp(&read[static_cast<size_t>(row * columns)],
                          &numbers[static_cast<size_t>(row * stride)],
                          static_cast<size_t>(columns) * sizeof(float)) == 0);
  }
}

}  // namespace
}  // namespace kigo::compare
