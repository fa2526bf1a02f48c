// SPDX-License-Identifier: Apache-2.0
//
// Shapes of the synthetic models: those of the public Qwen3 models, and a tiny one for tests. A
// synthetic model measures speed and exercises every path; what it says means nothing.
#ifndef WEIR_LOADER_SYNTH_PRESET_H_
#define WEIR_LOADER_SYNTH_PRESET_H_

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <weir/result.h>

#include "loader/weight_source.h"

namespace weir {

struct SynthPreset {
  const char* name;
  int32_t hidden_size;
  int32_t num_layers;
  int32_t num_heads;
  int32_t num_kv_heads;
  int32_t head_dim;
  int32_t intermediate_size;
  int32_t vocab_size;
  bool tied;  // no lm_head: the embedding serves for both
  int32_t max_position;
};

std::span<const SynthPreset> SynthPresets();
// An unknown name is an error that lists the known ones.
Result<const SynthPreset*> FindSynthPreset(std::string_view name);

// Special tokens take the last ids of the vocabulary.
struct SynthTokens {
  int32_t end_of_text;  // <|endoftext|>, also the padding
  int32_t im_start;     // <|im_start|>
  int32_t im_end;       // <|im_end|>
};
SynthTokens SynthTokensOf(const SynthPreset& preset);

struct SynthTensor {
  std::string name;  // as in Hugging Face Qwen3 folders
  TensorInfo info;   // always BF16
  bool is_norm;      // all ones instead of random values
};
std::vector<SynthTensor> SynthTensors(const SynthPreset& preset);

// The texts of config.json and generation_config.json.
std::string SynthConfigJson(const SynthPreset& preset);
std::string SynthGenerationConfigJson(const SynthPreset& preset);

}  // namespace weir

#endif  // WEIR_LOADER_SYNTH_PRESET_H_
