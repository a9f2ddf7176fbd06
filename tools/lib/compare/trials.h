// Mistakes made on purpose: what the rules of causes.h share.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "tools/lib/compare/causes.h"

namespace kigo::tools {

/// Tries mistakes on one wrong checkpoint and collects what they would explain.
class Trials {
 public:
  explicit Trials(const Suspect& suspect) : s_(suspect) {}

  const Suspect& suspect() const { return s_; }
  std::vector<Cause> take() { return std::move(found_); }

  /// The stage as this recipe makes it: a cause when that gives every element that was found.
  void recipe(const char* id, std::string text, const Recipe& recipe);
  /// The stage's values as this makes them, with bounds that are theirs.
  void outcome(const char* id, std::string text, Expected wrong);
  /// Values that must be met exactly.
  void values(const char* id, std::string text, std::vector<double> wrong);
  /// A suspicion that nothing can be computed for, or one that was checked elsewhere.
  void add(const char* id, std::string text, bool reproduces);

  /// Rows of the stage [tokens], elements of a row.
  size_t rows() const { return static_cast<size_t>(s_.stage.shape[0]); }
  size_t row_elements() const { return static_cast<size_t>(s_.stage.shape[1] * s_.stage.shape[2]); }
  /// Whether an element is beyond its bound.
  bool wrong(size_t i) const;

 private:
  bool matches(const Expected& wrong) const;

  const Suspect& s_;
  std::vector<Cause> found_;
};

// The rules, by what the stage does; each looks at the stage's recipe and says nothing of another.
void try_output(Trials& trials);     // any stage: stale, zero, constant, cut off, shifted, rounded, overflown
void try_products(Trials& trials);   // weights, bias, residual
void try_rotation(Trials& trials);   // pairing, position, base
void try_cache(Trials& trials);      // what was written where
void try_attention(Trials& trials);  // heads, scale, mask
void try_elementwise(Trials& trials);  // embedding, norm, gate, sum

/// Weights as wrong decoders would read them: calls `each` with an id, what is wrong, and blocks that the
/// right decoder reads as that. Nothing for formats without blocks.
void wrong_weights(
    const gguf::Tensor& tensor,
    const std::function<void(const char* id, const std::string& text, std::vector<std::byte>)>& each);

}  // namespace kigo::tools
