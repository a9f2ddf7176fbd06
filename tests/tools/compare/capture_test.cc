// Captures: what is written comes back, by our writer and by the header for other engines, in C and in C++;
// and what is no capture is refused by name.
#include <gtest/gtest.h>

#include <filesystem>

#include "core/base/cat.h"
#include "include/kigo_capture.h"
#include "tests/tools/program.h"
#include "tools/lib/compare/capture_file.h"
#include "tools/lib/goldens.h"

extern "C" int kigo_write_capture_in_c(const char* path);

namespace kigo::tools {
namespace {

using model::Tap;

class Capture : public ProgramTest {
 protected:
  /// A file with this head behind its length.
  std::string file_with(const std::string& head, size_t data_bytes) const {
    std::string bytes(8, '\0');
    const uint64_t length = head.size();
    std::memcpy(bytes.data(), &length, sizeof length);
    return write("bad.safetensors", bytes + head + std::string(data_bytes, '\0'));
  }
  std::string refusal(const std::string& metadata, const std::string& tensors = {},
                      size_t data_bytes = 0) const {
    const auto opened =
        CaptureFile::open(file_with(cat("{\"__metadata__\":{", metadata, "}", tensors, "}"), data_bytes));
    return opened ? "" : opened.error().message();
  }
  std::vector<double> all(const CaptureFile& file, size_t call, Tap tap) const {
    const auto read = file.read(call, [&](Tap one, int64_t) { return one == tap; });
    const std::vector<double>* values = read->find(tap, 0);
    return values == nullptr ? std::vector<double>() : *values;
  }
};

void expect_the_capture_in_c(const std::string& path) {
  const auto file = CaptureFile::open(path);
  ASSERT_TRUE(file) << file.error().message();
  EXPECT_EQ(file->engine(), "an engine in C");
  EXPECT_EQ(file->model_sha256(), "abc");
  ASSERT_EQ(file->calls().size(), 2u);
  EXPECT_EQ(file->calls()[0].tokens, (std::vector<uint32_t>{5, 17}));
  EXPECT_EQ(file->calls()[1].tokens, (std::vector<uint32_t>{88}));
  EXPECT_EQ(file->rounding().prompt.unit, compare::kUnitFloat);
  const auto embed = file->read(0, [](Tap, int64_t) { return true; });
  EXPECT_EQ(*embed->find(Tap::embed, 0), (std::vector<double>{1, 2, 3, 4, -5, 6.5, 7, 8}));
  const auto logits = file->read(1, [](Tap, int64_t) { return true; });
  EXPECT_EQ(*logits->find(Tap::logits, 0), (std::vector<double>{0.1, 0.2, 0.3}));
}

TEST_F(Capture, OfTheHeaderInC) {
  ASSERT_EQ(kigo_write_capture_in_c(path("c.safetensors").c_str()), 1);
  expect_the_capture_in_c(path("c.safetensors"));
  EXPECT_EQ(files(), std::vector<std::string>{"c.safetensors"});
}

TEST_F(Capture, OfTheHeaderInCpp) {
  const uint32_t tokens[] = {5, 17, 88};
  const size_t calls[] = {2, 1}, rows[] = {2, 4}, logits[] = {1, 3};
  const float embed[] = {1, 2, 3, 4, -5, 6.5F, 7, 8};
  const double last[] = {0.1, 0.2, 0.3};
  kigo_capture capture;
  EXPECT_EQ(kigo_capture_open(&capture, path("x").c_str(), "an engine in C", "abc", tokens, 3, calls, 2), 1);
  EXPECT_EQ(kigo_capture_add(&capture, 0, "embed", "F32", rows, 2, embed), 1);
  EXPECT_EQ(kigo_capture_add(&capture, 1, "logits", "F64", logits, 2, last), 1);
  EXPECT_EQ(kigo_capture_close(&capture), 1);
  expect_the_capture_in_c(path("x"));
}

TEST_F(Capture, OfTheHeaderThatFailsLeavesNoFile) {
  const uint32_t tokens[] = {5};
  const size_t one[] = {1}, two[] = {2}, shape[] = {1, 1};
  const float value[] = {1};
  kigo_capture capture;
  EXPECT_EQ(kigo_capture_open(&capture, path("x").c_str(), "e", nullptr, tokens, 1, two, 1), 0);
  EXPECT_STREQ(capture.error, "calls that do not add up to the tokens");
  EXPECT_EQ(kigo_capture_close(&capture), 0);
  EXPECT_EQ(kigo_capture_open(&capture, path("x").c_str(), "a \"quote\"", nullptr, tokens, 1, one, 1), 0);
  EXPECT_EQ(kigo_capture_close(&capture), 0);
  EXPECT_EQ(kigo_capture_open(&capture, path("x").c_str(), "e", nullptr, tokens, 1, one, 1), 1);
  EXPECT_EQ(kigo_capture_add(&capture, 0, "embed", "I8", shape, 2, value), 0);
  EXPECT_EQ(kigo_capture_add(&capture, 0, "embed", "F32", shape, 2, value), 0);
  EXPECT_STREQ(capture.error, "a type that is not F64, F32, F16 or BF16");
  EXPECT_EQ(kigo_capture_close(&capture), 0);
  EXPECT_EQ(kigo_capture_open(&capture, path("no/x").c_str(), "e", nullptr, tokens, 1, one, 1), 0);
  EXPECT_EQ(kigo_capture_close(&capture), 0);
  EXPECT_EQ(files(), std::vector<std::string>{});
}

const std::string kGood = R"("format":"kigo-capture 1","tokens":"5,17,88","calls":"2,1")";
std::string tensor(const std::string& name, const std::string& shape, const std::string& offsets) {
  return cat(",\"", name, "\":{\"dtype\":\"F32\",\"shape\":", shape, ",\"data_offsets\":", offsets, "}");
}

TEST_F(Capture, ThatIsNoneIsRefused) {
  const std::string bad = path("bad.safetensors");
  EXPECT_EQ(refusal(kGood), "");
  EXPECT_EQ(refusal("\"tokens\":\"1\""),
            bad + ": __metadata__.format: nothing, expected kigo-capture 1 (bad_value)");
  EXPECT_EQ(refusal(R"("format":"kigo-capture 1")"),
            bad + ": __metadata__.tokens: nothing, expected the ids: 1,5,9 (bad_value)");
  EXPECT_NE(refusal(R"("format":"kigo-capture 1","tokens":"1,x")").find("__metadata__.tokens: "),
            std::string::npos);
  for (const char* calls : {"1,1", "4", "3,0", "2,2"})
    EXPECT_NE(refusal(cat(R"("format":"kigo-capture 1","tokens":"5,17,88","calls":")", calls, "\""))
                  .find("expected sizes above 0 that add up to the 3 tokens"),
              std::string::npos)
        << calls;
  EXPECT_NE(refusal(kGood + R"(,"rounding":"triple")").find("rounding triple, expected double, float"),
            std::string::npos);
  EXPECT_NE(refusal(kGood + R"(,"rounding":"float half")").find("rounding float half, expected cache-half"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("blk.0.attn", "[2,1]", "[0,8]"), 8).find("no checkpoint's name"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("blk.0.logits", "[2,1]", "[0,8]"), 8).find("no checkpoint's name"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("attn_q", "[2,1]", "[0,8]"), 8).find("no checkpoint's name"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("blk.-1.attn_q", "[2,1]", "[0,8]"), 8).find("no checkpoint's name"),
            std::string::npos);
  EXPECT_NE(
      refusal(kGood, tensor("call.2.embed", "[1,2]", "[0,8]"), 8).find("call 2, expected one of 2 calls"),
      std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("embed", "[3,1]", "[0,12]"), 12).find("shape [3, 1], expected 2 rows"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("embed", "[2]", "[0,8]"), 8).find("shape [2], expected 2 rows"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("call.1.blk.0.cache_k", "[1,2]", "[0,8]"), 8).find("expected 3 rows"),
            std::string::npos);
  EXPECT_NE(refusal(kGood, tensor("embed", "[2,1]", "[0,8]") + tensor("call.0.embed", "[2,1]", "[8,16]"), 16)
                .find("twice under two names"),
            std::string::npos);
}

