// Safetensors files: one of the format's own library byte by byte, and each kind of wrong file refused.
#include "core/compare/safetensors.h"

#include <gtest/gtest.h>

#include <cstring>

#include "core/base/cat.h"

namespace kigo::compare {
namespace {

std::string tensors_file(const std::string& head, size_t data_bytes) {
  std::string file(8, '\0');
  const uint64_t length = head.size();
  std::memcpy(file.data(), &length, sizeof length);
  return file + head + std::string(data_bytes, '\1');
}
Result<SafeTensors> read_tensors(const std::string& file) {
  return parse_safetensors(std::as_bytes(std::span(file.data(), file.size())), "x");
}
std::string message(const std::string& head, size_t data_bytes) {
  const auto parsed = read_tensors(tensors_file(head, data_bytes));
  return parsed ? "" : parsed.error().message();
}

/// safetensors.torch.save({"a": F32 [[1, -2.5]], "h": F16 [0.5], "e": F32 [0, 3]}, {"tokens": "1,2"}),
/// safetensors 0.8.
std::string from_the_library() {
  const std::string head =
      R"({"__metadata__":{"tokens":"1,2"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]},"e":{"dtype")"
      R"(:"F32","shape":[0,3],"data_offsets":[8,8]},"h":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}}   )";
  std::string file = tensors_file(head, 0);
  const float numbers[] = {1, -2.5f};
  file.append(reinterpret_cast<const char*>(numbers), sizeof numbers);
  return file + std::string("\x00\x38", 2);
}

TEST(Safetensors, TakesAFileOfTheLibrary) {
  const std::string file = from_the_library();
  const auto parsed = read_tensors(file);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(parsed->metadata.at("tokens"), "1,2");
  ASSERT_EQ(parsed->tensors.size(), 3u);
  std::map<std::string, SafeTensor> by_name;
  for (const SafeTensor& tensor : parsed->tensors) by_name[tensor.name] = tensor;
  EXPECT_EQ(by_name["a"].shape, (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(values_of(by_name["a"], 0, 2), (std::vector<double>{1, -2.5}));
  EXPECT_EQ(values_of(by_name["a"], 1, 1), (std::vector<double>{-2.5}));
  EXPECT_EQ(values_of(by_name["h"], 0, 1), (std::vector<double>{0.5}));
  EXPECT_EQ(by_name["e"].shape, (std::vector<int64_t>{0, 3}));
}

TEST(Safetensors, WidensEveryType) {
  std::string file = tensors_file(
      R"({"b":{"dtype":"BF16","shape":[1],"data_offsets":[8,10]},"d":{"dtype":"F64","shape":[1],"data_offsets":[0,8]}})",
      0);
  const double number = 0.1;
  file.append(reinterpret_cast<const char*>(&number), sizeof number);
  file += std::string("\xC0\x3F", 2);
  const auto parsed = read_tensors(file);
  ASSERT_TRUE(parsed) << parsed.error().message();
  EXPECT_EQ(values_of(parsed->tensors[0], 0, 1), (std::vector<double>{0.1}));
  EXPECT_EQ(values_of(parsed->tensors[1], 0, 1), (std::vector<double>{1.5}));
}

TEST(Safetensors, TakesAHeadPaddedWithSpaces) {
  EXPECT_EQ(message("{\"a\":{\"dtype\":\"F16\",\"shape\":[2],\"data_offsets\":[0,4]}}   ", 4), "");
  EXPECT_EQ(message("{}", 0), "");
}

TEST(Safetensors, TakesEightAxes) {
  EXPECT_EQ(message("{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1],\"data_offsets\":[0,4]}}", 4), "");
}

struct Bad {
  const char* name;
  std::string head;
  size_t data_bytes;
  std::string said;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

std::string one(const std::string& type, const std::string& shape, const std::string& offsets) {
  return cat("{\"a\":{\"dtype\":", type, ",\"shape\":", shape, ",\"data_offsets\":", offsets, "}}");
}

class RefusedSafetensors : public testing::TestWithParam<Bad> {};
TEST_P(RefusedSafetensors, SaysWhy) {
  const std::string said = message(GetParam().head, GetParam().data_bytes);
  EXPECT_NE(said.find(GetParam().said), std::string::npos) << said;
}
INSTANTIATE_TEST_SUITE_P(
    Each, RefusedSafetensors,
    testing::Values(
        Bad{"no_object", "[1]", 0, "no JSON object"}, Bad{"cut_head", "{\"a\":", 0, "bad_value"},
        Bad{"entry", "{\"a\":1}", 0, "x: a: no object"},
        Bad{"no_type", "{\"a\":{\"shape\":[1],\"data_offsets\":[0,4]}}", 4, "x: a: no dtype"},
        Bad{"type_kind", one("4", "[1]", "[0,4]"), 4, "x: a: no dtype"},
        Bad{"type", one("\"I64\"", "[1]", "[0,8]"), 8,
            "dtype I64, expected F64, F32, F16 or BF16 (unsupported)"},
        Bad{"no_shape", one("\"F32\"", "1", "[0,4]"), 4, "no list shape"},
        Bad{"negative", one("\"F32\"", "[-1]", "[0,4]"), 4, "shape holds -1"},
        Bad{"fraction", one("\"F32\"", "[0.5]", "[0,4]"), 4, "shape holds 0.5"},
        Bad{"long_text", one("\"F32\"", cat("[\"", std::string(40, 'x'), "\"]"), "[0,4]"), 4,
            cat("shape holds \"", std::string(31, 'x'), ", expected")},
        Bad{"overflow", one("\"F32\"", "[4611686018427387904,2]", "[0,4]"), 4, "(size_overflow)"},
        Bad{"axes", one("\"F32\"", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4, "9 axes, expected at most 8"},
        Bad{"one_offset", one("\"F32\"", "[1]", "[4]"), 4, "1 data_offsets"},
        Bad{"backwards", one("\"F32\"", "[1]", "[4,0]"), 4, "data_offsets [4, 0], expected within"},
        Bad{"beyond", one("\"F32\"", "[2]", "[0,8]"), 4, "data_offsets [0, 8], expected within the 4 bytes"},
        Bad{"size", one("\"F32\"", "[2]", "[0,4]"), 4, "4 bytes, expected 8 for F32 [2] (bad_shape)"},
        Bad{"size_behind_another",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,8]}})",
            8, "x: b: 4 bytes, expected 8 for F32 [2]"},
        Bad{"gap", one("\"F32\"", "[1]", "[4,8]"), 8, "data from byte 4, expected 0"},
        Bad{"overlap",
            R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
            8, "x: b: data from byte 4, expected 8"},
        Bad{"tail", one("\"F32\"", "[1]", "[0,4]"), 6, "6 bytes of data, expected 4"},
        Bad{"twice",
            R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})",
            8, "bad_value"},
        Bad{"metadata", "{\"__metadata__\":[]}", 0, "__metadata__: no object"},
        Bad{"metadata_kind", "{\"__metadata__\":{\"a\":1}}", 0, "__metadata__.a: no text"}),
    [](const auto& instance) { return instance.param.name; });

