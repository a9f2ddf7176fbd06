// The commands as a user runs them, on the model that ships with kigo and on seeded ones.
#include <algorithm>

#include "core/gguf/reader.h"
#include "core/gguf/writer.h"
#include "tests/tools/program.h"
#include "tools/lib/goldens.h"
#include "tools/lib/seeded_model.h"

namespace kigo::tools {
namespace {

class Commands : public ProgramTest {
 protected:
  std::string tiny() const {
    EXPECT_EQ(kigo({"make-model", "--shape", "tiny", "--out", "tiny.gguf"}).exit, 0);
    return path("tiny.gguf");
  }
};

TEST_F(Commands, HelpAndVersionExitWithZero) {
  EXPECT_EQ(kigo({"--help"}).exit, 0);
  EXPECT_EQ(kigo({"generate", "--help"}).exit, 0);
  EXPECT_EQ(kigo({"--version"}).out, "0.1.0\n");
}

#ifndef KIGO_FAULTS
TEST_F(Commands, TheProgramHoldsNoSeededFault) {
  EXPECT_EQ(read_text_file(KIGO_PROGRAM)->find("KIGO_FAULT"), std::string::npos);
}
#endif

TEST_F(Commands, InspectListsEverything) {
  const Ran text = kigo({"inspect", tiny()});
  EXPECT_EQ(text.exit, 0);
  for (const char* wanted :
       {"general.architecture", "\"qwen2\"", "blk.1.ffn_down.weight", "GGUF version 3", "totals"}) {
    EXPECT_NE(text.out.find(wanted), std::string::npos) << wanted;
  }
  EXPECT_EQ(text.out.find('\x1b'), std::string::npos);  // no colour where there is no terminal
  const Json json = kigo({"inspect", path("tiny.gguf"), "--json"}).json();
  uint64_t tensors = 0;
  for (const auto& [type, total] : *json.find("totals")->members()) {
    tensors += static_cast<uint64_t>(*total.find("tensors")->integer());
  }
  EXPECT_EQ(tensors, json.find("tensors")->items()->size());
  EXPECT_EQ(*json.find("bytes")->integer(),
            static_cast<int64_t>(std::filesystem::file_size(path("tiny.gguf"))));
}

TEST_F(Commands, InspectTakesTheHeadsOfRealLayouts) {
  const std::string folder = KIGO_SOURCE_DIR "/golden/headers/";
  const Json heads = Json::parse(*read_text_file(folder + "headers.json"), "headers").value();
  ASSERT_GE(heads.find("heads")->items()->size(), 6u);
  for (const Json& head : *heads.find("heads")->items()) {
    const std::string file = folder + *head.find("file")->string();
    const Json json = kigo({"inspect", "--head", "--json", file}).json();
    EXPECT_EQ(static_cast<int64_t>(json.find("tensors")->items()->size()), *head.find("tensors")->integer());
    int64_t bytes = 0;
    for (const Json& tensor : *json.find("tensors")->items()) bytes += *tensor.find("bytes")->integer();
    EXPECT_EQ(bytes, *head.find("tensor_bytes")->integer()) << file;
    EXPECT_EQ(kigo({"inspect", "--head", file}).exit, 0);
    const Ran whole = kigo({"inspect", file});  // without --head the data must be there
    EXPECT_EQ(whole.exit, bytes == 0 ? 0 : 1) << file;
    EXPECT_EQ(whole.err.find("truncated") != std::string::npos, bytes != 0) << whole.err;
  }
}

TEST_F(Commands, InspectGivesElementsAsWhatTheyAre) {
  gguf::File file;
  const std::array<float, 2> reals{0.5f, 2};
  gguf::Array array;
  array.element = gguf::ValueType::f32;
  array.count = reals.size();
  array.bytes = std::as_bytes(std::span(reals));
  file.metadata.push_back({"x.reals", array, 0});
  file.alignment = 32;
  const auto bytes = gguf::write(file);
  ASSERT_TRUE(bytes) << bytes.error().message();
  write("a.gguf", {reinterpret_cast<const char*>(bytes->data()), bytes->size()});
  const Ran ran = kigo({"inspect", "a.gguf", "--json"});
  const Json json = ran.json();
  const Json* first = json.find("metadata")->items()->front().find("value")->find("first");
  EXPECT_EQ(first->dump(), "[0.5,2.0]");
  EXPECT_NE(kigo({"inspect", "a.gguf"}).out.find("2 f32: 0.5, 2"), std::string::npos);
}

TEST_F(Commands, MakeModelGivesTheSameBytesForASeed) {
  ASSERT_EQ(kigo({"make-model", "--seed", "7", "--out", "a.gguf"}).exit, 0);
  ASSERT_EQ(kigo({"make-model", "--seed", "7", "--out", "b.gguf"}).exit, 0);
  ASSERT_EQ(kigo({"make-model", "--seed", "8", "--out", "c.gguf"}).exit, 0);
  EXPECT_EQ(*read_text_file(path("a.gguf")), *read_text_file(path("b.gguf")));
  EXPECT_NE(*read_text_file(path("a.gguf")), *read_text_file(path("c.gguf")));
}

TEST_F(Commands, GenerateIsReproducible) {
  const std::vector<std::string> sampled{"generate", "--model", tiny(), "--tokens", "1,2,3",
                                         "--seed",   "5",       "-n",   "24",       "--json"};
  const Json first = kigo(sampled).json();
  EXPECT_EQ(*first.find("ids"), *kigo(sampled).json().find("ids"));
  EXPECT_EQ(first.find("ids")->items()->size(), 24u);
  auto other = sampled;
  other[6] = "6";
  EXPECT_NE(*first.find("ids"), *kigo(other).json().find("ids"));
}

TEST_F(Commands, GenerateStreamsTheSameText) {
  const std::vector<std::string> plain{
      "generate", "--chat", "Write a haiku about cats that includes the word \"ten\" (nonce: a1b2c3d4)",
      "-t",       "0",      "-n",
      "60"};
  auto streamed = plain;
  streamed.push_back("--stream");
  const Ran a = kigo(plain);
  const Ran b = kigo(streamed);
  EXPECT_EQ(a.exit, 0);
  EXPECT_GT(a.out.size(), 10u);
  EXPECT_EQ(a.out, b.out);
  EXPECT_NE(a.err.find("tokens/s"), std::string::npos);
}

TEST_F(Commands, GenerateStopsBeforeAStopString) {
  const std::string chat = "Write a haiku about cats that includes the word \"ten\" (nonce: a1b2c3d4)";
  const Json whole = kigo({"generate", "--chat", chat, "-t", "0", "--json"}).json();
  const std::string& text = *whole.find("text")->string();
  const Json cut = kigo({"generate", "--chat", chat, "-t", "0", "--stop", "\n", "--json"}).json();
  EXPECT_EQ(*cut.find("stop_reason")->string(), "STOP_SEQUENCE");
  EXPECT_EQ(*cut.find("text")->string(), text.substr(0, text.find('\n')));
}

TEST_F(Commands, TakesEveryValueAsItIsWritten) {
  const std::vector<std::string> base{"generate", "--model", golden_folder() + "/tiny/tiny-q4_k_m.gguf",
                                      "--tokens", "1",       "--json"};
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), base.begin(), base.end());
    return kigo(more);
  };
  const Ran ten = with({"-n", "010", "--seed", "08", "--ignore-eos"});
  EXPECT_EQ(ten.json().find("ids")->items()->size(), 10u);  // not octal
  EXPECT_EQ(ten.json().find("seed")->integer(), 8);
  // A string in brackets is one stop string, not a list: the random model says "a" before it says "[a,b]".
  const Ran brackets = with({"-n", "200", "--seed", "1", "--ignore-eos", "--stop", "[a,b]", "--stop", "[]"});
  EXPECT_EQ(brackets.exit, 0);
  EXPECT_NE(brackets.json().find("text")->string()->find('a'), std::string::npos);
  EXPECT_EQ(*brackets.json().find("stop_reason")->string(), "MAX_TOKENS");
}

