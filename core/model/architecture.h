// What can differ between the model families kigo knows, as data: a family is a row of the table, not a
// class.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace kigo::model {

enum class Norm : uint8_t { rms };
/// How positions enter: rotating pairs (i, i + rope_dims/2), rotating neighbours (2i, 2i+1).
enum class Position : uint8_t { rope_halves, rope_neighbours };
enum class Ffn : uint8_t { swiglu };  // down(silu(gate(x)) * up(x))

/// Whether files of a family have a tensor.
enum class Presence : uint8_t { never, optional, required };

struct Architecture {
  std::string_view name;  // general.architecture
  Norm norm;
  Position position;
  Ffn ffn;
  float default_rope_base;  // where the file does not say; 0: it must
  Presence qkv_bias;        // on q, k and v
  Presence output_bias;     // on the output matrix of attention
  Presence rope_divisors;   // rope_freqs.weight
};

/// The families that run.
std::span<const Architecture> architectures();
/// Null when the family does not run, planned or not.
const Architecture* find_architecture(std::string_view name);
/// The families that the file contract describes and that do not run yet: refused, but by name.
std::span<const std::string_view> planned_architectures();

}  // namespace kigo::model
