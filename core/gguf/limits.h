// The limits of docs/gguf.md, section 2, and the smallest encodings that let a count be judged before memory
// is asked for.
#pragma once

#include <cstdint>
#include <string_view>

namespace kigo::gguf {

inline constexpr std::string_view kMagic = "GGUF";

inline constexpr uint64_t kMaxTensors = 65536;
inline constexpr uint64_t kMaxPairs = 65536;
inline constexpr uint64_t kMaxKeyBytes = 65535;
inline constexpr uint64_t kMaxTensorNameBytes = 63;  // the reference reader keeps a terminator in 64
inline constexpr uint64_t kMaxStringBytes = 1ull << 30;
inline constexpr uint64_t kMaxArrayElements = 1ull << 30;
inline constexpr uint32_t kMaxDims = 4;
inline constexpr uint64_t kElementLimit = (1ull << 63) - 1;  // dimensions and element counts stay below it

inline constexpr uint64_t kMinStringBytes = 8;                                // its length
inline constexpr uint64_t kMinPairBytes = kMinStringBytes + 1 + 4 + 1;        // key, type, value
inline constexpr uint64_t kMinTensorBytes = kMinStringBytes + 1 + 4 + 4 + 8;  // name, n_dims, type, offset

inline constexpr uint64_t kHeaderBytes = 24;
inline constexpr uint64_t kDefaultAlignment = 32;

}  // namespace kigo::gguf
