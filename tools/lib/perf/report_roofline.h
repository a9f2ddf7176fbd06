// The roofline chart: operations a byte against operations a second, below what the hardware reached.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "tools/lib/perf/report_curves.h"

namespace kigo::tools::perf {

/// A kernel and case on the chart.
struct RooflinePoint {
  const Curve* curve = nullptr;
  double flops_per_byte = 0;
  double flops_per_s = 0;
};

/// The newest good points of kernels (Kind::op) that have bytes and operations. Of the caches of one case the
/// one that the memory's bandwidth bounds best: in a row before cold; hot is no matter of memory and left
/// out.
std::vector<RooflinePoint> roofline_points(std::span<const Curve> curves);

/// The chart with its legend as HTML; says so where there is no point. `ceilings` may be null: no lines then.
std::string roofline(std::span<const RooflinePoint> points, const Ceilings* ceilings);

}  // namespace kigo::tools::perf
