// SPDX-License-Identifier: Apache-2.0
#include "loader/weight_source.h"

#include "base/error.h"
#include "loader/json_fields.h"

namespace weir {

Result<const TensorInfo*> RequireTensor(const WeightSource& source, std::string_view name) {
  const TensorInfo* info = source.Find(name);
  if (info != nullptr) return info;
  const std::string why = source.WhyUnusable(name);
  if (why.empty()) {
    return Err(Code::kInvalidModel, source.Where(name), ": tensor ", Quoted(name), " is missing");
  }
  return Err(Code::kUnsupported, source.Where(name), ": tensor ", Quoted(name), ": ", why);
}

}  // namespace weir
