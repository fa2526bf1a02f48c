// SPDX-License-Identifier: Apache-2.0
#include "kernels/count_allocations.h"

#include <atomic>
#include <cstdlib>
#include <new>

namespace weir {
namespace {

std::atomic<int64_t> num_allocations{0};

void* Allocate(size_t size, size_t align) {
  num_allocations.fetch_add(1, std::memory_order_relaxed);
  // aligned_alloc wants a size that is a multiple of the alignment.
  void* memory = std::aligned_alloc(align, (size + align) / align * align);
  if (memory == nullptr) std::abort();
  return memory;
}

}  // namespace

int64_t NumAllocations() { return num_allocations.load(std::memory_order_relaxed); }

}  // namespace weir

// The array and nothrow forms of the library end in these.
void* operator new(size_t size) { return weir::Allocate(size, __STDCPP_DEFAULT_NEW_ALIGNMENT__); }
void* operator new(size_t size, std::align_val_t align) {
  return weir::Allocate(size, static_cast<size_t>(align));
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }
void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
void operator delete(void* memory, size_t, std::align_val_t) noexcept { std::free(memory); }
