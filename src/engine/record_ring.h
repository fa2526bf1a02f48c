// SPDX-License-Identifier: Apache-2.0
//
// The last records of a stream, in memory of a fixed size. One thread appends and never waits; any
// thread copies records out, and gets whole ones only: what is overwritten while it reads is left
// out. No locks: records are stored as atomic words.
#ifndef WEIR_ENGINE_RECORD_RING_H_
#define WEIR_ENGINE_RECORD_RING_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/check.h"

namespace weir {

template <class T>
class RecordRing {
  static_assert(std::is_trivially_copyable_v<T>);

 public:
  explicit RecordRing(int64_t capacity)
      : capacity_(capacity), words_(new std::atomic<uint64_t>[capacity * kWords]()) {
    WEIR_CHECK_GT(capacity, 0);
  }

  // One thread only. Acquire and release order each word against the two counters: a reader that
  // sees a word of record n sees reserved_ > n as well.
  void Append(const T& record) {
    const int64_t index = end_.load(std::memory_order_relaxed);
    reserved_.store(index + 1, std::memory_order_relaxed);
    uint64_t copy[kWords] = {};
    std::memcpy(copy, &record, sizeof(T));
    std::atomic<uint64_t>* slot = SlotOf(index);
    for (int64_t i = 0; i < kWords; ++i) slot[i].store(copy[i], std::memory_order_release);
    end_.store(index + 1, std::memory_order_release);
  }

  // Any thread. How many were ever appended.
  int64_t end() const { return end_.load(std::memory_order_acquire); }
  int64_t capacity() const { return capacity_; }
  int64_t begin() const { return std::max<int64_t>(0, end() - capacity_); }

  // Any thread. Appends to `out` the records [first, last) that are still held, in order.
  void Read(int64_t first, int64_t last, std::vector<T>& out) const {
    last = std::min(last, end());
    for (int64_t index = std::max(first, begin()); index < last; ++index) {
      T record;
      if (TryRead(index, record)) out.push_back(record);
    }
  }

  // Any thread. False where the record is not there yet or not any more.
  [[nodiscard]] bool TryRead(int64_t index, T& record) const {
    if (index < 0 || index >= end()) return false;
    const std::atomic<uint64_t>* slot = SlotOf(index);
    uint64_t copy[kWords];
    for (int64_t i = 0; i < kWords; ++i) copy[i] = slot[i].load(std::memory_order_acquire);
    if (reserved_.load(std::memory_order_relaxed) > index + capacity_) return false;
    std::memcpy(static_cast<void*>(&record), copy, sizeof(T));
    return true;
  }

 private:
  static constexpr int64_t kWords = (sizeof(T) + 7) / 8;

  std::atomic<uint64_t>* SlotOf(int64_t index) const {
    return words_.get() + index % capacity_ * kWords;
  }

  int64_t capacity_;
  std::unique_ptr<std::atomic<uint64_t>[]> words_;
  std::atomic<int64_t> reserved_{0};  // records that were begun
  std::atomic<int64_t> end_{0};       // records that are whole
};

}  // namespace weir

#endif  // WEIR_ENGINE_RECORD_RING_H_
