// The table of a worker's errors against the page that users read: docs/worker.md, section 4.
#include "core/base/worker_error.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "core/base/cat.h"
#include "core/base/file_map.h"

namespace kigo {
namespace {

/// "| 2 | VRAM_OOM (OUT_OF_MEMORY) | 503 | yes |" as the page has it, without the seed's name.
std::vector<std::string> rows_of_the_page() {
  const std::string page = *read_text_file(cat(KIGO_SOURCE_DIR, "/docs/worker.md"));
  std::istringstream lines(page.substr(page.find("\n## 4. Errors\n")));
  std::vector<std::string> rows;
  for (std::string line; std::getline(lines, line) && !line.starts_with("## 5.");) {
    if (!line.starts_with("| ") || line.starts_with("| C ")) continue;
    size_t end = 0;
    for (int column = 0; column < 4; ++column) end = line.find(" |", end + 1);
    line.resize(end + 2);
    const size_t bracket = line.find(" (");
    if (bracket != std::string::npos) line.erase(bracket, line.find(')') + 1 - bracket);
    rows.push_back(line);
  }
  return rows;
}

TEST(WorkerErrors, AreTheOnesOfThePage) {
  std::vector<std::string> expected;
  for (const WorkerErrorRow& row : kWorkerErrors) {
    if (row.code > WorkerError::shutting_down) continue;  // in logs and metrics only, named below the table
    const bool c_only = row.code == WorkerError::buffer_too_small || row.code == WorkerError::abi_mismatch;
    const std::string status = row.http_status != 0 ? cat(row.http_status) : c_only ? "C only" : "start";
    expected.push_back(cat("| ", static_cast<int>(row.code), " | ", row.name, " | ", status, " | ",
                           row.retriable ? "yes" : "no", " |"));
  }
  EXPECT_EQ(rows_of_the_page(), expected);
}

TEST(WorkerErrors, RiseAndHaveNamesOfTheirOwn) {
  EXPECT_TRUE(std::ranges::is_sorted(kWorkerErrors, std::less<>(), &WorkerErrorRow::code));
  for (const WorkerErrorRow& each : kWorkerErrors) {
    EXPECT_EQ(row(each.code).name, each.name);
    EXPECT_EQ(std::ranges::count(kWorkerErrors, each.name, &WorkerErrorRow::name), 1) << each.name;
  }
  EXPECT_EQ(name(WorkerError::client_gone), "CLIENT_GONE");
  EXPECT_EQ(static_cast<int>(WorkerError::slow_client), 112);
}

TEST(WorkerErrors, NameWhatARunningJobMayMeet) {
  EXPECT_EQ(worker_error(Code::out_of_memory), WorkerError::vram_oom);
  EXPECT_EQ(worker_error(Code::cuda), WorkerError::device_failed);
  EXPECT_EQ(worker_error(Code::inference_failed), WorkerError::inference_failed);
  EXPECT_EQ(worker_error(Code::context_overflow), WorkerError::context_overflow);
  EXPECT_EQ(worker_error(Code::invalid_utf8), WorkerError::invalid_request);
  EXPECT_EQ(worker_error(Code::cancelled), WorkerError::cancelled);
  EXPECT_EQ(worker_error(Code::io), WorkerError::internal);
}

WorkerError at_start(Code code, const char* subject) { return start_error({code, subject, "", "", {}}); }

TEST(WorkerErrors, NameWhatKeepsAModelFromStarting) {
  EXPECT_EQ(at_start(Code::out_of_memory, "GPU 0"), WorkerError::insufficient_vram);
  EXPECT_EQ(at_start(Code::cuda, "CUDA driver"), WorkerError::device_not_found);
  EXPECT_EQ(at_start(Code::cuda, "device"), WorkerError::device_not_found);
  EXPECT_EQ(at_start(Code::cuda, "device 3"), WorkerError::invalid_device);
  EXPECT_EQ(at_start(Code::cuda, "rmsnorm"), WorkerError::device_failed);
  EXPECT_EQ(at_start(Code::unsupported, "device 0 (NVIDIA A100)"), WorkerError::invalid_device);
  EXPECT_EQ(at_start(Code::unsupported, "backend cuda"), WorkerError::device_not_found);
  EXPECT_EQ(at_start(Code::invalid_request, "context"), WorkerError::invalid_request);
  EXPECT_EQ(at_start(Code::cancelled, "loading"), WorkerError::cancelled);
  EXPECT_EQ(at_start(Code::bad_magic, "model.gguf"), WorkerError::model_load_failed);
}

}  // namespace
}  // namespace kigo
