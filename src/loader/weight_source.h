// SPDX-License-Identifier: Apache-2.0
//
// Where weights come from: safetensors files, or a generator. The model asks for row ranges of
// named tensors and packs them, so that no whole tensor needs a second copy in memory.
#ifndef WEIR_LOADER_WEIGHT_SOURCE_H_
#define WEIR_LOADER_WEIGHT_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "tensor/tensor.h"

namespace weir {

struct TensorInfo {
  DType dtype;
  Shape shape;
};

// Const after opening; every method may be called from several threads at once.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  // Null when there is no tensor of that name, or none that Weir can read.
  virtual const TensorInfo* Find(std::string_view name) const = 0;

  // Why a tensor that is listed cannot be read, e.g. its dtype; empty for all others.
  virtual std::string WhyUnusable(std::string_view) const { return {}; }

  // Every tensor's name, unusable ones included, in the source's own order.
  virtual std::vector<std::string> Names() const = 0;

  // For messages: the file that holds the tensor, or the generator's name.
  virtual std::string Where(std::string_view name) const = 0;

  // Rows [begin, end) of the first dimension as dense little-endian bytes: a view into a mapped
  // file, or made in `scratch`, which must outlive the use. The name must exist and the range lie
  // inside. A view promises no alignment beyond that of one byte.
  virtual std::span<const std::byte> Rows(std::string_view name, int64_t begin, int64_t end,
                                          std::vector<std::byte>& scratch) const = 0;

  // What tells these weights from all others, one line per file, without reading them; empty when
  // they come from no file, or from one that has changed since it was opened.
  virtual std::string Identity() const { return {}; }

  // The tensor's bytes will not be needed again soon.
  virtual void Forget(std::string_view) const {}
};

// Find() with the error that a missing or unusable tensor deserves. Never null.
Result<const TensorInfo*> RequireTensor(const WeightSource& source, std::string_view name);

}  // namespace weir

#endif  // WEIR_LOADER_WEIGHT_SOURCE_H_
