// The table of chat formats, and how one is found.
#include <algorithm>

#include "core/base/cat.h"
#include "core/text/chat.h"
#include "core/text/tokenizer.h"

namespace kigo::text {
namespace {

constexpr std::array<std::string_view, 2> kMarkers = {"<|im_start|>", "<|im_end|>"};
constexpr std::array<std::string_view, 3> kBefore = {"<|im_start|>system\n", "<|im_start|>user\n",
                                                     "<|im_start|>assistant\n"};
constexpr std::array<std::string_view, 3> kAfter = {"<|im_end|>\n", "<|im_end|>\n", "<|im_end|>\n"};
constexpr std::string_view kAnswer = "<|im_start|>assistant\n";

constexpr std::string_view kQwen2System = "You are a helpful assistant.";
constexpr std::string_view kQwen25System =
    "You are Qwen, created by Alibaba Cloud. You are a helpful assistant.";
constexpr std::array kQwen2Has = {kMarkers[0], kMarkers[1], kQwen2System};
constexpr std::array kQwen25Has = {kMarkers[0], kMarkers[1], kQwen25System};

// A template with a BOS of its own, trimmed messages, thoughts that are cut out or another separator writes
// something else than these rows; so does one with a system message that is not the row's.
constexpr std::array kNotQwen25 =
    std::to_array<std::string_view>({"bos_token", "trim", "<think>", "<|im_sep|>"});
constexpr std::array kNotQwen2 =
    std::to_array<std::string_view>({"bos_token", "trim", "<think>", "<|im_sep|>", "You are Qwen"});
constexpr std::array kNotPlain =
    std::to_array<std::string_view>({"bos_token", "trim", "<think>", "<|im_sep|>", "You are"});

// Llama 2, Mistral and Zephyr name their BOS and EOS by variables; these are their texts in the vocabularies.
constexpr std::array<std::string_view, 2> kSentenceMarkers = {"<s>", "</s>"};
constexpr std::array<std::string_view, 1> kEndMarker = {"</s>"};
constexpr std::array<std::string_view, 4> kLlama3Markers = {"<|begin_of_text|>", "<|start_header_id|>",
                                                            "<|end_header_id|>", "<|eot_id|>"};

// Llama 2 with a system message of its own, or with one BOS at the start only, is another format.
constexpr std::array kLlama2Has = std::to_array<std::string_view>(
    {"<<SYS>>", "<</SYS>>", "bos_token + '[INST] ' + content.strip() + ' [/INST]'",
     "+ content.strip() + ' ' + eos_token"});
constexpr std::array kNotLlama2 =
    std::to_array<std::string_view>({"not '<<SYS>>' in", "{{ bos_token }}", "{{bos_token}}"});
// Llama 3.1 and later put dates and tools into the system message; others put in one of their own.
constexpr std::array kLlama3Has =
    std::to_array<std::string_view>({"<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>",
                                     "message['content'] | trim", "bos_token + content"});
constexpr std::array kNotLlama3 = std::to_array<std::string_view>({"date_string", "tools", "messages[0]"});
constexpr std::array kMistralHas =
    std::to_array<std::string_view>({"{{ bos_token }}", "{{ '[INST] ' + message['content'] + ' [/INST]' }}",
                                     "{{ message['content'] + eos_token"});
constexpr std::array kNotMistral = std::to_array<std::string_view>(
    {"system_message", "eos_token + ' '", "trim", "strip", "[AVAILABLE_TOOLS]"});
constexpr std::array kMistralV1Has =
    std::to_array<std::string_view>({"{{- bos_token }}", " [INST] ", " + system_message + ", " [/INST]",
                                     "loop.first and system_message is defined", "+ eos_token"});
constexpr std::array kNotMistralV1 =
    std::to_array<std::string_view>({"trim", "strip", "[AVAILABLE_TOOLS]", "[SYSTEM_PROMPT]"});
// The line ends behind its tags are part of the text; the same template in one line writes none.
constexpr std::array kZephyrHas = std::to_array<std::string_view>(
    {"'<|user|>", "'<|system|>", "message['content'] + eos_token }}\n", "{{ '<|assistant|>' }}\n"});
constexpr std::array kNotZephyr =
    std::to_array<std::string_view>({"bos_token", "trim", "messages[0]", "<|end|>"});

constexpr std::array kChatFormats = std::to_array<ChatFormat>({
    {.name = "qwen2.5",  // Qwen/Qwen2.5-0.5B-Instruct, tokenizer_config.json
     .markers = kMarkers,
     .has = kQwen25Has,
     .lacks = kNotQwen25,
     .before = kBefore,
     .after = kAfter,
     .answer = kAnswer,
     .end_marker = "<|im_end|>",
     .default_system = kQwen25System},
    {.name = "qwen2",  // Qwen/Qwen2-0.5B-Instruct, tokenizer_config.json
     .markers = kMarkers,
     .has = kQwen2Has,
     .lacks = kNotQwen2,
     .before = kBefore,
     .after = kAfter,
     .answer = kAnswer,
     .end_marker = "<|im_end|>",
     .default_system = kQwen2System},
    {.name = "chatml",  // openai/openai-python v0.28, chatml.md
     .markers = kMarkers,
     .has = kMarkers,
     .lacks = kNotPlain,
     .before = kBefore,
     .after = kAfter,
     .answer = kAnswer,
     .end_marker = "<|im_end|>",
     .default_system = {}},
    {.name = "llama2",  // meta-llama/Llama-2-7b-chat-hf, tokenizer_config.json
     .markers = kSentenceMarkers,
     .has = kLlama2Has,
     .lacks = kNotLlama2,
     .own_bos = true,
     .trims = true,
     .alternates = true,
     .system = SystemPlace::first_user,
     .before = {"<<SYS>>\n", "<s>[INST] ", " "},
     .after = {"\n<</SYS>>\n\n", " [/INST]", " </s>"},
     .answer = {},
     .end_marker = "</s>",
     .default_system = {}},
    {.name = "llama3",  // meta-llama/Meta-Llama-3-8B-Instruct, tokenizer_config.json
     .markers = kLlama3Markers,
     .has = kLlama3Has,
     .lacks = kNotLlama3,
     .own_bos = true,
     .trims = true,
     .begin = "<|begin_of_text|>",
     .before = {"<|start_header_id|>system<|end_header_id|>\n\n",
                "<|start_header_id|>user<|end_header_id|>\n\n",
                "<|start_header_id|>assistant<|end_header_id|>\n\n"},
     .after = {"<|eot_id|>", "<|eot_id|>", "<|eot_id|>"},
     .answer = "<|start_header_id|>assistant<|end_header_id|>\n\n",
     .end_marker = "<|eot_id|>",
     .default_system = {}},
    {.name = "mistral",  // mistralai/Mistral-7B-Instruct-v0.2, tokenizer_config.json as first published
     .markers = kSentenceMarkers,
     .has = kMistralHas,
     .lacks = kNotMistral,
     .own_bos = true,
     .alternates = true,
     .system = SystemPlace::none,
     .begin = "<s>",
     .before = {"", "[INST] ", ""},
     .after = {"", " [/INST]", "</s>"},
     .answer = {},
     .end_marker = "</s>",
     .default_system = {}},
    {.name =
         "mistral-v1",  // mistralai/Mixtral-8x7B-Instruct-v0.1, Mistral-7B-Instruct-v0.2, as corrected later
     .markers = kSentenceMarkers,
     .has = kMistralV1Has,
     .lacks = kNotMistralV1,
     .own_bos = true,
     .alternates = true,
     .system = SystemPlace::first_user,
     .begin = "<s>",
     .before = {"", " [INST] ", " "},
     .after = {"\n\n", " [/INST]", "</s>"},
     .answer = {},
     .end_marker = "</s>",
     .default_system = {}},
    {.name = "zephyr",  // HuggingFaceH4/zephyr-7b-beta, tokenizer_config.json
     .markers = kEndMarker,
     .has = kZephyrHas,
     .lacks = kNotZephyr,
     .before = {"<|system|>\n", "<|user|>\n", "<|assistant|>\n"},
     .after = {"</s>\n", "</s>\n", "</s>\n"},
     .answer = "<|assistant|>\n",
     .end_marker = "</s>",
     .default_system = {}},
});

std::string format_names() {
  std::string names;
  for (const ChatFormat& format : kChatFormats) names += cat(names.empty() ? "" : ", ", format.name);
  return names;
}

}  // namespace

std::span<const ChatFormat> chat_formats() { return kChatFormats; }

const ChatFormat* find_chat_format(std::string_view template_text) {
  const auto holds = [&](std::string_view part) {
    return template_text.find(part) != std::string_view::npos;
  };
  const auto fits = [&](const ChatFormat& format) {
    return std::ranges::all_of(format.has, holds) && std::ranges::none_of(format.lacks, holds);
  };
  const auto found = std::ranges::find_if(kChatFormats, fits);
  return found == kChatFormats.end() ? nullptr : &*found;
}

const ChatFormat* find_chat_format_by_name(std::string_view name) {
  const auto found = std::ranges::find(kChatFormats, name, &ChatFormat::name);
  return found == kChatFormats.end() ? nullptr : &*found;
}

Result<const ChatFormat*> require_chat_format(const Tokenizer& tokenizer) {
  if (tokenizer.chat_format() != nullptr) return tokenizer.chat_format();
  const bool absent = !tokenizer.chat_template();
  return fail(Code::unsupported, "tokenizer.chat_template",
              absent ? "not in the file" : "an unknown template",
              cat("one that writes ", format_names(), ", or --chat-template with one of these names"));
}

}  // namespace kigo::text