TEST_F(Commands, GenerateFillsTheContextAndSaysSo) {
  const Ran ran = kigo(
      {"generate", "--model", tiny(), "--tokens", "1", "--ignore-eos", "-n", "100000", "-t", "0", "--json"});
  EXPECT_EQ(*ran.json().find("stop_reason")->string(), "CONTEXT_FULL");
}

TEST_F(Commands, LogitsWritesAnNpyFileOfEveryPosition) {
  const Json json = kigo({"logits", "--tokens", "1,5,9", "--out", "x.npy", "--json"}).json();
  EXPECT_EQ(json.find("shape")->items()->front().integer(), 3);
  const auto vocab = *json.find("shape")->items()->back().integer();
  const std::string npy = *read_text_file(path("x.npy"));
  EXPECT_TRUE(npy.starts_with("\x93NUMPY"));
  EXPECT_NE(npy.find("'descr': '<f4'"), std::string::npos);
  EXPECT_EQ(npy.size() % 64, static_cast<size_t>(3 * 4 * vocab) % 64);
}

TEST_F(Commands, LogitsOfTheFastReferenceAreNearThePlainOnes) {
  const std::vector<std::string> plain{"logits", "--model", tiny(), "--tokens", "5,6,7", "--json"};
  auto fast = plain;
  fast.insert(fast.end(), {"--reference", "fast"});
  const Json a = kigo(plain).json(), b = kigo(fast).json();
  double worst = 0, largest = 0;
  for (size_t row = 0; row < 3; ++row) {
    const Json& want = (*a.find("logits")->items())[row];
    const Json& got = (*b.find("logits")->items())[row];
    ASSERT_EQ(want.items()->size(), got.items()->size());
    for (size_t i = 0; i < want.items()->size(); ++i) {
      const double truth = *(*want.items())[i].number();
      worst = std::max(worst, std::abs(*(*got.items())[i].number() - truth));
      largest = std::max(largest, std::abs(truth));
    }
  }
  EXPECT_GT(worst, 0);
  EXPECT_LT(worst, 2e-6 * largest);
}

