// SPDX-License-Identifier: Apache-2.0
//
// Everything the forward pass needs to know of a model, as choices and sizes. What a Hugging Face
// architecture name means is one row of the table in archs.cpp.
#ifndef WEIR_MODEL_MODEL_CONFIG_H_
#define WEIR_MODEL_MODEL_CONFIG_H_

#include <cstdint>
#include <string>

#include <weir/result.h>

#include "loader/hf_config.h"

namespace weir {

struct ModelConfig {
  std::string architecture;
  int32_t vocab_size;
  int32_t hidden_size;
  int32_t intermediate_size;
  int32_t num_layers;
  int32_t num_q_heads;
  int32_t num_kv_heads;
  int32_t head_dim;
  int32_t max_position;  // positions that the model was made for
  float rms_norm_eps;
  double rope_theta;
  int32_t rope_dim;  // leading dimensions of a head that are rotated
  RopeScaling rope_scaling;
  bool qk_norm;  // RMS norm per head of q and k, before the rotation
  bool qkv_bias;
  bool o_bias;
  bool mlp_bias;
  bool tied_head;  // the embedding table is also the last product

  int32_t qkv_size() const { return (num_q_heads + 2 * num_kv_heads) * head_dim; }
  int32_t attn_size() const { return num_q_heads * head_dim; }
};

// Fails, naming the file and the field, for an architecture or a feature that Weir does not have.
Result<ModelConfig> MakeModelConfig(const HfConfig& hf);

}  // namespace weir

#endif  // WEIR_MODEL_MODEL_CONFIG_H_
