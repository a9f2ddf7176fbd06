// The worker's log: one line an event, JSON for machines or text for people.
#pragma once

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "core/base/json.h"

namespace kigo::tools {

enum class LogLevel : uint8_t { error, warn, info, debug };
std::string_view name(LogLevel level);
std::optional<LogLevel> log_level_named(std::string_view name);

struct LogOptions {
  LogLevel level = LogLevel::info;  // less important lines are left out
  bool json = true;
  bool text = false;  // prompts and output in full, else their length and hash
  std::string worker_id;
};

/// Safe to use from any thread; each line is written at once. Control characters are escaped in both forms.
class Log {
 public:
  /// `write` gets whole lines, with their end.
  Log(LogOptions options, std::function<void(std::string_view)> write)
      : options_(std::move(options)), write_(std::move(write)) {}

  const LogOptions& options() const { return options_; }
  /// `fields`: an object. Source: docs/worker.md, section 8.
  void write(LogLevel level, std::string_view event, const Json& fields = Json::object()) const;

 private:
  LogOptions options_;
  std::function<void(std::string_view)> write_;
  mutable std::mutex mutex_;
};

}  // namespace kigo::tools
