// SPDX-License-Identifier: Apache-2.0
//
// A view of a dense row-major array: it owns nothing and is cheap to copy.
#ifndef WEIR_TENSOR_TENSOR_H_
#define WEIR_TENSOR_TENSOR_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>

#include "base/check.h"
#include "tensor/dtype.h"

namespace weir {

inline constexpr int kMaxRank = 4;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> dims) : rank_(static_cast<int>(dims.size())) {
    WEIR_CHECK_LE(rank_, kMaxRank);
    int i = 0;
    for (const int64_t dim : dims) dims_[i++] = dim;
  }

  int rank() const { return rank_; }
  int64_t operator[](int i) const { return dims_[i]; }
  int64_t num_elements() const {
    int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= dims_[i];
    return n;
  }
  friend bool operator==(const Shape&, const Shape&) = default;

 private:
  std::array<int64_t, kMaxRank> dims_ = {};  // beyond rank: zero, so that equality is by value
  int rank_ = 0;
};

std::string ToString(const Shape& shape);  // "[2, 3]"

struct Tensor {
  void* data = nullptr;
  DType dtype = DType::kF32;
  Shape shape;

  template <class T>
  T* as() const {
    WEIR_DCHECK(DTypeBytes(dtype) == static_cast<int64_t>(sizeof(T)));
    return static_cast<T*>(data);
  }
};

}  // namespace weir

#endif  // WEIR_TENSOR_TENSOR_H_
