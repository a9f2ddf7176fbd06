// The face of the library: symbols, sizes, numbers, names.
#include <cstddef>
#include <map>
#include <regex>
#include <set>
#include <sstream>
#include <thread>

#include "core/base/worker_error.h"
#include "tests/ffi/abi.h"

namespace kigo::ffi {
namespace {

std::string header() { return *read_text_file(cat(KIGO_SOURCE_DIR, "/tools/ffi/worker_ffi.h")); }

std::set<std::string> words(const std::string& text, const char* pattern) {
  const std::regex expression(pattern);
  std::set<std::string> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), expression); at != std::sregex_iterator();
       ++at)
    found.insert((*at)[1]);
  return found;
}

std::string output_of(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string out;
  char buffer[4096];
  for (size_t n = 0; pipe != nullptr && (n = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    out.append(buffer, n);
  EXPECT_EQ(::pclose(pipe), 0) << command;
  return out;
}

TEST(Abi, ExportsTheFunctionsOfTheHeaderAndNothingElse) {
  // "0000000000002ff0 T cuda_init@@KIGO_1"; the version itself is a symbol of type A.
  const auto exported =
      words(output_of(cat("nm -D --defined-only ", KIGO_LIBRARY)), " [^A ] (.*?)(?:@@KIGO_1)?\n");
  const auto declared = words(header(), "\nWORKER_API [^;(]*?\\b(\\w+)\\(");
  EXPECT_EQ(exported, declared);
  EXPECT_GE(declared.size(), 43u);
}

TEST(Abi, HasTheSonameOfItsMajorVersion) {
  const std::string soname = cat("[libkigo.so.", WORKER_ABI_VERSION >> 16, "]");
  EXPECT_NE(output_of(cat("readelf -d ", KIGO_LIBRARY)).find(soname), std::string::npos) << soname;
  EXPECT_EQ(worker_abi_version(), WORKER_ABI_VERSION);
}

TEST(Abi, ErrorsAreTheOnesOfTheTable) {
  const std::string text = header();
  const std::regex line("WORKER_ERR_(\\w+) = (\\d+)");
  std::map<std::string, int> found;
  for (auto at = std::sregex_iterator(text.begin(), text.end(), line); at != std::sregex_iterator(); ++at)
    found[(*at)[1]] = std::stoi((*at)[2]);
  EXPECT_EQ(found["INVALID_PARAMETER"], found["INVALID_REQUEST"]);
  found.erase("INVALID_PARAMETER");
  std::map<std::string, int> expected;
  for (const WorkerErrorRow& row : kWorkerErrors)
    if (static_cast<int>(row.code) < 100) expected[std::string(row.name)] = static_cast<int>(row.code);
  EXPECT_EQ(found, expected);
}

TEST(Abi, EveryCodeHasANameAndASentence) {
  std::set<std::string> sentences;
  for (const WorkerErrorRow& row : kWorkerErrors) {
    const int code = static_cast<int>(row.code);
    EXPECT_EQ(worker_error_name(code), row.name);
    if (code < 100) sentences.insert(cuda_error_message(code));
  }
  EXPECT_EQ(sentences.size(), 16u);
  EXPECT_FALSE(sentences.contains("an unknown error code"));
  EXPECT_STREQ(worker_error_name(0), "OK");
  EXPECT_STREQ(cuda_error_message(0), "success");
  for (const int code : {-1, 16, 98, 1000, INT32_MIN}) {
    EXPECT_STREQ(worker_error_name(code), "UNKNOWN");
    EXPECT_STREQ(cuda_error_message(code), "an unknown error code");
  }
}

TEST(Abi, SaysWhatItIs) {
  EXPECT_TRUE(std::string_view(worker_build_info()).starts_with("kigo ")) << worker_build_info();
  EXPECT_NE(std::string_view(worker_build_info()).find("cpu"), std::string_view::npos);
}

TEST(Abi, StructsHaveTheSizesOfTheContract) {
  if (sizeof(void*) != 8) GTEST_SKIP() << "NOT RUN: sizes are given for pointers of 8 bytes";
  EXPECT_EQ(sizeof(WorkerSampling), 56u);
  EXPECT_EQ(offsetof(WorkerSampling, seed), 32u);
  EXPECT_EQ(offsetof(WorkerSampling, stop), 40u);
  EXPECT_EQ(sizeof(WorkerLoadOptions), 40u);
  EXPECT_EQ(sizeof(WorkerModelConfig), 64u);
  EXPECT_EQ(sizeof(WorkerModelInfo), 320u);
  EXPECT_EQ(offsetof(WorkerModelInfo, parameters), 56u);
}

TEST(Abi, EachThreadHasItsOwnLastError) {
  EXPECT_EQ(cuda_init(-7, nullptr), nullptr);
  EXPECT_EQ(worker_last_error(), WORKER_ERR_INVALID_DEVICE);
  EXPECT_STREQ(worker_last_error_message(), "device: -7, expected -1 for the CPU, or a GPU's number");
  std::thread([] {
    EXPECT_EQ(worker_last_error(), WORKER_OK);
    EXPECT_STREQ(worker_last_error_message(), "");
    EXPECT_EQ(cuda_check_device_health(nullptr, nullptr), false);
    EXPECT_EQ(worker_last_error(), WORKER_ERR_INVALID_PARAMETER);
  }).join();
  EXPECT_EQ(worker_last_error(), WORKER_ERR_INVALID_DEVICE);
}

TEST(Abi, ASuccessLeavesTheLastErrorAsItWas) {
  EXPECT_EQ(cuda_init(-7, nullptr), nullptr);
  const auto context = open_context(-1);
  EXPECT_EQ(worker_last_error(), WORKER_ERR_INVALID_DEVICE);
}

}  // namespace
}  // namespace kigo::ffi
