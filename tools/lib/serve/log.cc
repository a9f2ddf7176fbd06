#include "tools/lib/serve/log.h"

#include <array>
#include <chrono>

#include "core/base/cat.h"
#include "tools/lib/iso_time.h"

namespace kigo::tools {
namespace {

constexpr std::array<std::string_view, 4> kLevelNames{"error", "warn", "info", "debug"};

}  // namespace

std::string_view name(LogLevel level) { return kLevelNames[static_cast<size_t>(level)]; }

std::optional<LogLevel> log_level_named(std::string_view name) {
  for (size_t i = 0; i < kLevelNames.size(); ++i)
    if (kLevelNames[i] == name) return static_cast<LogLevel>(i);
  return std::nullopt;
}

void Log::write(LogLevel level, std::string_view event, const Json& fields) const {
  if (level > options_.level) return;
  const auto now = std::chrono::floor<std::chrono::milliseconds>(std::chrono::system_clock::now());
  std::string line;
  if (options_.json) {
    Json object = Json::object(
        {{"ts", iso_time(now)}, {"level", name(level)}, {"event", event}, {"worker_id", options_.worker_id}});
    for (const Json::Member& field : *fields.members()) object.set(field.first, field.second);
    line = object.dump();
  } else {
    line = cat(iso_time(now), " ", name(level), " ", event);
    for (const Json::Member& field : *fields.members())
      line += cat(" ", field.first, "=", field.second.dump());
  }
  line += '\n';
  const std::lock_guard lock(mutex_);
  write_(line);
}

}  // namespace kigo::tools
