// SPDX-License-Identifier: Apache-2.0
//
// From what the user asked for and what the machine has to the numbers that an engine runs with.
#ifndef WEIR_ENGINE_ENGINE_OPTIONS_H_
#define WEIR_ENGINE_ENGINE_OPTIONS_H_

#include <cstdint>
#include <string>

#include <weir/options.h>
#include <weir/result.h>

#include "kv/kv_store.h"
#include "model/model_config.h"

namespace weir {

// Every range of EngineOptions.
Status ValidateOptions(const EngineOptions& options);

// Fails with the arithmetic when the packed weights and the activations of one step cannot fit into
// `available_bytes`.
Status CheckWeightsFit(const std::string& model, int64_t weight_bytes, int64_t activation_bytes,
                       int64_t available_bytes);

struct KvSizes {
  int32_t num_pages;
  int32_t max_model_len;  // tokens of prompt and output together
};

// How many pages, and how long a sequence may be. `free_bytes` is what remains once the weights and
// activations are in. Fails with the arithmetic when the wish of the options does not fit.
Result<KvSizes> ChooseKvSizes(const EngineOptions& options, const KvShape& shape,
                              int32_t model_max_position, int64_t free_bytes);

// "1.19 GB"
std::string HumanBytes(int64_t num_bytes);

}  // namespace weir

#endif  // WEIR_ENGINE_ENGINE_OPTIONS_H_
