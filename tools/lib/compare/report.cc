// A comparison for people, and as JSON.
#include <algorithm>
#include <array>
#include <cmath>

#include "core/base/cat.h"
#include "core/compare/junit.h"
#include "tools/lib/compare/compare.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

const char* shown_name(Origin origin) {
  constexpr std::array kNames{"ok", "inherited", "INTRODUCED", "undecided"};
  return kNames.at(static_cast<size_t>(origin));
}

/// What all calls and both sides say about the checkpoints of one layer is too long for a screen: a row for
/// each checkpoint that is not within its bound, and one that sums up the others.
std::string checkpoint_table(const CompareReport& report) {
  std::vector<std::vector<std::string>> rows{
      {"call", "checkpoint", "side", "of bound", "A to B", "largest", "half headroom", ""}};
  size_t hidden = 0;
  double worst_hidden = 0;
  const Checkpoint* worst = nullptr;
  for (const Checkpoint& point : report.checkpoints) {
    const bool shown = point.origin == Origin::introduced || point.non_finite || point.half_headroom < 1;
    if (shown && rows.size() <= 24) {
      rows.push_back({cat(point.call), point.name, point.side_name, brief(point.share),
                      point.difference ? brief(*point.difference) : "", brief(point.largest),
                      brief(point.half_headroom), shown_name(point.origin)});
      continue;
    }
    ++hidden;
    if (point.share > worst_hidden || worst == nullptr) {
      worst_hidden = point.share;
      worst = &point;
    }
  }
  std::string out = rows.size() == 1 ? "" : cat(table(rows, {0, 3, 4, 5, 6}), "\n");
  if (worst != nullptr)
    out += cat(rows.size() == 1 ? "" : "and ", hidden, " checkpoints, the worst with ", brief(worst_hidden),
               " of its bound: ", worst->place(), " of ", worst->side_name, "\n");
  const auto inherited = std::ranges::count(report.checkpoints, Origin::inherited, &Checkpoint::origin);
  if (inherited != 0)
    out += cat(inherited, " of them differ between the sides by what came in with their input\n");
  const auto open = std::ranges::count(report.checkpoints, Origin::undecided, &Checkpoint::origin);
  if (open != 0) out += cat(open, " of them cannot be computed again: their input is not there\n");
  return out;
}

std::string carried_table(const CompareReport& report) {
  std::vector<std::vector<std::string>> rows{{"layer", "introduced", "gain", "predicted", "observed"}};
  for (const Carried& carried : report.carried)
    rows.push_back({cat(carried.layer), brief(carried.introduced), brief(carried.gain),
                    brief(carried.predicted), brief(carried.observed)});
  return rows.size() == 1
             ? ""
             : cat("\nrelative error of the residual stream, by layer\n", table(rows, {0, 1, 2, 3, 4}));
}

std::string finding(const Checkpoint& bad) {
  std::string out = cat("first       ", coloured(Colour::bold, bad.place()), "\n");
  out += cat("            introduced here by ", bad.side_name, ", call ", bad.call,
             ": its input gives other values\n");
  if (bad.report.worst) {
    const compare::Element& worst = *bad.report.worst;
    out += cat("worst       ", list(std::span<const int64_t>(worst.at)), " got ", brief(worst.got),
               ", expected ", brief(worst.want), ", off by ", brief(std::abs(worst.got - worst.want)), ", ",
               brief(worst.share), " of the bound\n");
  }
  if (!bad.report.refusal.empty()) out += cat("            ", bad.report.refusal, "\n");
  if (bad.report.wrong != 0)
    out += cat("damage      ", bad.report.damage.text, "\n            ", bad.report.wrong, " of ",
               bad.report.compared, " elements, ", bad.report.damage.ranges, "\n");
  if (bad.report.non_finite != 0) out += cat("not finite  ", bad.report.non_finite, " elements\n");
  for (const compare::Element& right : bad.report.neighbours)
    out += cat("right       ", list(std::span<const int64_t>(right.at)), " got ", brief(right.got), "\n");
  for (const Cause& cause : bad.causes)
    out += cat(cause.reproduces ? "cause       " : "perhaps     ", cause.text,
               cause.reproduces ? " (reproduces every element)" : "", "\n");
  return out;
}

std::string sizes(const std::vector<Call>& calls) {
  size_t steps = 0;
  std::string text;
  for (const Call& call : calls) {
    if (call.tokens.size() == 1 && call.which == model::Logits::Last) {
      ++steps;
    } else {
      text += cat(text.empty() ? "" : " + ", call.tokens.size());
    }
  }
  return steps == 0 ? text : cat(text, text.empty() ? "" : ", then ", steps, " steps");
}

}  // namespace

