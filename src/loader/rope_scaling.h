// SPDX-License-Identifier: Apache-2.0
//
// Reads the object that config.json calls `rope_scaling`, or `rope_parameters` in newer folders.
#ifndef WEIR_LOADER_ROPE_SCALING_H_
#define WEIR_LOADER_ROPE_SCALING_H_

#include <cstdint>

#include <weir/result.h>

#include "loader/hf_config.h"
#include "loader/json_fields.h"

namespace weir {

// yarn without original_max_position_embeddings means `max_position`.
Result<RopeScaling> ReadRopeScaling(const JsonFields& fields, int32_t max_position);

}  // namespace weir

#endif  // WEIR_LOADER_ROPE_SCALING_H_
