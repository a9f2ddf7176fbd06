#include "tools/kigo/options.h"

#include <charconv>
#include <filesystem>
#include <system_error>

#include "core/base/cat.h"

namespace kigo::tools {

CLI::Validator whole_number(uint64_t limit) {
  return {[limit](std::string& text) -> std::string {
            uint64_t value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool whole = error == std::errc() && end == text.data() + text.size();
            if (!whole || value > limit) return cat(escaped(text), ", expected 0..", limit);
            text = cat(value);  // CLI11 would read 010 as octal
            return {};
          },
          "NUMBER"};
}

CLI::Validator number_between(double low, double high) {
  return {[low, high](const std::string& text) -> std::string {
            double value = 0;
            const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
            const bool number = error == std::errc() && end == text.data() + text.size();
            if (number && value >= low && value <= high) return {};
            return cat(escaped(text), ", expected a number from ", low, " to ", high);
          },
          "NUMBER"};
}

CLI::Validator not_empty() {
  return {[](const std::string& text) {
            return text.empty() ? std::string("an empty text, expected a value") : std::string();
          },
          ""};
}

namespace {

/// Also of files that are not there yet.
bool is_same_file(const std::filesystem::path& a, const std::filesystem::path& b) {
  std::error_code error;
  if (std::filesystem::equivalent(a, b, error)) return true;
  const auto whole = [&](const auto& path) {
    return std::filesystem::weakly_canonical(std::filesystem::absolute(path, error), error);
  };
  return whole(a) == whole(b);
}

/// Whether `input` is the file, or a folder whose measurements it would be among.
bool reads(const std::filesystem::path& input, const std::filesystem::path& output) {
  std::error_code error;
  if (!std::filesystem::is_directory(input, error)) return is_same_file(input, output);
  const auto folder = std::filesystem::absolute(output, error).parent_path();
  return output.extension() == ".jsonl" && is_same_file(input, folder);
}

void add_device(CLI::App& command, int& device) {
  command.add_option("--device", device, "Number of the GPU")
      ->transform(whole_number(1023))
      ->capture_default_str();
}

}  // namespace

void refuse_overwriting(const std::vector<NamedFile>& outputs, const std::vector<std::string>& inputs) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    const auto& [option, path] = outputs[i];
    if (path.empty()) continue;
    for (const std::string& input : inputs) {
      if (!input.empty() && reads(input, path))
        throw CLI::ValidationError(
            option,
            cat(escaped(path, 4096), ", expected a file that is not read: measurements would be lost"));
    }
    for (size_t before = 0; before < i; ++before) {
      if (!outputs[before].path.empty() && is_same_file(outputs[before].path, path))
        throw CLI::ValidationError(option, cat(escaped(path, 4096), ", expected another file than that of ",
                                               outputs[before].option));
    }
  }
}

void add_prompt_options(CLI::App& command, Prompt& prompt, bool required) {
  auto* group = command.add_option_group("prompt", "What is fed to the model");
  group->add_option("--tokens", prompt.tokens, "Token ids: 1,5,9");
  group->add_option("-p,--prompt", prompt.prompt, "Text as it is; special tokens written in it count");
  auto* chat = group->add_option("-c,--chat", prompt.chat, "One user message, in the model's chat format");
  required ? group->require_option(1) : group->require_option(0, 1);
  command.add_option("--system", prompt.system, "System message before the user's")->needs(chat);
  command.add_option("--chat-template", prompt.format, "Chat format by name, not by the file's template")
      ->needs(chat);
}

void add_run_options(CLI::App& command, RunOptions& options) {
  command.add_option("--steps", options.steps, "Decode steps, with the last tokens of the prompt")
      ->transform(whole_number(1'000'000))
      ->capture_default_str();
  command
      .add_option("--chunk", options.chunk,
                  "Tokens of the prompt that pass together, at most 512; 0: all at once")
      ->transform(whole_number(512))
      ->capture_default_str();
  add_device(command, options.device);
}

void add_sampling_options(CLI::App& command, sample::Params& params) {
  command.add_option("-t,--temperature", params.temperature, "0..2; 0 is greedy")
      ->check(not_empty())
      ->capture_default_str();
  command.add_option("--top-k", params.top_k, "Keep the k best; 0 is off")
      ->transform(whole_number(2147483647))
      ->capture_default_str();
  command.add_option("--top-p", params.top_p, "Keep the best up to this probability; 1 is off")
      ->check(not_empty())
      ->capture_default_str();
  command.add_option("--min-p", params.min_p, "Keep those above this share of the best; 0 is off")
      ->check(not_empty())
      ->capture_default_str();
  command.add_option("--repetition-penalty", params.repetition_penalty, "Above 0, at most 2; 1 is off")
      ->check(not_empty())
      ->capture_default_str();
}

void add_engine_options(CLI::App& command, EngineOptions& options) {
  const auto choose = [&command](const char* name, const char* help, std::vector<std::string> choices,
                                 auto set) {
    const std::string first = choices.front();
    command.add_option_function<std::string>(name, set, help)
        ->check(CLI::IsMember(choices))
        ->default_str(first);
  };
  choose(
      "--backend", "Who computes: the reference, or the kernels", {"cpu", "cuda"},
      [&options](const std::string& name) { options.backend = name == "cuda" ? Device::cuda : Device::cpu; });
  choose("--reference", "Products of the reference: plain (double throughout), or fast (short sums in float)",
         {"plain", "fast"}, [&options](const std::string& name) {
           options.products = name == "fast" ? reference::Products::Fast : reference::Products::Plain;
         });
  command
      .add_option_function<std::string>(
          "--kv", [&options](const std::string& name) { options.kv = name == "half" ? Kv::half : Kv::full; },
          "Keys and values: full (double on the CPU, float on a GPU) or half; without it full on the CPU, "
          "half on "
          "a GPU")
      ->check(CLI::IsMember({"full", "half"}));
  choose("--prefill", "Operands of prompts on a GPU: half with float sums, or precise (float)",
         {"half", "precise"},
         [&options](const std::string& name) { options.precise_prefill = name == "precise"; });
  choose("--weights", "On a GPU: as they are in the file, or expanded to half", {"quantised", "half"},
         [&options](const std::string& name) { options.half_weights = name == "half"; });
  add_device(command, options.device);
}

}  // namespace kigo::tools
