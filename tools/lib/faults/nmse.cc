// Thresholds, data and shapes: llama.cpp, tests/test-backend-ops.cpp (attention 5e-4 of uniform [-1, 1], keys
// and values of 512 positions; soft_max 1e-6, rows up to 200,001) and tests/test-quantize-fns.cpp (0.1 + 2
// cos i, 4,096 values, root of the summed squares over their number, limit 0.002 for four bits and more).
#include "tools/lib/faults/nmse.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <sstream>

#include "core/base/cat.h"
#include "core/base/random.h"
#include "core/compare/bound.h"
#include "core/quant/encode.h"
#include "core/sample/sampler.h"
#include "reference/attention.h"
#include "reference/model.h"
#include "tools/lib/compare/open_side.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

using fault::Id;

constexpr double kModelLimit = 1e-4;
constexpr int64_t kPrefill = 128;

/// What `run` gives with the faults that are on, and with none.
template <class Run>
Result<double> nmse_of(const Run& run) {
  KIGO_ASSIGN(const std::vector<double> found, run());
  const auto truth_of = [&] {
    const fault::Suspended off;
    return run();
  };
  KIGO_ASSIGN(const std::vector<double> truth, truth_of());
  return compare::nmse(found, truth);
}

Result<std::vector<double>> attention_output() {
  constexpr int64_t kTokens = 35, kHeads = 4, kKeys = 512, kHeadDim = 64;
  Random random(1);
  const auto drawn = [&](int64_t count) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double& value : values) value = random.uniform(-1, 1);
    return values;
  };
  const std::vector<double> q = drawn(kTokens * kHeads * kHeadDim);
  const std::vector<double> k = drawn(kKeys * kHeads * kHeadDim);
  const std::vector<double> v = drawn(kKeys * kHeads * kHeadDim);
  std::vector<double> y(q.size());
  KIGO_TRY(reference::attention<double>({.q = {q.data(), {kTokens, kHeads, kHeadDim}},
                                         .k = {k.data(), {kKeys, kHeads, kHeadDim}},
                                         .v = {v.data(), {kKeys, kHeads, kHeadDim}},
                                         .y = {y.data(), {kTokens, kHeads, kHeadDim}}}));
  return y;
}

Result<std::vector<double>> probabilities() {
  constexpr size_t kWidth = 200001;
  Random random(2);
  std::vector<float> logits(kWidth);
  for (float& logit : logits) logit = static_cast<float>(random.uniform(-1, 1));
  KIGO_ASSIGN(const sample::Distribution left, sample::distribution(logits, {}, {}, 0));
  std::vector<double> all(kWidth);
  for (size_t k = 0; k < left.ids.size(); ++k) all[left.ids[k]] = left.probability(k);
  return all;
}

/// The error of a round trip through a format, as llama.cpp's test of the decoders measures it.
Result<double> round_trip_error(std::string_view format) {
  constexpr size_t kValues = 4096;
  const quant::TensorType& type = *quant::find_tensor_type(format);
  std::vector<float> values(kValues);
  for (size_t i = 0; i < kValues; ++i) values[i] = 0.1f + 2 * std::cos(static_cast<float>(i));
  std::vector<std::byte> blocks(kValues / type.block_values * type.block_bytes);
  KIGO_TRY(quant::encode(type, values, blocks));
  std::vector<float> decoded(kValues);
  type.decode(blocks.data(), kValues, decoded.data());
  double sum = 0;
  for (size_t i = 0; i < kValues; ++i) sum += std::pow(double{decoded[i]} - double{values[i]}, 2);
  return std::sqrt(sum) / double{kValues};
}

std::vector<uint32_t> prefill_tokens(const model::Model& model) {
  std::vector<uint32_t> tokens;
  for (int64_t i = 0; i < kPrefill; ++i)
    tokens.push_back(static_cast<uint32_t>((11 + 37 * i) % model.config.vocab));
  return tokens;
}

