// Which part of a tensor is wrong, in words that point at a cause: one head, every 32nd column, the last
// partial tile, all positions from p on.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace kigo::compare {

/// The indices of one axis at which something is wrong.
struct AxisDamage {
  enum class Kind : uint8_t {
    all,
    one,           // a single index
    from,          // `first` and everything after it
    partial_tile,  // on the last axis: what tiles of 8, 16, ... leave over at the end
    up_to,         // everything up to `last`
    range,         // first..last, with right ones on both sides
    every,         // first, first + step, ... last
    some,
  };
  Kind kind = Kind::all;
  int64_t first = 0;
  int64_t last = 0;
  int64_t step = 1;
  std::vector<int64_t> indices;  // of Kind::some; the first 16
};

struct Damage {
  enum class Kind : uint8_t {
    none,
    one_element,
    whole_tensor,
    block,       // more than half of the product of what the axes name
    flat_from,   // everything from a flat index on, across rows
    flat_every,  // every n-th flat index, across rows
    scattered,
  };
  Kind kind = Kind::none;
  int64_t wrong = 0;
  int64_t elements = 0;
  int64_t first = 0;  // flat
  int64_t last = 0;   // flat
  int64_t step = 1;   // of flat_every
  std::vector<AxisDamage> axes;
  std::string text;    // "token 3, head 2"
  std::string ranges;  // "tokens 3..3, heads 2..2, elements 0..63"
};

std::string_view name(Damage::Kind kind);

/// What to call the axes of a shape: the given names, or row and column, or token, head and element.
std::vector<std::string> axis_names(size_t rank, std::vector<std::string> given);

/// Takes wrong elements by rising flat index and keeps only what the description needs.
class DamageMap {
 public:
  DamageMap(std::vector<int64_t> shape, std::vector<std::string> axes);
  void add(int64_t flat);
  Damage describe() const;

 private:
  std::vector<int64_t> shape_;
  std::vector<std::string> names_;
  std::vector<std::vector<bool>> hit_;  // per axis and index
  int64_t wrong_ = 0;
  int64_t first_ = 0;
  int64_t last_ = 0;
  int64_t step_ = 0;  // greatest common divisor of the distances between wrong elements
};

/// The coordinates of a flat index, slowest axis first.
std::vector<int64_t> coordinates(int64_t flat, std::span<const int64_t> shape);

}  // namespace kigo::compare
