// SPDX-License-Identifier: Apache-2.0
//
// config.json and generation_config.json of a Hugging Face folder, read strictly: a field of the
// wrong type or an impossible value is an error that names the file and the field. What the fields
// mean for a forward pass is decided in model/.
#ifndef WEIR_LOADER_HF_CONFIG_H_
#define WEIR_LOADER_HF_CONFIG_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <weir/result.h>

#include "base/json.h"

namespace weir {

// The `rope_scaling` object (newer folders: `rope_parameters`). Fields that a kind does not have
// keep their defaults.
struct RopeScaling {
  enum class Kind { kNone, kLinear, kDynamic, kLlama3, kYarn };
  Kind kind = Kind::kNone;
  double factor = 1.0;
  double low_freq_factor = 1.0;            // llama3
  double high_freq_factor = 4.0;           // llama3
  int32_t original_max_position = 0;       // llama3; yarn: max_position_embeddings when absent
  double beta_fast = 32.0;                 // yarn
  double beta_slow = 1.0;                  // yarn
  std::optional<double> attention_factor;  // yarn
  std::optional<double> mscale;            // yarn
  std::optional<double> mscale_all_dim;    // yarn
};

struct HfConfig {
  std::string path;          // of config.json, for messages
  std::string architecture;  // architectures[0], e.g. "Qwen3ForCausalLM"
  std::string model_type;    // "qwen3"
  int32_t vocab_size;
  int32_t hidden_size;
  int32_t intermediate_size;
  int32_t num_hidden_layers;
  int32_t num_attention_heads;
  int32_t num_key_value_heads;  // num_attention_heads when absent
  int32_t head_dim;             // hidden_size / num_attention_heads when absent
  int32_t max_position_embeddings;
  double rms_norm_eps;
  double rope_theta;  // 10000 when absent
  RopeScaling rope_scaling;
  double partial_rotary_factor;  // 1 when absent
  std::string hidden_act;
  bool tie_word_embeddings;            // false when absent
  std::optional<bool> attention_bias;  // absent: the architecture decides
  std::optional<bool> mlp_bias;
  bool use_sliding_window;  // as written, or true when layer_types names a sliding layer
  std::optional<int32_t> sliding_window;
  std::string torch_dtype;             // or `dtype`; informative
  std::vector<int32_t> eos_token_ids;  // of config.json
  std::optional<int32_t> bos_token_id;
};

Result<HfConfig> ParseHfConfig(const Json& json, const std::string& path);
Result<HfConfig> LoadHfConfig(const std::string& folder);

// What generation_config.json recommends; absent fields are absent here.
struct GenerationConfig {
  std::vector<int32_t> eos_token_ids;
  std::optional<bool> do_sample;
  std::optional<double> temperature;
  std::optional<int32_t> top_k;
  std::optional<double> top_p;
  std::optional<double> min_p;
  std::optional<double> repetition_penalty;
};

Result<GenerationConfig> ParseGenerationConfig(const Json& json, const std::string& path);
// An absent file gives an empty config.
Result<GenerationConfig> LoadGenerationConfig(const std::string& folder);

}  // namespace weir

#endif  // WEIR_LOADER_HF_CONFIG_H_
