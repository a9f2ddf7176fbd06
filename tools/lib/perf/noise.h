// What the noise of a comparison is, and how much of it a kernel has: its own scatter between blocks of one
// build, held against what all kernels of the run say and against its history.
#pragma once

#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "tools/lib/perf/record.h"

namespace kigo::tools::perf {

/// A block as a verdict sees it. Samples of a block share its place in memory, its clock and what ran beside
/// it: a block is one piece of evidence, however many samples it has.
struct Block {
  double log_us = 0;    // log of the median
  double variance = 0;  // of log_us, from the samples alone: pi/2 (deviation / median)^2 / samples
  double mhz = 0;       // median; 0 where it is not known
  int64_t number = 0;   // Record::block
};

/// Source of the factor pi/2: the median's variance for normal samples.
/// The record has at least one sample, and all are above 0 and finite.
Block block_of(const Record& record);

/// The scatter of a kernel's blocks around those of the same build: the sum of squares of log_us and its
/// degrees of freedom.
struct Scatter {
  double squares = 0;
  double degrees = 0;
  double variance() const { return degrees > 0 ? squares / degrees : 0; }
  void add(std::span<const Block> blocks);  // of one build in one run
};

/// Some kernels' time depends on their data (how far a search goes), and blocks of one number have the same
/// data on both sides. Where blocks of one number are alike beyond chance, by the F test of blocks against
/// what is left of them (0.1 %, two-way analysis of variance), what they share is taken from both: their mean
/// less that of all. Whether that was done; then what is left has as many degrees of freedom as one side
/// alone, and other runs' scatter, of data too, says nothing about it. Not without the same distinct numbers
/// on both sides, two at least.
bool take_out_shared(std::vector<Block>& base, std::vector<Block>& head);

/// What was measured and where, as one string: equal exactly where measurements may be compared.
std::string place_of(const Record& record);
/// A build in a run, as one string.
std::string build_of(const Record& record);
/// Whether the samples can be used: not invalid, at least one, all finite and above 0.
bool usable(const Record& record);

/// Blocks of runs that are over, by place_of(). Of each place the newest builds, until they have 40 degrees
/// of freedom. `but`: names of runs that are left out, since they are what is judged.
using PastNoise = std::unordered_map<std::string, Scatter>;
PastNoise past_noise(std::span<const Record> history, const std::set<std::string>& but = {});

/// What is known of a kernel before its blocks of this run are looked at: the variance that a block's log_us
/// should have.
///
///   expected = (4 e + d v) / (4 + d),  e = 0.002^2 + mean Block::variance
///
/// with v and d from the past: 0.2 % for what moves whole blocks, which samples do not show.
double expected_variance(std::span<const Block> base, std::span<const Block> head, const Scatter& past);

/// How well expected variances fit the run's kernels: observed / expected is scaled F with `degrees` degrees
/// of freedom below the line. G. Smyth, "Linear models and empirical Bayes methods for assessing differential
/// expression in microarray experiments", Statistical Applications in Genetics and Molecular Biology 3, 2004,
/// section 6.2.
struct Prior {
  double scale = 4;    // observed / expected, of a typical kernel
  double degrees = 1;  // what the expectation is worth
};

struct ScatterSeen {
  Scatter scatter;          // in this run
  double expected = 0;      // expected_variance()
  double past_degrees = 0;  // of the past that is in it
};

/// Of ten kernels or more; for fewer, that of the initial values: blocks scatter twice as far as expected.
/// Kernels that scatter much more are pulled in to 3 deviations; at most 30 degrees, and at most half as many
/// as kernels.
Prior fit_prior(std::span<const ScatterSeen> kernels);

/// The variance of a block of this kernel, and its degrees of freedom: (d0 s0 expected + squares) /
/// (d0 + degrees). d0 is that of the prior, but at most twice what the kernel's own blocks and its past say:
/// how noisy other kernels are is no proof for this one. A kernel that scatters so much more than expected
/// that chance does it once in a hundred stands alone: squares / degrees.
Scatter moderated(const Prior& prior, const ScatterSeen& kernel);

}  // namespace kigo::tools::perf
