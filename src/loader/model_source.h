// SPDX-License-Identifier: Apache-2.0
//
// Everything that makes up a model, found by one word: a Hugging Face folder, or a synthetic model
// by name. Opening is quick: weights are mapped or made when they are asked for.
#ifndef WEIR_LOADER_MODEL_SOURCE_H_
#define WEIR_LOADER_MODEL_SOURCE_H_

#include <memory>
#include <string>

#include <weir/result.h>

#include "base/json.h"
#include "loader/hf_config.h"
#include "loader/weight_source.h"

namespace weir {

struct ModelSource {
  std::string name;   // the folder's own name, e.g. "weir-tiny", or "synth:qwen3-0.6b"
  std::string where;  // the folder as it was given, or the synthetic name, for messages
  HfConfig config;
  GenerationConfig generation;
  std::unique_ptr<WeightSource> weights;
  std::string tokenizer_json;  // the text of tokenizer.json, at most 64 MiB
  std::string chat_template;   // Jinja, at most 1 MiB; empty when the folder has none
  Json special_tokens;         // that chat templates know by role (tokenizer_config.h)
};

// `spec` is a folder, or "synth:PRESET" or "synth:PRESET,seed=N" (N in [0, 2^64), 0 when absent).
Result<ModelSource> OpenModel(const std::string& spec);

}  // namespace weir

#endif  // WEIR_LOADER_MODEL_SOURCE_H_