TEST_F(Commands, HaikuOfTheFastReferencePassesAndSaysSo) {
  const Json haiku = kigo({"haiku", "--reference", "fast", "--at", "2026-11-21T07:32:05Z", "--json"}).json();
  EXPECT_EQ(*haiku.find("verdict")->string(), "pass");
  const auto text = read_text_file(path(*haiku.find("folder")->string() + "/environment.json"));
  ASSERT_TRUE(text);
  EXPECT_NE(text->find("\"reference\": \"fast\""), std::string::npos) << *text;
}

TEST_F(Commands, LogitsRefusesWhatNoFloatHolds) {
  const std::string bytes = *read_text_file(tiny());
  gguf::File file = *gguf::read(std::as_bytes(std::span(bytes)));
  const auto norm = std::ranges::find(file.tensors, "output_norm.weight", &gguf::Tensor::name);
  const std::vector<float> huge(norm->elements(), 3e38f);
  norm->data = std::as_bytes(std::span(huge));
  const auto changed = gguf::write(file);
  ASSERT_TRUE(changed);
  write("huge.gguf", {reinterpret_cast<const char*>(changed->data()), changed->size()});
  const Ran ran = kigo({"logits", "--model", "huge.gguf", "--tokens", "1,2", "--out", "x.npy"});
  EXPECT_EQ(ran.exit, 1);
  EXPECT_NE(ran.err.find("(inference_failed)"), std::string::npos) << ran.err;
  EXPECT_FALSE(std::filesystem::exists(path("x.npy")));
}

