// Engines from outside: every checkpoint of Transformers within its bound, llama.cpp by its logits, and sides
// that fuse stages or hand out only some.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <set>

#include "core/base/cat.h"
#include "tests/tools/compare/planted.h"
#include "tests/tools/program.h"
#include "tools/lib/compare/capture_file.h"
#include "tools/lib/goldens.h"

namespace kigo::tools {
namespace {

using model::Tap;
using test::PlantedSession;
using test::Planting;

std::string tiny(const std::string& name) { return golden_folder() + "/tiny/" + name + ".gguf"; }
std::string captured(const std::string& name) {
  return golden_folder() + "/captures/" + name + ".safetensors";
}

class GoldenCapture : public testing::TestWithParam<std::string> {};

TEST_P(GoldenCapture, OfTransformersIsWithinEveryBound) {
  const model::Model model = *model::open(tiny(GetParam()));
  const auto file = CaptureFile::open(captured(GetParam() + ".transformers"));
  ASSERT_TRUE(file) << file.error().message();
  reference::Session reference(model);
  const auto report =
      compare_sides(model, {.name = "reference", .session = &reference},
                    {.name = "transformers", .rounding = file->rounding(), .capture = &*file}, file->calls());
  ASSERT_TRUE(report) << report.error().message();
  EXPECT_EQ(report->verdict, Comparison::equal) << report->text();
  // Two calls; embed, 17 a layer, norm and logits, and the earlier positions of two caches in the second.
  const auto of_b = std::ranges::count(report->checkpoints, 1, &Checkpoint::side);
  EXPECT_EQ(of_b, 2 * (3 + 17 * model.config.layers) + 2 * model.config.layers);
  // A bound that nothing comes near would find nothing.
  std::map<Tap, double> worst;
  for (const Checkpoint& point : report->checkpoints)
    if (point.side == 1) worst[point.tap] = std::max(worst[point.tap], point.share);
  for (const auto& [tap, share] : worst) {
    const bool copied = tap == Tap::embed || tap == Tap::cache_k || tap == Tap::cache_v;
    EXPECT_GE(share, copied ? 0 : 0.005) << name(tap);
    EXPECT_LE(share, copied ? 0 : 1) << name(tap);
  }
  for (const Carried& layer : report->carried) {
    EXPECT_LT(layer.observed, 1e-6);
    EXPECT_LT(layer.observed, 3 * layer.predicted);
    EXPECT_GT(layer.observed, layer.predicted / 3);
  }
}
INSTANTIATE_TEST_SUITE_P(Models, GoldenCapture, testing::Values("tiny-f16", "llama-f16"),
                         [](const auto& instance) {
                           return instance.param.substr(0, instance.param.find('-'));
                         });

class OutsideProgram : public ProgramTest {
 protected:
  /// The capture with one number of a tensor changed, as a file of its own.
  std::string damaged(const std::string& name, const std::string& tensor, size_t element, float value) const {
    const FileMap map = *FileMap::open(captured(name));
    std::string bytes(reinterpret_cast<const char*>(map.bytes().data()), map.bytes().size());
    const auto content = *compare::parse_safetensors(map.bytes(), name);
    for (const compare::SafeTensor& one : content.tensors)
      if (one.name == tensor)
        std::memcpy(bytes.data() + (one.data.data() - map.bytes().data()) + 4 * element, &value,
                    sizeof value);
    return write("damaged.safetensors", bytes);
  }
};

TEST_F(OutsideProgram, NamesTheElementThatIsWrong) {
  const std::string file = damaged("llama-f16.transformers", "blk.1.ffn_gate", 176 + 9, 3.5F);
  const Ran ran = kigo({"compare", "reference", "damaged.safetensors", "-m", tiny("llama-f16")});
  EXPECT_EQ(ran.exit, 1) << ran.err;
  EXPECT_NE(ran.out.find("first       blk.1.ffn_gate, position 1\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("worst       [1, 9] got 3.5, expected "), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("damage      one element\n"), std::string::npos) << ran.out;
  EXPECT_NE(
      ran.out.find("verdict: diverged: blk.1.ffn_gate, position 1: damaged.safetensors leaves its bound"),
      std::string::npos)
      << ran.out;
  const Ran as_json = kigo({"compare", "reference", "damaged.safetensors", "-m", tiny("llama-f16"), "--json",
                            "--junit", "compare.xml"});
  EXPECT_EQ(as_json.exit, 1);
  const std::string xml = read_text_file(path("compare.xml")).value_or("none");
  EXPECT_NE(xml.find("<testsuite name=\"kigo compare\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("damaged.safetensors: call 0: blk.1.ffn_gate\""), std::string::npos) << xml;
  EXPECT_NE(xml.find("reference against damaged.safetensors\""), std::string::npos) << xml;
  const Json json = as_json.json();
  EXPECT_EQ(*json.find("verdict")->string(), "diverged");
  EXPECT_EQ(*json.find("first")->find("checkpoint")->string(), "blk.1.ffn_gate");
  EXPECT_EQ(json.find("first")->find("position")->integer(), 1);
  EXPECT_EQ(json.find("first")->find("element")->integer(), 9);
  EXPECT_EQ(*json.find("first")->find("origin")->string(), "introduced");
}

TEST_F(OutsideProgram, NamesAValueThatIsNotFinite) {
  damaged("tiny-f16.transformers", "blk.0.attn_q", 5, std::numeric_limits<float>::quiet_NaN());
  const Ran ran = kigo({"compare", "reference", "damaged.safetensors", "-m", tiny("tiny-f16")});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.out.find("first       blk.0.attn_q, position 0, head 0\n"), std::string::npos) << ran.out;
  EXPECT_NE(ran.out.find("not finite  1 elements\n"), std::string::npos) << ran.out;
}

TEST_F(OutsideProgram, CannotDecideByTheLogitsOfRoundedActivations) {
  const Ran ran = kigo({"compare", "reference", captured("tiny-f16.llama_cpp"), "-m", tiny("tiny-f16")});
  EXPECT_EQ(ran.exit, 3) << ran.err;
  EXPECT_NE(ran.out.find("does not hand out the input of every checkpoint; the logits differ by NMSE 1.2"),
            std::string::npos)
      << ran.out;
}

TEST_F(OutsideProgram, ComparesTheReferenceWithItsOwnRounding) {
  std::string tokens = "1";
  for (int id = 2; id <= 64; ++id) tokens += cat(",", id);
  const Ran ran = kigo({"compare", "reference", "reference-half", "--tokens", tokens});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  EXPECT_TRUE(ran.out.starts_with("A reference, B reference-half: 64 tokens\n")) << ran.out;
  EXPECT_NE(ran.out.find("relative error of the residual stream, by layer\n"), std::string::npos);
  EXPECT_NE(ran.out.find("highest the same in 64\n"), std::string::npos) << ran.out;
}

/// Hands out some of the checkpoints.
class Some final : public model::Session {
 public:
  Some(model::Session& session, std::set<Tap> taps) : session_(session), taps_(std::move(taps)) {}
  Result<model::Rows> forward(std::span<const uint32_t> tokens, model::Logits which,
                              const model::TapSink& taps) override {
    return session_.forward(tokens, which, [&](Tap tap, int64_t layer, View<const double, 3> rows) {
      if (taps_.contains(tap)) taps(tap, layer, rows);
    });
  }
  int64_t length() const override { return session_.length(); }
  void reset() override { session_.reset(); }

 private:
  model::Session& session_;
  std::set<Tap> taps_;
};

class FusedSide : public testing::Test {
 protected:
  CompareReport against_reference(model::Session& session, const std::set<Tap>& taps) const {
    Some some(session, taps);
    reference::Session reference(model_);
    const std::vector<uint32_t> tokens{5, 17, 88, 3, 60};
    const auto report =
        compare_sides(model_, {.name = "reference", .session = &reference}, {.name = "b", .session = &some},
                      *plan_calls(tokens, 2, 0, model_.config.vocab));
    EXPECT_TRUE(report) << report.error().message();
    return *report;
  }
  const std::set<Tap> step_ = {Tap::embed,        Tap::attn_q_rope, Tap::attn_k_rope,   Tap::cache_k,
                               Tap::cache_v,      Tap::attn_mix,    Tap::attn_residual, Tap::ffn_act,
                               Tap::ffn_residual, Tap::logits};
  model::Model model_ = *model::open(tiny("tiny-q4_k_m"));
};

TEST_F(FusedSide, IsCoveredByTheCheckpointsOfADecodeStep) {
  reference::Session session(model_);
  const CompareReport report = against_reference(session, step_);
  EXPECT_EQ(report.verdict, Comparison::equal) << report.text();
}

TEST_F(FusedSide, IsCoveredWithoutQueriesAndActivations) {
  std::set<Tap> taps = step_;
  taps.erase(Tap::attn_q_rope);
  taps.erase(Tap::ffn_act);
  reference::Session session(model_);
  const CompareReport report = against_reference(session, taps);
  EXPECT_EQ(report.verdict, Comparison::equal) << report.text();
}

TEST_F(FusedSide, NamesTheFirstCheckpointBehindAHiddenOneAndItsCause) {
  const gguf::Tensor& tensor = *model_.weights.find(model::Role::attn_q_bias, 1);
  std::vector<float> bias(tensor.elements());
  tensor.type->decode(tensor.data.data(), static_cast<int64_t>(bias.size()), bias.data());
  PlantedSession wrong(model_, [&](const Planting& at) {
    if (at.tap != Tap::attn_q || at.layer != 1) return;
    for (int64_t i = 0; i < at.values.size(); ++i)
      at.values.data[i] -= double{bias[static_cast<size_t>(i) % bias.size()]};
  });
  const CompareReport report = against_reference(wrong, step_);
  ASSERT_NE(report.first_bad(), nullptr) << report.text();
  EXPECT_EQ(report.first_bad()->place(), "blk.1.attn_q_rope, position 0, head 0");
  ASSERT_FALSE(report.first_bad()->causes.empty());
  EXPECT_EQ(report.first_bad()->causes[0].id, "bias-missing");
}

TEST_F(FusedSide, CannotBeDecidedByLogitsThatDifferALittle) {
  PlantedSession wrong(model_, [](const Planting& at) {
    if (at.tap == Tap::attn_out && at.layer == 0) at.values(0, 0, 0) += 0.02;
  });
  const CompareReport report = against_reference(wrong, {Tap::logits});
  EXPECT_EQ(report.verdict, Comparison::undecided) << report.text();
  EXPECT_NE(report.reason.find("b does not hand out the input of every checkpoint"), std::string::npos)
      << report.reason;
}

TEST_F(FusedSide, IsDecidedByLogitsThatAgreeOrAreFarApart) {
  reference::Session right(model_);
  EXPECT_EQ(against_reference(right, {Tap::logits}).verdict, Comparison::equal);
  PlantedSession wrong(model_, [](const Planting& at) {
    if (at.tap == Tap::attn_residual)
      for (int64_t i = 0; i < at.values.size(); ++i) at.values.data[i] *= i % 2 == 0 ? 3 : -1;
  });
  const CompareReport report = against_reference(wrong, {Tap::logits});
  EXPECT_EQ(report.verdict, Comparison::diverged) << report.text();
  EXPECT_NE(report.reason.find("by more than rounding does"), std::string::npos) << report.reason;
}

TEST_F(FusedSide, WithoutCheckpointsCannotBeDecided) {
  reference::Session session(model_);
  EXPECT_EQ(against_reference(session, {}).verdict, Comparison::undecided);
}

/// The scripts of examples/capture, where Python has what they need.
class Scripts : public ProgramTest {
 protected:
  static std::string python() {
    const char* const named = std::getenv("KIGO_PYTHON");
    return named == nullptr ? "python3" : named;
  }
  static bool has(const std::string& packages) {
    return std::system(cat(python(), " -c 'import ", packages, "' > /dev/null 2>&1").c_str()) == 0;
  }
  int run(const std::string& script, const std::string& arguments) const {
    return std::system(cat(python(), " ", KIGO_SOURCE_DIR, "/examples/capture/", script, " ", arguments,
                           " --out ", path("made.safetensors"), " > /dev/null 2>&1")
                           .c_str());
  }
};

TEST_F(Scripts, OfTransformersInFloatHalfAndBfloat16) {
  if (!has("torch, transformers, safetensors, gguf"))
    GTEST_SKIP() << python() << " lacks torch, transformers, safetensors or gguf; KIGO_PYTHON names another";
  for (const char* type : {"float32", "float16", "bfloat16"}) {
    ASSERT_EQ(run("transformers_capture.py",
                  cat(tiny("llama-q4_k_m"), " --tokens 5,17,88,21,90 --steps 2 --dtype ", type)),
              0);
    const Ran ran = kigo({"compare", "reference", "made.safetensors", "-m", tiny("llama-q4_k_m")});
    EXPECT_EQ(ran.exit, 0) << type << ran.out << ran.err;
  }
  // Transformers' own loader leaves out the divisors of a llama file's rotary frequencies.
  ASSERT_EQ(run("transformers_capture.py", cat(tiny("llama-q4_k_m"), " --tokens 5,17,88,21,90 --as-loaded")),
            0);
  const Ran ran = kigo({"compare", "reference", "made.safetensors", "-m", tiny("llama-q4_k_m")});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.out.find("first       blk.0.attn_q_rope, position 1, head 0\n"), std::string::npos)
      << ran.out;
  EXPECT_NE(
      ran.out.find("cause       the divisors of rope_freqs.weight are left out (reproduces every element)\n"),
      std::string::npos)
      << ran.out;
}

TEST_F(Scripts, OfLlamaCpp) {
  if (!has("llama_cpp, numpy, safetensors"))
    GTEST_SKIP() << python() << " lacks llama_cpp, numpy or safetensors; KIGO_PYTHON names another";
  ASSERT_EQ(run("llama_cpp_capture.py", cat(tiny("tiny-f16"), " --tokens 5,17,88,21 --steps 1")), 0);
  const Ran ran = kigo({"compare", "reference", "made.safetensors", "-m", tiny("tiny-f16")});
  EXPECT_EQ(ran.exit, 3) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("logits      4 rows: NMSE "), std::string::npos) << ran.out;
}

}  // namespace
}  // namespace kigo::tools
