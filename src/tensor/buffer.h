// SPDX-License-Identifier: Apache-2.0
//
// Owned, zeroed, page-aligned host memory. Large buffers ask for huge pages, which saves most TLB
// misses when weights are streamed.
#ifndef WEIR_TENSOR_BUFFER_H_
#define WEIR_TENSOR_BUFFER_H_

#include <cstddef>
#include <cstdint>

#include <weir/result.h>

namespace weir {

class Buffer {
 public:
  Buffer() = default;
  // Zeroed lazily: pages are touched by whoever writes them first.
  [[nodiscard]] static Result<Buffer> Allocate(int64_t num_bytes);
  Buffer(Buffer&& other) noexcept;
  Buffer& operator=(Buffer&& other) noexcept;
  ~Buffer();

  std::byte* data() const { return data_; }
  int64_t num_bytes() const { return num_bytes_; }

  template <class T>
  T* as() const {
    return reinterpret_cast<T*>(data_);
  }

 private:
  Buffer(std::byte* data, int64_t num_bytes) : data_(data), num_bytes_(num_bytes) {}

  std::byte* data_ = nullptr;
  int64_t num_bytes_ = 0;
};

// Physical memory that a process may still take, in bytes: what the system calls available, cut by
// the memory limit of the cgroup.
int64_t AvailableMemoryBytes();

}  // namespace weir

#endif  // WEIR_TENSOR_BUFFER_H_