TEST_F(Commands, VerifyKnowsThatATokenizerMayAddTokensOfItsOwn) {
  const std::string bytes = *read_text_file(golden_folder() + "/tiny/tiny-q4_k_m.gguf");
  gguf::File file = *gguf::read(std::as_bytes(std::span(bytes)));
  std::erase_if(file.metadata,
                [](const gguf::Pair& pair) { return pair.key == "tokenizer.ggml.add_bos_token"; });
  file.metadata.push_back({"tokenizer.ggml.add_bos_token", true, 0});
  if (file.find("tokenizer.ggml.bos_token_id") == nullptr)
    file.metadata.push_back({"tokenizer.ggml.bos_token_id", uint32_t{3}, 0});
  file.metadata.push_back({"tokenizer.ggml.add_eos_token", true, 0});
  const auto changed = gguf::write(file);
  ASSERT_TRUE(changed) << changed.error().message();
  write("adds.gguf", {reinterpret_cast<const char*>(changed->data()), changed->size()});
  const Ran ran = kigo({"verify", "adds.gguf"});
  EXPECT_EQ(ran.exit, 3) << ran.out;  // no logits from outside for this file, and nothing that fails
}

TEST_F(Commands, TokenizeAnswersEachLine) {
  const Ran one = kigo({"tokenize", "a haiku", "--json"});
  const Ran many = kigo({"tokenize", "--jsonl", "-"}, "{\"text\": \"a haiku\"}\n{\"text\": \"\"}\n");
  EXPECT_EQ(many.exit, 0);
  const size_t end = many.out.find('\n');
  EXPECT_EQ(*Json::parse(many.out.substr(0, end), "line")->find("ids"), *one.json().find("ids"));
  EXPECT_EQ(many.out.substr(end + 1), "{\"ids\":[]}\n");
}

TEST_F(Commands, HaikuPassesAndCanBeChecked) {
  const Ran ran = kigo({"haiku", "--json"});
  ASSERT_NE(ran.exit, 2) << ran.err;
  const Json json = ran.json();
  EXPECT_EQ(*json.find("engine")->string(), "pass");
  EXPECT_EQ(*json.find("verdict")->string(), "pass") << ran.out;
  EXPECT_EQ(files(), (std::vector<std::string>{"environment.json", "reference.json", "sse_transcript.ndjson",
                                               "test_report.md", "verification.json"}));
  const std::string folder = path(*json.find("folder")->string());
  const std::string before = *read_text_file(folder + "/verification.json");
  EXPECT_EQ(kigo({"haiku", "--recheck", folder}).exit, 0);
  EXPECT_EQ(*read_text_file(folder + "/verification.json"), before);
}

TEST_F(Commands, HaikuRejectsARecordingThatWasTouched) {
  const Ran ran = kigo({"haiku", "--at", "2026-01-02T03:07:05Z", "--json"});
  ASSERT_EQ(ran.exit, 0) << ran.out;
  const std::string transcript = path(*ran.json().find("folder")->string()) + "/sse_transcript.ndjson";
  std::string text = *read_text_file(transcript);
  text.replace(text.find("seven"), 5, "eight");  // the word that was asked for
  ASSERT_TRUE(write_file(transcript, text));
  EXPECT_EQ(kigo({"haiku", "--recheck", path(*ran.json().find("folder")->string())}).exit, 1);
  text.replace(text.find("\"event\""), 7, "\"tneve\"");
  ASSERT_TRUE(write_file(transcript, text));
  EXPECT_EQ(kigo({"haiku", "--recheck", path(*ran.json().find("folder")->string())}).exit, 1);
}

