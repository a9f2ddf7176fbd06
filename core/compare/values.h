// Values: numbers of either precision, seen as double, so that every comparison is written once.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

namespace kigo::compare {

/// A read-only window on floats or doubles that somebody else keeps alive.
class Values {
 public:
  Values() = default;
  Values(std::span<const float> values) : floats_(values.data()), size_(values.size()) {}
  Values(std::span<const double> values) : doubles_(values.data()), size_(values.size()) {}
  Values(const std::vector<float>& values) : Values(std::span(values)) {}
  Values(const std::vector<double>& values) : Values(std::span(values)) {}

  size_t size() const { return size_; }
  double operator[](size_t i) const { return floats_ != nullptr ? double{floats_[i]} : doubles_[i]; }

 private:
  const float* floats_ = nullptr;
  const double* doubles_ = nullptr;
  size_t size_ = 0;
};

}  // namespace kigo::compare
