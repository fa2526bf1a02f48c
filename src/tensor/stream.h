// SPDX-License-Identifier: Apache-2.0
//
// Where a kernel runs. On the CPU a kernel call is synchronous and `pool` lends it workers; on a
// GPU `native` is the vendor's stream and the call only enqueues.
#ifndef WEIR_TENSOR_STREAM_H_
#define WEIR_TENSOR_STREAM_H_

namespace weir {

class ThreadPool;

struct Stream {
  ThreadPool* pool = nullptr;
  void* native = nullptr;
};

}  // namespace weir

#endif  // WEIR_TENSOR_STREAM_H_
