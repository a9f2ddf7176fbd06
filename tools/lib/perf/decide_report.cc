// A decision as people and programs read it.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "core/base/cat.h"
#include "tools/lib/perf/decide.h"

namespace kigo::tools::perf {
namespace {

constexpr std::array<Verdict, 5> kWorstFirst{Verdict::slow, Verdict::invalid, Verdict::ambiguous,
                                             Verdict::fast, Verdict::same};

template <class... Values>
std::string form(const char* format, Values... values) {
  std::array<char, 160> text{};
  std::snprintf(text.data(), text.size(), format, values...);
  return text.data();
}

/// What a file says, whole: it must neither end the text, nor look like a line of it, nor steer the terminal.
std::string plain(std::string_view text) { return escaped(text, text.size()); }

bool was_compared(const Row& row) { return row.judgement.base_us > 0; }

/// "14.21 -> 14.63 us, +2.9 % [+1.8, +4.1]"
std::string figures(const Judgement& judgement) {
  return form("%.4g -> %.4g us, %+.1f %% [%+.1f, %+.1f]", judgement.base_us, judgement.head_us,
              100 * judgement.change, 100 * judgement.low, 100 * judgement.high);
}

std::string counts(const Decision& decision) {
  std::string text;
  for (const Verdict verdict : kWorstFirst)
    text += cat(text.empty() ? "" : ", ", decision.count(verdict), " ", name_of(verdict));
  return text;
}

/// The rows of one verdict after the other, without those that are SAME.
std::vector<const Row*> worth_saying(const Decision& decision) {
  std::vector<const Row*> rows;
  for (const Verdict verdict : kWorstFirst) {
    for (const Row& row : decision.rows) {
      if (verdict != Verdict::same && row.judgement.verdict == verdict) rows.push_back(&row);
    }
  }
  return rows;
}

}  // namespace

std::string Decision::text() const {
  std::string text;
  for (const Row* row : worth_saying(*this)) {
    text += form("%-9s ", std::string(name_of(row->judgement.verdict)).c_str());
    text += cat(plain(text_of(row->subject)), "\n          ");
    if (was_compared(*row)) text += cat(figures(row->judgement), ": ");
    text += cat(plain(row->judgement.why), "\n");
  }
  for (const std::string& note : notes) text += cat("note: ", plain(note), "\n");
  return cat(text, rows.size(), " compared: ", counts(*this), "\n");
}

Json Decision::json() const {
  Json all = Json::array();
  for (const Row& row : rows) {
    const Judgement& judgement = row.judgement;
    Json each = Json::object({{"kind", name_of(row.subject.kind)},
                              {"name", row.subject.name},
                              {"case", row.subject.text},
                              {"cache", name_of(row.subject.cache)},
                              {"verdict", name_of(judgement.verdict)},
                              {"why", judgement.why}});
    if (was_compared(row)) {
      each.set("base_us", judgement.base_us);
      each.set("head_us", judgement.head_us);
      each.set("change", judgement.change);
      each.set("low", judgement.low);
      each.set("high", judgement.high);
      each.set("threshold", judgement.threshold);
      each.set("base_width", judgement.base_width);
      each.set("head_width", judgement.head_width);
    }
    if (row.bytes_share > 0) each.set("bytes_share", row.bytes_share);
    if (row.flops_share > 0) each.set("flops_share", row.flops_share);
    all.push(std::move(each));
  }
  Json numbers = Json::object();
  for (const Verdict verdict : kWorstFirst) numbers.set(std::string(name_of(verdict)), count(verdict));
  return Json::object({{"passes", passes()},
                       {"counts", std::move(numbers)},
                       {"common", common},
                       {"process_shift", process_shift},
                       {"notes", Json::array_of(notes)},
                       {"rows", std::move(all)}});
}

}  // namespace kigo::tools::perf
