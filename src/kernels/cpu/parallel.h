// SPDX-License-Identifier: Apache-2.0
//
// How launchers hand work to the stream's pool, or run it on the calling thread where there is
// none.
#ifndef WEIR_KERNELS_CPU_PARALLEL_H_
#define WEIR_KERNELS_CPU_PARALLEL_H_

#include <stdint.h>

#include "base/thread_pool.h"
#include "tensor/stream.h"

namespace weir::cpu {

inline int32_t NumThreads(Stream stream) {
  return stream.pool != nullptr ? stream.pool->num_threads() : 1;
}

// fn(begin, end) on ranges that cover [0, n); inner edges are multiples of `grain`. Up to `grain`
// units stay on the calling thread: waking the others would take longer.
template <class Fn>
void ForRanges(Stream stream, int64_t n, int64_t grain, Fn&& fn) {
  if (n <= 0) return;
  if (stream.pool == nullptr || n <= grain) {
    fn(int64_t{0}, n);
    return;
  }
  stream.pool->ForRanges(n, grain, [&](int64_t begin, int64_t end, int32_t) { fn(begin, end); });
}

// fn(item) for each item in [0, n), taken in ascending order.
template <class Fn>
void ForItems(Stream stream, int64_t n, Fn&& fn) {
  if (stream.pool == nullptr || n <= 1) {
    for (int64_t i = 0; i < n; ++i) fn(i);
    return;
  }
  stream.pool->ForItems(n, [&](int64_t item, int32_t) { fn(item); });
}

}  // namespace weir::cpu

#endif  // WEIR_KERNELS_CPU_PARALLEL_H_
