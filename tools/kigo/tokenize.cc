// kigo tokenize: token ids of a text, or of many texts, one JSON object a line.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <memory>

#include "core/base/cat.h"
#include "core/gguf/reader.h"
#include "core/text/tokenizer.h"
#include "tools/kigo/options.h"
#include "tools/lib/goldens.h"
#include "tools/lib/terminal.h"

namespace kigo::tools {
namespace {

struct TokenizeArguments {
  std::string model = shipped_model();
  std::string text;
  std::string jsonl;
  bool plain = false;
  bool json = false;

  text::Special special() const { return plain ? text::Special::plain : text::Special::parse; }
};

int one(const text::Tokenizer& tokenizer, const TokenizeArguments& options) {
  const auto ids = tokenizer.encode(options.text, options.special());
  if (!ids) return print_error(ids.error(), "", options.json);
  std::vector<std::vector<std::string>> rows;
  for (const uint32_t id : *ids) {
    rows.push_back({cat(id), cat('"', escaped(tokenizer.bytes(id, text::Controls::shown)), '"')});
  }
  return print(options.json, table(rows, {0}), Json::object({{"ids", Json::array_of(*ids)}}));
}

/// The ids of `{"text": "..."}`. Errors: bad_value naming the line; invalid_utf8.
Result<Json> ids_of_line(const text::Tokenizer& tokenizer, const std::string& line,
                         const std::string& subject, text::Special special) {
  KIGO_ASSIGN(const Json json, Json::parse(line, subject));
  const Json* text = json.find("text");
  if (text == nullptr || text->string() == nullptr) {
    return fail(Code::bad_value, subject, "no member text", "{\"text\": \"...\"}");
  }
  KIGO_ASSIGN(const auto ids, tokenizer.encode(*text->string(), special));
  return Json::object({{"ids", Json::array_of(ids)}});
}

/// Stops at the first line that is wrong; the lines before it have their answers.
int many(const text::Tokenizer& tokenizer, const TokenizeArguments& options, std::istream& in) {
  size_t number = 0;
  for (std::string line; std::getline(in, line);) {
    const auto ids = ids_of_line(tokenizer, line, cat("line ", ++number), options.special());
    if (!ids) {
      std::fflush(stdout);
      return print_error(ids.error(), options.jsonl, options.json);
    }
    std::printf("%s\n", ids->dump().c_str());
  }
  return kPassed;
}

int tokenize(const TokenizeArguments& options) {
  const auto source = gguf::open(options.model);
  if (!source) return print_error(source.error(), options.model, options.json);
  const auto tokenizer = text::Tokenizer::from_gguf(source->file);
  if (!tokenizer) return print_error(tokenizer.error(), options.model, options.json);
  if (options.jsonl.empty()) return one(*tokenizer, options);
  if (options.jsonl == "-") return many(*tokenizer, options, std::cin);
  if (const auto readable = FileMap::open(options.jsonl); !readable)
    return print_error(readable.error(), "", options.json);
  std::ifstream file(options.jsonl);
  return many(*tokenizer, options, file);
}

}  // namespace

void add_tokenize(CLI::App& app, int& exit) {
  const auto options = std::make_shared<TokenizeArguments>();
  CLI::App* command = app.add_subcommand("tokenize", "Token ids of a text, or of many");
  command->add_option("-m,--model", options->model, "GGUF file; a vocabulary without tensors is enough")
      ->capture_default_str();
  auto* text = command->add_option("text", options->text, "The text");
  auto* jsonl =
      command
          ->add_option("--jsonl", options->jsonl,
                       "File (- for standard input) with {\"text\": ...} a line; prints {\"ids\": [...]}")
          ->check(not_empty());
  text->excludes(jsonl);
  command->add_flag("--plain", options->plain, "Special tokens written in the text are text");
  command->add_flag("--json", options->json, "Print one JSON object");
  command->callback([options, text, jsonl, &exit] {
    if (text->count() + jsonl->count() != 1)
      throw CLI::ValidationError("tokenize", "needs a text or --jsonl FILE");
    exit = tokenize(*options);
  });
}

}  // namespace kigo::tools
