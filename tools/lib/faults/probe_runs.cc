#include "tools/lib/faults/probe_runs.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "core/base/cat.h"

namespace kigo::tools {
namespace {

constexpr int kRepeats = 4;

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

/// A checkpoint as one run made it.
struct Taken {
  std::string name;
  std::vector<double> values;
};

Result<std::vector<Taken>> run(model::Session& session, std::span<const Call> calls) {
  std::vector<Taken> all;
  session.reset();
  for (const Call& call : calls) {
    const auto sink = [&](model::Tap tap, int64_t layer, View<const double, 3> rows) {
      Taken taken{model::name(tap, layer), {}};
      taken.values.assign(rows.data, rows.data + rows.shape[0] * rows.shape[1] * rows.shape[2]);
      all.push_back(std::move(taken));
    };
    KIGO_ASSIGN(model::Rows logits, session.forward(call.tokens, call.which, sink));
    all.push_back({"logits", std::move(logits.values)});
  }
  session.reset();
  return all;
}

}  // namespace

Result<SeenAll> probe_capture(model::Session& session, std::span<const Call> calls, const std::string& by) {
  std::vector<std::vector<double>> logits;
  for (const bool with : {true, false}) {
    session.reset();
    for (size_t i = 0; i < calls.size(); ++i) {
      const auto sink = [](model::Tap, int64_t, View<const double, 3>) {};
      KIGO_ASSIGN(model::Rows rows, with ? session.forward(calls[i].tokens, calls[i].which, sink)
                                         : session.forward(calls[i].tokens, calls[i].which));
      if (with)
        logits.push_back(std::move(rows.values));
      else if (!same_bits(rows.values, logits[i]))
        return SeenAll{{'d', cat(by, ": with checkpoints and without"), "harness:capture", -1, 0}};
    }
  }
  session.reset();
  return SeenAll{};
}

Result<SeenAll> probe_repeat(model::Session& session, std::span<const Call> calls, const std::string& by) {
  KIGO_ASSIGN(const std::vector<Taken> truth, run(session, calls));
  for (int repeat = 1; repeat < kRepeats; ++repeat) {
    KIGO_ASSIGN(const std::vector<Taken> again, run(session, calls));
    for (size_t i = 0; i < std::min(truth.size(), again.size()); ++i) {
      if (!same_bits(again[i].values, truth[i].values))
        return SeenAll{{'r', cat(by, ": run ", repeat + 1), truth[i].name, -1, 0}};
    }
  }
  return SeenAll{};
}

}  // namespace kigo::tools
