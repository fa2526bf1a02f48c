// SPDX-License-Identifier: Apache-2.0
//
// Activations of one step: a fixed buffer that is handed out from the front and rewound at the end
// of the step, so that a steady-state step allocates nothing.
#ifndef WEIR_TENSOR_ARENA_H_
#define WEIR_TENSOR_ARENA_H_

#include <algorithm>
#include <cstdint>

#include "base/check.h"
#include "tensor/buffer.h"

namespace weir {

class Arena {
 public:
  // The arena never grows: `buffer` must hold the largest step (model/decoder.h computes it).
  explicit Arena(Buffer buffer) : buffer_(std::move(buffer)) {}

  // `count` elements, 64-byte aligned, uninitialised, valid until Rewind().
  template <class T>
  T* Take(int64_t count) {
    WEIR_CHECK_GE(count, 0);
    const int64_t bytes = (count * static_cast<int64_t>(sizeof(T)) + 63) / 64 * 64;
    WEIR_CHECK_LE(used_ + bytes, buffer_.num_bytes());
    std::byte* data = buffer_.data() + used_;
    used_ += bytes;
    peak_ = std::max(peak_, used_);
    return reinterpret_cast<T*>(data);
  }

  // Takes back everything that was taken after used_bytes() was `mark`.
  void Rewind(int64_t mark = 0) {
    WEIR_CHECK(mark >= 0 && mark <= used_);
    used_ = mark;
  }

  int64_t used_bytes() const { return used_; }
  int64_t peak_bytes() const { return peak_; }

 private:
  Buffer buffer_;
  int64_t used_ = 0;
  int64_t peak_ = 0;
};

}  // namespace weir

#endif  // WEIR_TENSOR_ARENA_H_