std::string_view name(Origin origin) {
  constexpr std::array<std::string_view, 4> kNames{"within", "inherited", "introduced", "undecided"};
  return kNames.at(static_cast<size_t>(origin));
}

std::string_view name(Comparison verdict) {
  constexpr std::array<std::string_view, 3> kNames{"equal", "diverged", "undecided"};
  return kNames.at(static_cast<size_t>(verdict));
}

std::string Checkpoint::place() const {
  return cat(name, ", position ", position, head < 0 ? "" : cat(", head ", head));
}

Json Checkpoint::json() const {
  Json json = Json::object({{"checkpoint", name},
                            {"layer", layer},
                            {"call", call},
                            {"side", side_name},
                            {"origin", std::string(tools::name(origin))},
                            {"position", position},
                            {"head", head},
                            {"element", element},
                            {"share", share},
                            {"largest", largest},
                            {"half_headroom", half_headroom}});
  if (difference) json.set("difference", *difference);
  if (difference_share) json.set("difference_share", *difference_share);
  if (non_finite) json.set("first_non_finite", *non_finite);
  if (origin == Origin::introduced) {
    json.set("report", report.json());
    Json found = Json::array();
    for (const Cause& cause : causes)
      found.push(Json::object({{"id", cause.id}, {"text", cause.text}, {"reproduces", cause.reproduces}}));
    json.set("causes", std::move(found));
  }
  return json;
}

std::string CompareReport::text() const {
  std::string out = cat("A ", a, ", B ", b, ": ", sizes(calls), " tokens\n\n", checkpoint_table(*this),
                        carried_table(*this));
  if (logits)
    out += cat("\nlogits      ", logits->rows, " rows: NMSE ", brief(logits->nmse), ", worst KL divergence ",
               brief(logits->kl_worst), " nats, highest the same in ", logits->top1_agree, "\n");
  out += "\n";
  if (const Checkpoint* bad = first_bad()) out += finding(*bad);
  for (const std::string& note : notes) out += cat("note: ", note, "\n");
  constexpr std::array kColours{Colour::green, Colour::red, Colour::yellow};
  return out + cat("verdict: ", coloured(kColours.at(static_cast<size_t>(verdict)), tools::name(verdict)),
                   ": ", reason, "\n");
}

Json CompareReport::json() const {
  Json json =
      Json::object({{"verdict", std::string(tools::name(verdict))}, {"reason", reason}, {"a", a}, {"b", b}});
  Json made = Json::array();
  for (const Call& call : calls) made.push(static_cast<uint64_t>(call.tokens.size()));
  json.set("calls", std::move(made));
  if (const Checkpoint* bad = first_bad()) json.set("first", bad->json());
  if (unstable) json.set("unstable", *unstable);
  if (logits)
    json.set("logits", Json::object({{"rows", logits->rows},
                                     {"nmse", logits->nmse},
                                     {"kl_worst", logits->kl_worst},
                                     {"top1_agree", logits->top1_agree}}));
  Json layers = Json::array();
  for (const Carried& one : carried)
    layers.push(Json::object({{"call", one.call},
                              {"layer", one.layer},
                              {"gain", one.gain},
                              {"introduced", one.introduced},
                              {"predicted", one.predicted},
                              {"observed", one.observed}}));
  json.set("layers", std::move(layers));
  Json points = Json::array();
  for (const Checkpoint& point : checkpoints) points.push(point.json());
  json.set("checkpoints", std::move(points));
  json.set("notes", Json::array_of(notes));
  return json;
}

std::string CompareReport::junit(const std::string& file) const {
  using Outcome = compare::JUnitCase::Outcome;
  std::vector<compare::JUnitCase> cases;
  for (const Checkpoint& point : checkpoints) {
    const Outcome outcome = point.origin == Origin::introduced  ? Outcome::failed
                            : point.origin == Origin::undecided ? Outcome::skipped
                                                                : Outcome::passed;
    const std::string text = outcome == Outcome::failed    ? finding(point)
                             : outcome == Outcome::skipped ? "the side did not hand out the stage's input"
                                                           : "";
    cases.push_back({file, cat(point.side_name, ": call ", point.call, ": ", point.name), 0, outcome, text});
  }
  constexpr std::array kOutcomes{Outcome::passed, Outcome::failed, Outcome::skipped};
  const Outcome outcome = kOutcomes.at(static_cast<size_t>(verdict));
  cases.push_back({file, cat(a, " against ", b), 0, outcome, outcome == Outcome::passed ? "" : reason});
  return compare::junit_xml("kigo compare", cases);
}

}  // namespace kigo::tools