TEST_F(Capture, OfTheReferenceIsTheReference) {
  const std::string tiny = golden_folder() + "/tiny/llama-q4_k_m.gguf";
  const Ran made = kigo(
      {"capture", "reference", "-m", tiny, "--tokens", "5,17,88,21", "--steps", "1", "-o", "r.safetensors"});
  EXPECT_EQ(made.exit, 0) << made.err;
  EXPECT_TRUE(made.out.starts_with("r.safetensors: 4 tokens in 2 calls of reference, ")) << made.out;
  for (const std::vector<std::string>& sides : {std::vector<std::string>{"reference", "r.safetensors"},
                                                {"r.safetensors", "reference"},
                                                {"r.safetensors", "r.safetensors"}}) {
    const Ran ran = kigo({"compare", sides[0], sides[1], "-m", tiny});
    EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
    EXPECT_NE(ran.out.find("NMSE 0, worst KL divergence 0 nats, highest the same in 4"), std::string::npos)
        << ran.out;
    EXPECT_NE(ran.out.find("verdict: equal: every checkpoint of both sides is within its bound\n"),
              std::string::npos);
  }
}

TEST_F(Capture, OfAnotherRunOrModelIsRefused) {
  const std::string tiny = golden_folder() + "/tiny/llama-q4_k_m.gguf";
  ASSERT_EQ(kigo({"capture", "reference", "-m", tiny, "--tokens", "5,17,88", "-o", "a"}).exit, 0);
  ASSERT_EQ(kigo({"capture", "reference", "-m", tiny, "--tokens", "5,17,88,3", "-o", "b"}).exit, 0);
  ASSERT_EQ(kigo({"capture", "reference", "-m", tiny, "--tokens", "5,17,89", "-o", "c"}).exit, 0);
  ASSERT_EQ(kigo({"capture", "reference", "-m", tiny, "--tokens", "5,17,88", "--chunk", "2", "-o", "d"}).exit,
            0);
  const auto error = [&](const std::vector<std::string>& arguments) {
    const Ran ran = kigo(arguments);
    EXPECT_EQ(ran.exit, 1) << ran.out;
    EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
    return ran.err;
  };
  EXPECT_EQ(error({"compare", "a", "b", "-m", tiny}), "kigo: b: 4 tokens, expected 3 (invalid_request)\n");
  EXPECT_EQ(error({"compare", "a", "c", "-m", tiny}),
            "kigo: c: token 89 at position 2, expected 88 (invalid_request)\n");
  EXPECT_EQ(error({"compare", "a", "d", "-m", tiny}),
            "kigo: d: calls of [2, 1], expected the same as the other side's: [3] (invalid_request)\n");
  EXPECT_NE(error({"compare", "reference", "a"}).find("kigo: a: a capture of the model with sha256 "),
            std::string::npos);
  EXPECT_EQ(error({"compare", "reference", "a", "-m", tiny, "--tokens", "1"}),
            "kigo: tokens: a prompt and the capture a, expected one of them: a capture brings its tokens "
            "(invalid_request)\n");
  EXPECT_EQ(error({"compare", "reference", "reference", "-m", tiny}),
            "kigo: tokens: no prompt, expected --tokens, --prompt or --chat (invalid_request)\n");
  EXPECT_EQ(error({"compare", "reference", "nothing", "--tokens", "1"}),
            "kigo: nothing: no side and no file, expected reference, reference-half, cuda, cuda-half, "
            "cuda-float or a "
            "capture (invalid_request)\n");
  EXPECT_EQ(error({"compare", "reference", tiny, "--tokens", "1"}).find("kigo: "), 0u);
  EXPECT_EQ(
      error({"capture", "reference", "-m", tiny, "--tokens", "1,2", "--steps", "2", "-o", "e"}),
      "kigo: tokens: 2 tokens and 2 steps, expected at least one token before the steps (invalid_request)\n");
  EXPECT_EQ(kigo({"compare", "reference"}).exit, 2);
  EXPECT_EQ(kigo({"capture", "nobody", "--tokens", "1", "-o", "e"}).exit, 2);
  EXPECT_EQ(files(), (std::vector<std::string>{"a", "b", "c", "d"}));
}

TEST_F(Capture, OfWhatIsSaidToBeOfAnotherShapeIsRefused) {
  const uint32_t tokens[] = {5, 17};
  const size_t calls[] = {2}, shape[] = {2, 7};
  const float values[14] = {};
  kigo_capture capture;
  kigo_capture_open(&capture, path("x").c_str(), "e", nullptr, tokens, 2, calls, 1);
  kigo_capture_add(&capture, 0, "blk.9.attn_norm", "F32", shape, 2, values);
  ASSERT_EQ(kigo_capture_close(&capture), 1);
  EXPECT_NE(kigo({"compare", "reference", "x"}).err.find("blk.9.attn_norm: layer 9, expected a model of 4"),
            std::string::npos);
  kigo_capture_open(&capture, path("x").c_str(), "e", nullptr, tokens, 2, calls, 1);
  kigo_capture_add(&capture, 0, "blk.0.attn_norm", "F32", shape, 2, values);
  ASSERT_EQ(kigo_capture_close(&capture), 1);
  EXPECT_NE(kigo({"compare", "reference", "x"}).err.find("rows of 7, expected rows of "), std::string::npos);
}

}  // namespace
}  // namespace kigo::tools