TEST_F(Commands, HaikuRejectsARecordingThatDeniesItsModel) {
  const Ran ran = kigo({"haiku", "--json"});
  const std::string folder = path(*ran.json().find("folder")->string());
  std::string text = *read_text_file(folder + "/environment.json");
  text.replace(text.find("\"shipped\": true"), 15, "\"shipped\": false");
  ASSERT_TRUE(write_file(folder + "/environment.json", text));
  const Ran recheck = kigo({"haiku", "--recheck", folder});
  EXPECT_EQ(recheck.exit, 1);
  EXPECT_NE(recheck.err.find("model.shipped: false, expected true"), std::string::npos) << recheck.err;
}

TEST_F(Commands, HaikuOfAnUntrainedModelFails) {
  const Ran ran = kigo({"haiku", "--model", tiny(), "--json"});
  EXPECT_EQ(ran.exit, 1);
  const Json json = ran.json();
  for (const Json& check : *json.find("checks")->items()) {
    const std::string& name = *check.find("check")->string();
    EXPECT_TRUE(*check.find("pass")->boolean() || name == "utf8") << check.dump();
  }
  for (const Json& check : *json.find("attempts")->items()->back().find("checks")->items())
    EXPECT_FALSE(*check.find("pass")->boolean() && *check.find("check")->string() == "word") << check.dump();
}

