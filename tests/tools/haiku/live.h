// A real worker for tests, and what they ask it with.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <memory>
#include <string>

#include "core/base/cat.h"
#include "tools/lib/goldens.h"
#include "tools/lib/haiku/run.h"
#include "tools/lib/haiku/run_files.h"

namespace kigo::tools {

/// A folder that is gone afterwards, the model that ships with kigo as truth, and its lexicon.
class LiveHaiku : public testing::Test {
 protected:
  ~LiveHaiku() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  /// At seven past, so that two runs ask for the same word.
  HttpRunOptions options() const {
    HttpRunOptions options;
    options.program = KIGO_PROGRAM;
    options.out = folder_;
    options.clock = [] { return *parse_iso_time("2026-01-02T03:07:05Z"); };
    return options;
  }
  HttpRun run(const HttpRunOptions& options) const {
    auto run = run_over_http(*truth_, options, lexicon_);
    EXPECT_TRUE(run) << run.error().message();
    return run ? *run : HttpRun();
  }
  HttpRun run_against(const std::string& url) const {
    HttpRunOptions asked = options();
    asked.url = url;
    return run(asked);
  }
  /// The engine's checks that fail, "ids challenge".
  static std::string failed(const HttpRun& run) {
    std::string names;
    if (run.verification.find("checks") == nullptr) return "no verification";
    for (const Json& check : *run.verification.find("checks")->items())
      if (!*check.find("pass")->boolean())
        names += cat(names.empty() ? "" : " ", *check.find("check")->string());
    return names;
  }
  static std::string verdict(const HttpRun& run, const char* of = "verdict") {
    const Json* verdict = run.verification.find(of);
    return verdict == nullptr ? "none" : *verdict->string();
  }
  static std::string report(const HttpRun& run) { return run.verification.dump(1); }

  const std::string folder_ = cat(std::filesystem::temp_directory_path().string(), "/kigo_live_haiku.",
                                  static_cast<int64_t>(::getpid()));
  const std::unique_ptr<Truth> truth_ = *Truth::open(shipped_model());
  const Lexicon lexicon_ = *Lexicon::load(cat(golden_folder(), "/haiku/lexicon.tsv"));
};

}  // namespace kigo::tools