Result<std::vector<double>> prefill_logits() {
  KIGO_ASSIGN(const model::Model model, model::open(golden_folder() + "/tiny/tiny-f16.gguf"));
  reference::Session session(model);
  KIGO_ASSIGN(model::Rows logits, session.forward(prefill_tokens(model), model::Logits::All));
  return std::move(logits.values);
}

/// The same on the GPU, which has the fault, against the reference, which has none. None without a GPU.
Result<std::optional<double>> device_nmse() {
  KIGO_ASSIGN(const model::Model model, model::open(golden_folder() + "/tiny/tiny-f16.gguf"));
  const auto device = open_side(model, "cuda-float", 0, "");
  if (!device && (device.error().code == Code::unsupported || device.error().code == Code::cuda))
    return std::optional<double>();
  if (!device) return tl::unexpected<Error>(device.error());
  KIGO_ASSIGN(const std::vector<double> truth, prefill_logits());
  KIGO_ASSIGN(const model::Rows found,
              device->side.session->forward(prefill_tokens(model), model::Logits::All));
  return std::optional(compare::nmse(found.values, truth));
}

/// The format whose decoder a fault changes; empty for the others.
std::string_view format_of(Id id) {
  switch (id) {
    case Id::F06B:
    case Id::F07B:
    case Id::F08B:
    case Id::F56B:
    case Id::F57B:
    case Id::F58B:
    case Id::F59aB:
      return "Q4_K";
    case Id::F09B:
    case Id::F78:
      return "Q6_K";
    case Id::F10B:
      return "Q5_0";
    default:
      return {};
  }
}

}  // namespace

std::string NmseScore::verdict() const {
  if (!op && !model) return "none";
  const bool by_op = op && !(*op <= *limit);
  const bool by_model = model && !(*model <= kModelLimit);
  return by_op || by_model ? "caught" : "passes";
}

Json NmseScore::json() const {
  const auto number = [](const std::optional<double>& value) { return value ? Json(*value) : Json(); };
  return Json::object({{"nmse_op", number(op)},
                       {"nmse_limit", number(limit)},
                       {"nmse_verdict", verdict()},
                       {"nmse_model", number(model)}});
}

void take_operation(const std::string& output, NmseScore& score) {
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string mark, name, value;
    double limit = 0;
    if (!(words >> mark >> name >> value >> limit) || mark != "nmse") continue;
    const double error = std::strtod(value.c_str(), nullptr);  // streams do not read "nan"
    if (score.op && (std::isnan(*score.op) || error / limit <= *score.op / *score.limit)) continue;
    score.op = error;
    score.limit = limit;
  }
}

std::string nmse_filter(std::string_view law_filter) {
  law_filter = law_filter.substr(0, law_filter.find(':'));
  for (const std::string_view before : {"/", "Agrees*", "Cases*"}) {
    const size_t at = law_filter.rfind(before);
    if (at != std::string_view::npos) return cat("*Nmse*/", law_filter.substr(at + before.size()));
  }
  return cat("*Nmse*/", law_filter);
}

Result<NmseScore> nmse_score(Id id) {
  NmseScore score;
  if (const std::string_view format = format_of(id); !format.empty()) {
    KIGO_ASSIGN(score.op, round_trip_error(format));
    score.limit = 0.002;
  } else if (id == Id::F76) {
    KIGO_ASSIGN(score.op, nmse_of(attention_output));
    score.limit = 5e-4;
  } else if (id == Id::F41 || id == Id::F70) {
    KIGO_ASSIGN(score.op, nmse_of(probabilities));
    score.limit = 1e-6;
  }
  const char level = fault::row(id).level;
  if (level == 'R') {
    KIGO_ASSIGN(score.model, nmse_of(prefill_logits));
  }
  const fault::Site site = fault::row(id).site;
  if (site == fault::Site::load || site == fault::Site::device) {
    KIGO_ASSIGN(score.model, device_nmse());
  }
  if (level == 'B') score.model = 0;  // the two sides that are compared have the same mistake
  return score;
}

}  // namespace kigo::tools