TEST_F(Commands, VerifyPassesTheModelThatShips) {
  const Ran ran = kigo({"verify"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  for (const char* wanted : {"Transformers", "llama.cpp", "gguf-py", "Hugging Face", "verdict: pass"}) {
    EXPECT_NE(ran.out.find(wanted), std::string::npos) << wanted;
  }
}

TEST_F(Commands, VerifyPassesALlamaWithItsTokenizerAndChatFormat) {
  const Ran ran = kigo({"verify", golden_folder() + "/tiny/llama-f16.gguf"});
  EXPECT_EQ(ran.exit, 0) << ran.out << ran.err;
  for (const char* wanted : {"tensors of llama", "Hugging Face", "verdict: pass"}) {
    EXPECT_NE(ran.out.find(wanted), std::string::npos) << wanted;
  }
}

TEST_F(Commands, VerifyIsUndecidedWithoutOutsideTruth) {
  const Ran ran = kigo({"verify", tiny()});
  EXPECT_EQ(ran.exit, 3) << ran.out << ran.err;
  EXPECT_NE(ran.out.find("no outside truth"), std::string::npos);
}

TEST_F(Commands, VerifyWorksOnIdsWhereThereIsNoTokenizer) {
  const std::vector<std::byte> bytes = *make_model_bytes({"tiny", "q8_0", 1});
  gguf::File file = *gguf::read(bytes);
  std::erase_if(file.metadata, [](const gguf::Pair& pair) { return pair.key.starts_with("tokenizer."); });
  const auto stripped = *gguf::write(file);
  ASSERT_TRUE(write_file(path("ids.gguf"), std::span<const std::byte>(stripped)));
  const Ran ran = kigo({"verify", "ids.gguf"});
  EXPECT_EQ(ran.exit, 3) << ran.out;
  EXPECT_NE(ran.out.find("none in this file"), std::string::npos);
  EXPECT_EQ(kigo({"logits", "--model", "ids.gguf", "--tokens", "1,2"}).exit, 0);
  const Ran text = kigo({"generate", "--model", "ids.gguf", "--prompt", "a"});
  EXPECT_EQ(text.exit, 1);
  EXPECT_NE(text.err.find("tokenizer.ggml.model"), std::string::npos) << text.err;
}

TEST_F(Commands, VerifyAsksForNoHaikuThatTheContextCannotHold) {
  const std::vector<std::byte> bytes = *make_model_bytes({"tiny", "q8_0", 1});
  gguf::File file = *gguf::read(bytes);
  std::ranges::find(file.metadata, "qwen2.context_length", &gguf::Pair::key)->value = uint32_t{32};
  const auto shortened = *gguf::write(file);
  ASSERT_TRUE(write_file(path("short.gguf"), std::span<const std::byte>(shortened)));
  const Ran ran = kigo({"verify", "short.gguf"});
  EXPECT_EQ(ran.exit, 3) << ran.out;
  EXPECT_NE(ran.out.find("no haiku was asked for: a context of 32 positions"), std::string::npos) << ran.out;
}

TEST_F(Commands, VerifyWritesJUnit) {
  EXPECT_EQ(kigo({"verify", tiny(), "--junit", "verify.xml"}).exit, 3);
  const std::string undecided = *read_text_file(path("verify.xml"));
  EXPECT_NE(undecided.find("<testsuite name=\"kigo verify\""), std::string::npos) << undecided;
  EXPECT_NE(undecided.find("failures=\"0\""), std::string::npos) << undecided;
  EXPECT_NE(undecided.find("<skipped message=\"no logits from outside"), std::string::npos) << undecided;
  EXPECT_EQ(kigo({"verify", write("broken.gguf", "GGUF"), "--junit", "broken.xml", "--json"}).exit, 1);
  const std::string broken = *read_text_file(path("broken.xml"));
  EXPECT_NE(broken.find("tests=\"1\" failures=\"1\""), std::string::npos) << broken;
  EXPECT_EQ(kigo({"verify", path("broken.gguf"), "--junit", "none/x.xml"}).exit, 1);
}

TEST_F(Commands, VerifyFailsABrokenFileAtItsFirstStage) {
  const Ran ran = kigo({"verify", write("broken.gguf", "GGUF"), "--json"});
  EXPECT_EQ(ran.exit, 1);
  const Json json = ran.json();
  const auto& stages = *json.find("stages")->items();
  ASSERT_EQ(stages.size(), 1u);
  EXPECT_EQ(*stages[0].find("stage")->string(), "file");
}

TEST_F(Commands, VerifyFailsWhenTheGoldenLogitsDiffer) {
  std::filesystem::copy(golden_folder(), path("golden"), std::filesystem::copy_options::recursive);
  const std::string logits = path("golden/logits/tiny-q4_k.transformers.npy");
  std::string bytes = *read_text_file(logits);
  bytes[bytes.size() - 2] =
      static_cast<char>(bytes[bytes.size() - 2] ^ 0x40);  // the exponent of the last logit
  ASSERT_TRUE(write_file(logits, bytes));
  const Ran ran =
      kigo({"verify", golden_folder() + "/tiny/tiny-q4_k.gguf", "--golden", path("golden"), "--json"});
  EXPECT_EQ(ran.exit, 1);
  const Json json = ran.json();
  ASSERT_NE(json.find("stages"), nullptr) << ran.err;
  for (const Json& stage : *json.find("stages")->items()) {
    const bool touched = stage.find("checked")->string()->find("Transformers, bound") != std::string::npos;
    EXPECT_EQ(*stage.find("verdict")->string() == "FAIL", touched) << stage.dump();
  }
}

TEST_F(Commands, VerifyFailsWhenAGreedyIdDiffers) {
  std::filesystem::copy(golden_folder(), path("golden"), std::filesystem::copy_options::recursive);
  const std::string record = path("golden/logits/tiny-q4_k.json");
  std::string text = *read_text_file(record);
  for (const std::string before : {"\"greedy\": [", "\"greedy_margin\": ["}) {
    ASSERT_NE(text.find(before), std::string::npos);
    text.insert(text.find(before) + before.size(), "0, ");  // every id one place later
  }
  ASSERT_TRUE(write_file(record, text));
  const Ran ran =
      kigo({"verify", golden_folder() + "/tiny/tiny-q4_k.gguf", "--golden", path("golden"), "--json"});
  EXPECT_EQ(ran.exit, 1);
  const Json json = ran.json();
  ASSERT_NE(json.find("stages"), nullptr) << ran.err;
  for (const Json& stage : *json.find("stages")->items()) {
    const bool touched = *stage.find("stage")->string() == "greedy ids";
    EXPECT_EQ(*stage.find("verdict")->string() == "FAIL", touched) << stage.dump();
  }
}

}  // namespace
}  // namespace kigo::tools
