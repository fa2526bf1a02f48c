// SPDX-License-Identifier: Apache-2.0
#include "tensor/tensor.h"

namespace weir {

std::string ToString(const Shape& shape) {
  std::string text = "[";
  for (int i = 0; i < shape.rank(); ++i) {
    if (i > 0) text += ", ";
    text += std::to_string(shape[i]);
  }
  return text + "]";
}

}  // namespace weir
