// SPDX-License-Identifier: Apache-2.0
//
// The fields that say how tokens are chosen and when to stop.
#ifndef WEIR_SERVER_API_SAMPLING_FIELDS_H_
#define WEIR_SERVER_API_SAMPLING_FIELDS_H_

#include <weir/engine.h>

#include "server/api/field_reader.h"

namespace weir {

// What the request leaves open is as in EngineInfo::default_sampling. max_tokens and num_logprobs
// are left to the caller.
SamplingParams ReadSampling(FieldReader& fields, const EngineInfo& engine);

}  // namespace weir

#endif  // WEIR_SERVER_API_SAMPLING_FIELDS_H_
