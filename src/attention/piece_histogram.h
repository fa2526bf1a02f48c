// SPDX-License-Identifier: Apache-2.0
//
// Pieces of work, sorted by how long they take: 32 classes to the octave, each known by its mean.
// Adding takes constant time, so that predicting a plan need not sort its pieces.
#ifndef WEIR_ATTENTION_PIECE_HISTOGRAM_H_
#define WEIR_ATTENTION_PIECE_HISTOGRAM_H_

#include <array>
#include <cstdint>
#include <span>
#include <vector>

#include "attention/fluid_model.h"

namespace weir {

class PieceHistogram {
 public:
  PieceHistogram();

  void Clear();

  // `count` pieces that take `us` each, alone on a worker. Requires: us > 0.
  void Add(double us, const FluidClass& pieces);

  // Longest first. Valid until Clear.
  std::span<const FluidClass> Classes();

  double total_bytes() const { return total_bytes_; }
  double total_compute_us() const { return total_compute_us_; }
  double longest_us() const { return longest_us_; }

 private:
  // Times outside of 2^kMinExponent to 2^kMaxExponent microseconds count as the nearest inside.
  static constexpr int kMinExponent = -24;
  static constexpr int kMaxExponent = 40;
  static constexpr int kBitsPerOctave = 5;
  // Pieces bound by memory and by computing are never in one class.
  static constexpr int kNumBuckets = (kMaxExponent - kMinExponent) << (kBitsPerOctave + 1);

  struct Sum {
    double bytes;
    double compute_us;
    int64_t count;
  };
  static int BucketOf(double us, bool computes);

  std::vector<Sum> sums_;
  std::array<uint64_t, kNumBuckets / 64> filled_;  // a bit per bucket
  std::vector<FluidClass> classes_;
  double total_bytes_ = 0;
  double total_compute_us_ = 0;
  double longest_us_ = 0;
};

}  // namespace weir

#endif  // WEIR_ATTENTION_PIECE_HISTOGRAM_H_
