// What the laws have found, told to people and to programs; and the command line.
#include "tests/laws/check_pairs.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <string_view>

#include "core/base/file_map.h"
#include "core/compare/junit.h"
#include "tests/support/choices.h"

namespace kigo::laws {
namespace {

using Verdict = LawResult::Verdict;

constexpr const char* kUsage =
    "options:\n"
    "  --pair NAME     this pair only\n"
    "  --cases N       arbitrary cases of the laws that compare with the twin (40, or KIGO_CASES)\n"
    "  --seed N        draw other arbitrary cases (1, or KIGO_SEED)\n"
    "  --replay LIST   one case, by the choices that a report names; needs --pair\n"
    "  --json          print one JSON object\n"
    "  --junit FILE    write JUnit XML besides\n"
    "exit status: 0 all laws kept, 1 one is broken, 2 wrong command line, 3 some did not run\n";

std::string_view name(Verdict verdict) {
  return verdict == Verdict::pass ? "pass" : verdict == Verdict::fail ? "fail" : "not run";
}

/// The worst of all: a breach, then what did not run. Nothing at all did not run either.
Verdict overall(const std::vector<LawResult>& results) {
  const auto any = [&](Verdict verdict) {
    return std::ranges::any_of(results, [=](const LawResult& one) { return one.verdict == verdict; });
  };
  if (any(Verdict::fail)) return Verdict::fail;
  return any(Verdict::not_run) || results.empty() ? Verdict::not_run : Verdict::pass;
}

std::string joined(const Complaints& complaints) {
  std::string text;
  for (const std::string& complaint : complaints) text += cat(text.empty() ? "" : "\n", complaint);
  return text;
}

std::string indented(std::string_view text, std::string_view by) {
  std::string out(by);
  for (const char c : text) {
    out += c;
    if (c == '\n') out += by;
  }
  return out + '\n';
}

std::string percent(double share) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3g %%", 100 * share);
  return buffer;
}

/// "gated_add_f32 on host: 6 of 8 laws kept, worst error 82 % of its bound"
std::string headline(std::span<const LawResult> group) {
  size_t kept = 0;
  std::optional<double> share;
  for (const LawResult& one : group) {
    kept += one.verdict == Verdict::pass;
    if (one.share) share = std::max(share.value_or(0), *one.share);
  }
  const bool twin = group.front().machine == "twin";
  return cat(group.front().pair, twin ? "" : " on ", twin ? "" : group.front().machine, ": ", kept, " of ",
             group.size(), twin ? " laws of the comparison kept" : " laws kept",
             share ? cat(", worst error ", percent(*share), " of its bound") : "", "\n");
}

struct Arguments {
  Request request;
  bool json = false;
  bool help = false;
  std::string junit;
};

Result<uint64_t> whole(std::string_view option, std::string_view text) {
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    return fail(Code::invalid_request, std::string(option), escaped(text), "a whole number");
  return value;
}

Status set(Arguments& arguments, std::string_view option, std::string_view value) {
  if (option == "--pair") {
    arguments.request.pair = value;
  } else if (option == "--junit") {
    arguments.junit = value;
  } else if (option == "--cases") {
    KIGO_ASSIGN(arguments.request.effort.cases, whole(option, value));
  } else if (option == "--seed") {
    KIGO_ASSIGN(arguments.request.effort.seed, whole(option, value));
  } else if (option == "--replay") {
    arguments.request.replay = test::choices_of(value);
    if (!arguments.request.replay)
      return fail(Code::invalid_request, "--replay", escaped(value), "numbers: 3,0,17");
  } else {
    return fail(Code::invalid_request, "option", escaped(option), "one of --help");
  }
  return {};
}

Result<Arguments> parse(int argc, const char* const* argv) {
  Arguments arguments;
  if (argc > 0) arguments.request.program = argv[0];
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--json") {
      arguments.json = true;
    } else if (option == "--help") {
      arguments.help = true;
    } else if (i + 1 == argc) {
      return fail(Code::invalid_request, "option", escaped(option), "one of --help, with its value");
    } else {
      KIGO_TRY(set(arguments, option, argv[++i]));
    }
  }
  if (arguments.request.replay && arguments.request.pair.empty())
    return fail(Code::invalid_request, "--replay", "without --pair", "the pair whose case it is");
  return arguments;
}

