// SPDX-License-Identifier: Apache-2.0
//
// tensor/ceilings.h for benchmarks, which stop where there is no memory or no thread for them.
#ifndef WEIR_BENCH_CEILINGS_H_
#define WEIR_BENCH_CEILINGS_H_

#include "base/thread_pool.h"
#include "tensor/ceilings.h"

namespace weir::bench {

// A pool with one thread and a pool with all, which is bound to the CPUs, the calling thread too.
class BenchThreads {
 public:
  BenchThreads();
  ThreadPool& one() { return one_; }
  ThreadPool& all() { return all_; }

 private:
  ThreadPool one_;
  ThreadPool all_;
  CallerPin pin_;
};

class CeilingProbe : public weir::CeilingProbe {
 public:
  CeilingProbe();
};

}  // namespace weir::bench

#endif  // WEIR_BENCH_CEILINGS_H_
