// SPDX-License-Identifier: Apache-2.0
//
// Measures how fast memory can be read in long streams, which bounds decoding: every step reads all
// weights once.
#ifndef WEIR_TENSOR_MEMORY_PROBE_H_
#define WEIR_TENSOR_MEMORY_PROBE_H_

#include <cstdint>
#include <span>

namespace weir {

class ThreadPool;

struct ReadProbe {
  double bytes_per_second;  // median over the passes
  uint64_t sum;             // of all words, modulo 2^64; also keeps the reads from being dropped
  int32_t num_passes;
};

// Reads all of `words` with every thread of `pool`, again and again for about `seconds`, at least
// three times. What is measured is memory only when `words` have been written before (untouched
// pages are all one page of zeros) and are several times larger than the last cache.
ReadProbe ProbeRead(ThreadPool& pool, std::span<const uint64_t> words, double seconds);

}  // namespace weir

#endif  // WEIR_TENSOR_MEMORY_PROBE_H_