TEST(RefusedSafetensors, HeadsThatAreLongerThanTheFileOrTheLimit) {
  std::string file = tensors_file("{}", 0);
  const auto with_length = [&](uint64_t length) {
    std::memcpy(file.data(), &length, sizeof length);
    return read_tensors(file).error().message();
  };
  EXPECT_NE(with_length(3).find("2 bytes behind the head's length, expected a head of 3"), std::string::npos);
  EXPECT_NE(with_length(100'000'000).find("expected a head of 100000000 (truncated)"), std::string::npos);
  EXPECT_NE(with_length(100'000'001).find("expected at most 100000000 (bad_value, byte 0)"),
            std::string::npos);
  EXPECT_NE(with_length(UINT64_MAX).find("expected at most 100000000"), std::string::npos);
}

TEST(RefusedSafetensors, AHeadOfNoBytes) {
  EXPECT_EQ(message("", 0), "x: a head that is no JSON object, expected { (bad_value, byte 8)");
}

TEST(RefusedSafetensors, EveryTruncation) {
  const std::string file = from_the_library();
  for (size_t size = 0; size < file.size(); ++size) EXPECT_FALSE(read_tensors(file.substr(0, size))) << size;
}

// Whatever a flipped bit makes of a file, what is accepted stays within the file.
TEST(Safetensors, StayWithinTheFileWithAnyBitFlipped) {
  const std::string whole = from_the_library();
  size_t refused = 0;
  for (size_t bit = 0; bit < 8 * whole.size(); ++bit) {
    std::string file = whole;
    file[bit / 8] = static_cast<char>(file[bit / 8] ^ (1 << bit % 8));
    const auto parsed = read_tensors(file);
    refused += !parsed;
    if (!parsed) continue;
    for (const SafeTensor& tensor : parsed->tensors) {
      int64_t elements = 1;
      for (const int64_t size : tensor.shape) elements *= size;
      EXPECT_EQ(values_of(tensor, 0, elements).size(), static_cast<size_t>(elements)) << bit;
    }
  }
  EXPECT_GT(refused, whole.size());
}

TEST(SafetensorsDeathTest, ValuesBeyondTheTensorEndTheProcess) {
  const std::string file = tensors_file(R"({"a":{"dtype":"F64","shape":[2],"data_offsets":[0,16]}})", 16);
  const auto parsed = read_tensors(file);
  ASSERT_TRUE(parsed) << parsed.error().message();
  const SafeTensor& tensor = parsed->tensors[0];
  EXPECT_EQ(values_of(tensor, 2, 0).size(), 0u);
  for (const auto& [first, count] : {std::pair{-1, 1}, {-1, 3}, {1, -1}, {3, -1}, {1, 2}, {0, 3}, {2, 1}})
    EXPECT_DEATH((void)values_of(tensor, first, count), "safetensors.cc") << first << " " << count;
}

}  // namespace
}  // namespace kigo::compare
