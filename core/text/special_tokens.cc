// Source: A. Aho, M. Corasick, "Efficient string matching", CACM 18(6), 1975, run over the text backwards.
#include "core/text/special_tokens.h"

#include <algorithm>

#include "core/base/check.h"
#include "core/base/fault.h"
#include "core/text/unicode.h"

namespace kigo::text {
namespace {

constexpr auto kPlain = static_cast<size_t>(Special::plain);
constexpr auto kParse = static_cast<size_t>(Special::parse);

/// Whether a token is matched as a whole.
bool taken(const Vocabulary& vocabulary, uint32_t id) {
  const TokenKind kind = vocabulary.kind(id);
  if (kind != TokenKind::control && kind != TokenKind::user_defined) return false;
  const std::string_view text = vocabulary.text(id);
  return !text.empty() && vocabulary.find(text) == id && !first_ill_formed(text);
}

}  // namespace

size_t SpecialTokens::bytes_of(const Vocabulary& vocabulary) {
  size_t bytes = 0;
  for (uint32_t id = 0; id < vocabulary.size(); ++id)
    if (taken(vocabulary, id)) bytes += vocabulary.text(id).size();
  return bytes;
}

SpecialTokens::SpecialTokens(const Vocabulary& vocabulary) {
  for (uint32_t id = 0; id < vocabulary.size(); ++id)
    if (taken(vocabulary, id))
      insert(vocabulary.text(id), id, vocabulary.kind(id) == TokenKind::user_defined);
  KIGO_CHECK(nodes_.size() <= kMaxBytes + 1);
  link();
}

uint32_t SpecialTokens::child(uint32_t node, uint8_t byte) const {
  if (node == 0) return from_root_[byte];
  uint32_t at = nodes_[node].child;
  while (at != 0 && nodes_[at].byte != byte) at = nodes_[at].sibling;
  return at;
}

void SpecialTokens::insert(std::string_view text, uint32_t id, bool plain_too) {
  if (nodes_.empty()) nodes_.emplace_back();
  uint32_t node = 0;
  for (size_t i = text.size(); i-- > 0;) {
    const auto byte = static_cast<uint8_t>(text[i]);
    uint32_t next = child(node, byte);
    if (next == 0) {
      next = static_cast<uint32_t>(nodes_.size());
      Node added;
      added.byte = byte;
      added.sibling = nodes_[node].child;
      nodes_.push_back(added);
      nodes_[node].child = next;
      if (node == 0) from_root_[byte] = next;
    }
    node = next;
  }
  const Longest longest{static_cast<uint32_t>(text.size()), id};
  nodes_[node].longest[kParse] = longest;
  if (plain_too) nodes_[node].longest[kPlain] = longest;
}

/// Failure links by breadth, and with them what is the longest token in each state.
void SpecialTokens::link() {
  std::vector<uint32_t> order;
  order.reserve(nodes_.size());
  if (!nodes_.empty()) order.push_back(0);
  for (size_t i = 0; i < order.size(); ++i) {
    const uint32_t parent = order[i];
    for (uint32_t node = nodes_[parent].child; node != 0; node = nodes_[node].sibling) {
      uint32_t fail = parent;
      uint32_t found = 0;
      while (fail != 0 && found == 0) {
        fail = nodes_[fail].fail;
        found = child(fail, nodes_[node].byte);
      }
      nodes_[node].fail = found;
      for (const size_t special : {kPlain, kParse})
        if (nodes_[node].longest[special].length == 0)
          nodes_[node].longest[special] = nodes_[found].longest[special];
      order.push_back(node);
    }
  }
}

std::vector<SpecialTokens::Match> SpecialTokens::find(std::string_view text, Special special) const {
  std::vector<Match> all;  // at every place, from right to left
  if (nodes_.empty() || KIGO_FAULT(F45)) return all;
  uint32_t state = 0;
  for (size_t at = text.size(); at-- > 0;) {
    const auto byte = static_cast<uint8_t>(text[at]);
    uint32_t next = child(state, byte);
    while (next == 0 && state != 0) {
      state = nodes_[state].fail;
      next = child(state, byte);
    }
    state = next;
    const Longest& longest = nodes_[state].longest[static_cast<size_t>(special)];
    if (longest.length != 0) all.push_back({at, longest.length, longest.id});
  }
  std::ranges::reverse(all);
  size_t kept = 0, end = 0;
  for (const Match& match : all) {
    if (match.at < end) continue;
    end = match.at + match.length;
    all[kept++] = match;
  }
  all.resize(kept);
  return all;
}

}  // namespace kigo::text
