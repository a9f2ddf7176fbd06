#include "core/text/special_tokens.h"

#include <algorithm>
#include <functional>

#include "core/base/fault.h"
#include "core/text/unicode.h"

namespace kigo::text {
namespace {

bool taken(TokenKind kind, Special special) {
  if (KIGO_FAULT(F45)) return false;
  return kind == TokenKind::user_defined || (kind == TokenKind::control && special == Special::parse);
}

void sort_longest_first(std::vector<uint32_t>& lengths) {
  std::ranges::sort(lengths, std::greater{});
  lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
}

}  // namespace

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary) {
  for (uint32_t id = 0; id < vocabulary.size(); ++id) {
    const TokenKind kind = vocabulary.kind(id);
    if (!taken(kind, Special::parse)) continue;
    const std::string_view text = vocabulary.text(id);
    if (text.empty() || first_ill_formed(text)) continue;
    Lengths& lengths = lengths_[static_cast<uint8_t>(text[0])];
    lengths.all.push_back(static_cast<uint32_t>(text.size()));
    if (kind != TokenKind::user_defined) continue;
    lengths.user_defined.push_back(static_cast<uint32_t>(text.size()));
    any_user_defined_ = true;
  }
  for (Lengths& lengths : lengths_) {
    sort_longest_first(lengths.all);
    sort_longest_first(lengths.user_defined);
  }
}

std::optional<SpecialTokens::Match> SpecialTokens::next(const Vocabulary& vocabulary, std::string_view text,
                                                        size_t from, Special special) const {
  if (special == Special::plain && !any_user_defined_) return std::nullopt;
  for (size_t at = from; at < text.size(); ++at) {
    const Lengths& lengths = lengths_[static_cast<uint8_t>(text[at])];
    for (const uint32_t length : special == Special::parse ? lengths.all : lengths.user_defined) {
      if (length > text.size() - at) continue;
      const auto id = vocabulary.find(text.substr(at, length));
      if (id && taken(vocabulary.kind(*id), special)) return Match{at, length, *id};
    }
  }
  return std::nullopt;
}

}  // namespace kigo::text
