// SPDX-License-Identifier: Apache-2.0
//
// The weights of a Hugging Face folder: `model.safetensors`, or the shards that
// `model.safetensors.index.json` names. Files are mapped, not read: opening touches the headers
// only.
#ifndef WEIR_LOADER_SAFETENSORS_H_
#define WEIR_LOADER_SAFETENSORS_H_

#include <memory>
#include <string>

#include <weir/result.h>

#include "loader/weight_source.h"

namespace weir {

// One file, by its path.
Result<std::unique_ptr<WeightSource>> OpenSafetensorsFile(const std::string& path);

// A folder. Where both forms are there the single file is taken, as Hugging Face does. With an
// index, the index and the shards must agree exactly on which tensor is where.
Result<std::unique_ptr<WeightSource>> OpenSafetensorsFolder(const std::string& folder);

}  // namespace weir

#endif  // WEIR_LOADER_SAFETENSORS_H_
