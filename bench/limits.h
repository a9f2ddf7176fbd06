// What the hardware can do at most, as measured in the same run, and measurements that claim more.
#pragma once

#include <span>
#include <string>

#include "tools/lib/perf/record.h"

namespace kigo::bench {

/// Names of ceilings: Subject::name of records of kind ceiling.
inline constexpr const char* kCopy = "copy";              // 1 GiB, device to device; bytes read and written
inline constexpr const char* kRead = "read";              // 1 GiB, read and summed
inline constexpr const char* kHalfProduct = "gemm_half";  // cuBLAS, half operands, float sums
inline constexpr const char* kFloatProduct = "gemm_float";
inline constexpr const char* kLaunch = "launch";             // an empty kernel, alone between two events
inline constexpr const char* kGraphNode = "graph_node";      // an empty kernel, one of many in a graph
inline constexpr const char* kGridBarrier = "grid_barrier";  // all multiprocessors wait for each other once

struct Limits {
  double bytes_per_us = 0;  // the faster one of copy and read; 0: not known
  double flops_per_us = 0;  // of gemm_half
};

/// Of the ceilings' records that are ok.
Limits limits_of(std::span<const tools::perf::Record> ceilings);

/// Why the record cannot be: it moves or computes more than the hardware can. Empty when it can be, or when
/// the limit is not known. A ceiling is itself a measurement with noise, hence a slack of 2 %. What a hot
/// measurement moves comes from the cache, whose rate is not measured: it is held to the operations alone.
std::string beyond(const tools::perf::Record& record, const Limits& limits);
inline constexpr double kSlack = 0.02;

}  // namespace kigo::bench