int refused(const Error& error, int exit) {
  std::fprintf(stderr, "%s\n", error.message().c_str());
  return exit;
}

}  // namespace

std::string text_of(const std::vector<LawResult>& results) {
  std::string out;
  for (size_t first = 0, end = 0; first < results.size(); first = end) {
    while (end < results.size() && results[end].pair == results[first].pair &&
           results[end].machine == results[first].machine)
      ++end;
    const std::span group(results.data() + first, end - first);
    out += headline(group);
    for (const LawResult& one : group) {
      if (one.verdict == Verdict::pass) continue;
      out += cat("  ", one.verdict == Verdict::fail ? "BROKEN" : "NOT RUN", "  ", one.law, '\n');
      constexpr size_t kShown = 2;
      for (size_t i = 0; i < std::min(one.complaints.size(), kShown); ++i)
        out += indented(one.complaints[i], "    ");
      if (one.complaints.size() > kShown) out += cat("    and ", one.complaints.size() - kShown, " more\n");
    }
  }
  return out + cat("verdict: ", name(overall(results)), '\n');
}

Json json_of(const std::vector<LawResult>& results) {
  Json laws = Json::array();
  for (const LawResult& one : results) {
    Json law = Json::object({{"pair", one.pair},
                             {"machine", one.machine},
                             {"law", one.law},
                             {"verdict", name(one.verdict)},
                             {"seconds", one.seconds},
                             {"complaints", Json::array_of(one.complaints)}});
    if (one.share) law.set("share", *one.share);
    Json reports = Json::array();
    for (const compare::Report& report : one.reports) reports.push(report.json());
    law.set("reports", std::move(reports));
    laws.push(std::move(law));
  }
  return Json::object({{"verdict", name(overall(results))}, {"laws", std::move(laws)}});
}

std::string junit_of(const std::vector<LawResult>& results) {
  using How = compare::JUnitCase::Outcome;
  std::vector<compare::JUnitCase> cases;
  for (const LawResult& one : results) {
    const How how = one.verdict == Verdict::pass   ? How::passed
                    : one.verdict == Verdict::fail ? How::failed
                                                   : How::skipped;
    cases.push_back({cat(one.pair, '.', one.machine), one.law, one.seconds, how, joined(one.complaints)});
  }
  return compare::junit_xml("kigo laws", cases);
}

int check_pairs(const std::vector<pairs::PairPtr>& pairs, int argc, const char* const* argv) {
  constexpr int kBroken = 1, kWrongCommandLine = 2, kUndecided = 3;
  const Result<Arguments> arguments = parse(argc, argv);
  if (!arguments) return refused(arguments.error(), kWrongCommandLine);
  if (arguments->help) return std::fputs(kUsage, stdout), 0;
  const std::string& wanted = arguments->request.pair;
  const auto is_wanted = [&](const pairs::PairPtr& pair) { return pair->name() == wanted; };
  if (!wanted.empty() && std::ranges::none_of(pairs, is_wanted)) {
    std::string names;
    for (const pairs::PairPtr& pair : pairs) names += cat(names.empty() ? "" : ", ", pair->name());
    return refused({Code::invalid_request, "--pair", escaped(wanted), names, {}}, kWrongCommandLine);
  }
  const std::vector<LawResult> results = check(pairs, arguments->request);
  std::fputs((arguments->json ? json_of(results).dump(2) + "\n" : text_of(results)).c_str(), stdout);
  if (!arguments->junit.empty()) {
    if (const Status written = write_file(arguments->junit, junit_of(results)); !written)
      return refused(written.error(), kBroken);
  }
  const Verdict verdict = overall(results);
  return verdict == Verdict::pass ? 0 : verdict == Verdict::fail ? kBroken : kUndecided;
}

}  // namespace kigo::laws
