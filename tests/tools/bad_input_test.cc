// What a user gets wrong: one line with found and expected, exit status 1; a wrong command line: exit
// status 2.
#include <algorithm>

#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "core/model/weights.h"
#include "tests/tools/program.h"
#include "tools/lib/seeded_model.h"

namespace kigo::tools {
namespace {

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class BadInput : public ProgramTest {
 protected:
  static const std::vector<std::byte>& tiny() {
    static const std::vector<std::byte> kBytes = *make_model_bytes({"tiny", "q4_k_m", 1});
    return kBytes;
  }

  /// The tiny model after `change`.
  template <class Change>
  std::string changed(const Change& change) {
    gguf::File file = *gguf::read(tiny());
    change(file);
    const auto bytes = gguf::write(file);
    EXPECT_TRUE(bytes) << bytes.error().message();
    return write("changed.gguf", text_of(*bytes));
  }

  static gguf::Tensor& tensor(gguf::File& file, std::string_view name) {
    return *std::ranges::find(file.tensors, name, &gguf::Tensor::name);
  }
  static gguf::Value& value(gguf::File& file, std::string_view key) {
    return std::ranges::find(file.metadata, key, &gguf::Pair::key)->value;
  }

  /// One line that begins with "kigo: ", holds `text`, and exit status 1.
  static void expect_refusal(const Ran& ran, const std::string& text) {
    EXPECT_EQ(ran.exit, 1);
    EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
    EXPECT_TRUE(ran.err.starts_with("kigo: ")) << ran.err;
    EXPECT_NE(ran.err.find(text), std::string::npos) << ran.err;
  }
  Ran logits(const std::string& model) const { return kigo({"logits", "--model", model, "--tokens", "1,2"}); }
};

TEST_F(BadInput, NoFile) {
  expect_refusal(logits("none.gguf"), "none.gguf: cannot open: No such file or directory");
}

TEST_F(BadInput, ADirectory) { expect_refusal(logits(path("")), "is a directory, expected a regular file"); }

TEST_F(BadInput, AnEmptyFile) { expect_refusal(logits(write("empty.gguf", "")), "truncated"); }

TEST_F(BadInput, WrongMagic) {
  expect_refusal(logits(write("zip.gguf", "PK\x03\x04 and what follows in a zip file")), "bad_magic, byte 0");
}

TEST_F(BadInput, TruncatedHeader) {
  expect_refusal(logits(write("short.gguf", text_of(tiny()).substr(0, 20))), "truncated");
}

TEST_F(BadInput, ATensorPastTheEnd) {
  const std::string bytes = text_of(tiny());
  expect_refusal(logits(write("cut.gguf", bytes.substr(0, bytes.size() - 4096))), "truncated");
}

TEST_F(BadInput, AMissingTensor) {
  const auto model = changed([](gguf::File& file) {
    std::erase_if(file.tensors, [](const gguf::Tensor& t) { return t.name == "blk.1.ffn_up.weight"; });
  });
  expect_refusal(logits(model), "blk.1.ffn_up.weight: ");
  expect_refusal(logits(model), "missing_tensor");
}

TEST_F(BadInput, AWrongShape) {
  const auto model = changed([](gguf::File& file) {
    gguf::Tensor& bias = tensor(file, "blk.0.attn_q.bias");
    bias.dims[0] /= 2;
    bias.data = bias.data.first(bias.data.size() / 2);
  });
  expect_refusal(logits(model), "blk.0.attn_q.bias: shape [");
  expect_refusal(logits(model), "wrong_shape");
}

TEST_F(BadInput, AnUnsupportedArchitecture) {
  const auto model =
      changed([](gguf::File& file) { value(file, "general.architecture") = std::string_view("mamba"); });
  expect_refusal(logits(model), "mamba");
  expect_refusal(logits(model), "qwen2");
}

TEST_F(BadInput, AnUnsupportedTensorType) {
  static std::vector<std::byte> blocks;
  const auto model = changed([](gguf::File& file) {
    gguf::Tensor& up = tensor(file, "blk.0.ffn_up.weight");
    up.type = quant::find_tensor_type("IQ2_XXS");
    blocks.resize(up.elements() / up.type->block_values * up.type->block_bytes);
    up.data = blocks;
  });
  expect_refusal(logits(model), "IQ2_XXS");
  expect_refusal(logits(model), "unsupported");
}

TEST_F(BadInput, AScaleThatIsNotANumber) {
  static std::vector<std::byte> blocks;
  const auto model = changed([](gguf::File& file) {
    gguf::Tensor& down = tensor(file, "blk.0.ffn_down.weight");
    blocks.assign(down.data.begin(), down.data.end());
    std::ranges::fill(std::span(blocks).last(down.type->block_bytes),
                      std::byte{0xFF});  // its scales too: NaN
    down.data = blocks;
  });
  expect_refusal(logits(model), "blk.0.ffn_down.weight");
  expect_refusal(logits(model), "bad_data");
}

TEST_F(BadInput, APromptLongerThanTheContext) {
  const auto model = changed([](gguf::File& file) { value(file, "qwen2.context_length") = uint32_t{8}; });
  expect_refusal(kigo({"generate", "--model", model, "--tokens", "1,2,3,4,5,6,7,8"}),
                 "prompt: 8 tokens, expected at most 7");
  expect_refusal(kigo({"logits", "--model", model, "--tokens", "1,2,3,4,5,6,7,8,9"}), "context_overflow");
}

TEST_F(BadInput, ABackendThatIsNotThere) {
  for (const char* command : {"verify", "haiku"}) {
    const Ran ran = kigo({command, "--backend", "cuda", "--device", "1000"});
    expect_refusal(ran, "cuda");
    EXPECT_TRUE(ran.out.empty()) << ran.out;
  }
  EXPECT_TRUE(files().empty());
}

TEST_F(BadInput, InvalidUtf8) {
  const auto model = write("tiny.gguf", text_of(tiny()));
  expect_refusal(kigo({"generate", "--model", model, "--prompt", "abc\xFFz"}), "invalid_utf8, byte 3");
  expect_refusal(kigo({"tokenize", "--model", model, "abc\xFFz"}), "invalid_utf8, byte 3");
  const Ran many = kigo({"tokenize", "--model", model, "--jsonl", "-"}, "{\"text\": \"a\"}\n{\"text\": 1}\n");
  expect_refusal(many, "line 2: no member text");
  EXPECT_EQ(std::ranges::count(many.out, '\n'), 1);  // the line before it has its answer
}

TEST_F(BadInput, TokensThatAreNone) {
  const auto model = write("tiny.gguf", text_of(tiny()));
  expect_refusal(kigo({"logits", "--model", model, "--tokens", "1,x"}), "token 1: \"x\"");
  expect_refusal(kigo({"logits", "--model", model, "--tokens", "1,,2"}), "token 1: \"\"");
  expect_refusal(kigo({"logits", "--model", model, "--tokens", "4000000"}), "4000000");
}

TEST_F(BadInput, SamplingOutOfRange) {
  const auto model = write("tiny.gguf", text_of(tiny()));
  expect_refusal(kigo({"generate", "--model", model, "--tokens", "1", "-t", "2.5"}),
                 "temperature: 2.5, expected 0..2");
  expect_refusal(kigo({"generate", "--model", model, "--tokens", "1", "-t", "nan"}), "temperature: nan");
}

TEST_F(BadInput, AStopStringThatIsNoText) {
  const auto model = write("tiny.gguf", text_of(tiny()));
  expect_refusal(kigo({"generate", "--model", model, "--tokens", "1", "--stop", "a", "--stop", "\xF0\x9F"}),
                 "stop[1]: byte 0xf0, expected well-formed UTF-8");
}

TEST_F(BadInput, ARecordOfAHaikuThatIsNotThere) {
  expect_refusal(kigo({"haiku", "--recheck", "none"}), "kigo: none/sse_transcript.ndjson: cannot open");
  std::filesystem::create_directory(path("run"));
  for (const char* name : {"run/sse_transcript.ndjson", "run/reference.json", "run/environment.json"})
    write(name, "[]\n");
  expect_refusal(kigo({"haiku", "--recheck", "run"}),
                 "kigo: run: sse_transcript.ndjson line 1, attempt: missing");
}

TEST_F(BadInput, LeavesNothingBehind) {
  const auto model = write("tiny.gguf", text_of(tiny()));
  expect_refusal(kigo({"logits", "--model", model, "--tokens", "1", "--out", "none/x.npy"}), "none/x.npy");
  expect_refusal(kigo({"make-model", "--out", "none/x.gguf"}), "none/x.gguf");
  EXPECT_EQ(files(), std::vector<std::string>{"tiny.gguf"});
}

TEST_F(BadInput, AsJsonToo) {
  const Ran ran = kigo({"inspect", "none.gguf", "--json"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_EQ(*ran.json().find("error")->find("code")->string(), "io");
}

class BadCommandLine : public ProgramTest, public testing::WithParamInterface<std::vector<std::string>> {};

TEST_P(BadCommandLine, ExitsWithTwoAndOneLine) {
  const Ran ran = kigo(GetParam());
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
  EXPECT_TRUE(ran.out.empty()) << ran.out;
}

TEST_P(BadCommandLine, IsAnErrorObjectUnderJson) {
  std::vector<std::string> arguments = GetParam();
  arguments.push_back("--json");
  const Ran ran = kigo(arguments);
  EXPECT_EQ(ran.exit, 2);
  EXPECT_EQ(ran.error_lines(), 1u) << ran.err;
  const Json json = ran.json();
  const Json* error = json.find("error");
  ASSERT_NE(error, nullptr) << ran.out;
  EXPECT_EQ(*error->find("code")->string(), "invalid_request");
  EXPECT_FALSE(error->find("found")->string()->empty());
  EXPECT_TRUE(error->find("expected")->string()->ends_with("--help"));
}

using Arguments = std::vector<std::string>;
INSTANTIATE_TEST_SUITE_P(
    Of, BadCommandLine,
    testing::Values(
        Arguments{}, Arguments{"frobnicate"}, Arguments{"inspect"}, Arguments{"inspect", "a", "b"},
        Arguments{"inspect", "a", "--colour"}, Arguments{"generate"},
        Arguments{"generate", "-p", "a", "-c", "b"}, Arguments{"generate", "-p", "a", "--top-k", "many"},
        Arguments{"generate", "-p", "a", "--kv", "float"}, Arguments{"verify", "--reference", "slow"},
        Arguments{"generate", "-p", "a", "--system", "s"}, Arguments{"generate", "-p", "a", "--seed", "-1"},
        Arguments{"generate", "-p", "a", "-t", ""}, Arguments{"generate", "-p", "a", "-n", "-1"},
        Arguments{"generate", "-p", "a", "-n", "9223372036854775808"},
        Arguments{"generate", "-p", "a", "--stop", "b", "c"},
        Arguments{"logits", "--tokens", "1", "--out", ""}, Arguments{"haiku", "-n", "9223372036854775808"},
        Arguments{"haiku", "--recheck", ""}, Arguments{"haiku", "--at", ""}, Arguments{"haiku", "--out", ""},
        Arguments{"tokenize", "--jsonl", ""}, Arguments{"tokenize"},
        Arguments{"tokenize", "text", "--jsonl", "-"}, Arguments{"logits", "--out", "x.npy"},
        Arguments{"make-model"}, Arguments{"verify", "a", "b"}));

}  // namespace
}  // namespace kigo::tools
