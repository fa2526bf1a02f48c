// SPDX-License-Identifier: Apache-2.0
#include "attention/piece_histogram.h"

#include <algorithm>
#include <bit>

namespace weir {

PieceHistogram::PieceHistogram() : sums_(kNumBuckets), filled_{} { classes_.reserve(kNumBuckets); }

void PieceHistogram::Clear() {
  for (size_t word = 0; word < filled_.size(); ++word) {
    for (; filled_[word] != 0; filled_[word] &= filled_[word] - 1) {
      sums_[word * 64 + static_cast<size_t>(std::countr_zero(filled_[word]))] = {};
    }
  }
  total_bytes_ = 0;
  total_compute_us_ = 0;
  longest_us_ = 0;
}

// Exponent and first bits of the mantissa of a float ascend as the float does.
int PieceHistogram::BucketOf(double us, bool computes) {
  constexpr int kMantissaBits = 23;
  constexpr int kBias = 127;
  const auto bits = std::bit_cast<uint32_t>(static_cast<float>(us));
  const int place = static_cast<int>(bits >> (kMantissaBits - kBitsPerOctave)) -
                    ((kBias + kMinExponent) << kBitsPerOctave);
  return std::clamp(place * 2 + (computes ? 1 : 0), 0, kNumBuckets - 1);
}

void PieceHistogram::Add(double us, const FluidClass& pieces) {
  const auto bucket = static_cast<size_t>(BucketOf(us, pieces.compute_us > 0));
  filled_[bucket / 64] |= uint64_t{1} << (bucket % 64);
  const auto count = static_cast<double>(pieces.count);
  Sum& sum = sums_[bucket];
  sum.bytes += count * pieces.bytes;
  sum.compute_us += count * pieces.compute_us;
  sum.count += pieces.count;
  total_bytes_ += count * pieces.bytes;
  total_compute_us_ += count * pieces.compute_us;
  longest_us_ = std::max(longest_us_, us);
}

std::span<const FluidClass> PieceHistogram::Classes() {
  classes_.clear();
  for (size_t word = filled_.size(); word-- > 0;) {
    for (uint64_t left = filled_[word]; left != 0;) {
      const int bit = 63 - std::countl_zero(left);
      left &= ~(uint64_t{1} << bit);
      const Sum& sum = sums_[word * 64 + static_cast<size_t>(bit)];
      const auto count = static_cast<double>(sum.count);
      classes_.push_back(
          {.bytes = sum.bytes / count, .compute_us = sum.compute_us / count, .count = sum.count});
    }
  }
  return classes_;
}

}  // namespace weir
