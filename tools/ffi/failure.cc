#include "tools/ffi/failure.h"

#include "tools/lib/serve/problem.h"

namespace kigo::ffi {
namespace {

struct Last {
  int code = 0;
  std::string message;
  const char* fixed = nullptr;  // instead of the message, where there was no memory for one
};
thread_local Last last;

}  // namespace

Failure::Failure(const Error& error) : code(worker_error(error.code)), message(tools::fact_of(error)) {
  if (error.code == Code::unsupported || error.code == Code::limit_exceeded)
    code = WorkerError::invalid_request;
}

Failure Failure::at_start(const Error& error) { return {start_error(error), tools::fact_of(error)}; }

int remember(const Failure& failure) noexcept {
  last.code = static_cast<int>(failure.code);
  last.fixed = nullptr;
  try {
    last.message = failure.message;
  } catch (...) {
    last.fixed = "no memory for the message";
  }
  if (last.fixed == nullptr && last.message.empty()) last.fixed = kigo::name(failure.code).data();
  return last.code;
}

int last_error() noexcept { return last.code; }
const char* last_error_message() noexcept {
  return last.fixed != nullptr ? last.fixed : last.message.c_str();
}

}  // namespace kigo::ffi
