// SPDX-License-Identifier: Apache-2.0
#include "model/weight_slots.h"

#include <initializer_list>

namespace weir {
namespace {

struct Part {
  std::string name;
  int32_t rows;
};

// Hands out the buffer from the front and notes which tensor fills what.
class Carver {
 public:
  explicit Carver(const std::byte* base) : base_(base) {}

  PackedMatrix Matrix(std::initializer_list<Part> parts, int32_t cols) {
    const int64_t at = slots_.num_bytes;
    int32_t rows = 0;
    for (const Part& part : parts) {
      slots_.matrices.push_back({part.name, part.rows, cols, at, rows});
      rows += part.rows;
    }
    return {reinterpret_cast<const Bf16*>(Take(PackedBytes(rows, cols))), rows, cols};
  }

  const float* Vector(std::initializer_list<Part> parts) {
    const int64_t at = slots_.num_bytes;
    int32_t size = 0;
    for (const Part& part : parts) {
      slots_.vectors.push_back({part.name, part.rows, at + 4 * size});
      size += part.rows;
    }
    return reinterpret_cast<const float*>(Take(4 * int64_t{size}));
  }

  WeightSlots Finish() { return std::move(slots_); }

 private:
  // Everything starts on a page: streams of the kernels then start on one, too.
  const std::byte* Take(int64_t num_bytes) {
    constexpr int64_t kAlign = 4096;
    const std::byte* place = base_ == nullptr ? nullptr : base_ + slots_.num_bytes;
    slots_.num_bytes += (num_bytes + kAlign - 1) / kAlign * kAlign;
    return place;
  }

  const std::byte* base_;
  WeightSlots slots_{{}, {}, 0};
};

LayerWeights LayOutLayer(const ModelConfig& c, int32_t index, Carver& carver) {
  const std::string layer = "model.layers." + std::to_string(index) + ".";
  const std::string attn = layer + "self_attn.";
  const std::string mlp = layer + "mlp.";
  const int32_t q = c.num_q_heads * c.head_dim;
  const int32_t kv = c.num_kv_heads * c.head_dim;
  const int32_t inter = c.intermediate_size;
  LayerWeights w = {};
  w.attn_norm = carver.Vector({{layer + "input_layernorm.weight", c.hidden_size}});
  w.qkv = carver.Matrix(
      {{attn + "q_proj.weight", q}, {attn + "k_proj.weight", kv}, {attn + "v_proj.weight", kv}},
      c.hidden_size);
  if (c.qkv_bias) {
    w.qkv_bias = carver.Vector(
        {{attn + "q_proj.bias", q}, {attn + "k_proj.bias", kv}, {attn + "v_proj.bias", kv}});
  }
  if (c.qk_norm) {
    w.q_norm = carver.Vector({{attn + "q_norm.weight", c.head_dim}});
    w.k_norm = carver.Vector({{attn + "k_norm.weight", c.head_dim}});
  }
  w.o = carver.Matrix({{attn + "o_proj.weight", c.hidden_size}}, q);
  if (c.o_bias) w.o_bias = carver.Vector({{attn + "o_proj.bias", c.hidden_size}});
  w.mlp_norm = carver.Vector({{layer + "post_attention_layernorm.weight", c.hidden_size}});
  w.gate_up = carver.Matrix({{mlp + "gate_proj.weight", inter}, {mlp + "up_proj.weight", inter}},
                            c.hidden_size);
  w.down = carver.Matrix({{mlp + "down_proj.weight", c.hidden_size}}, inter);
  if (c.mlp_bias) {
    w.gate_up_bias =
        carver.Vector({{mlp + "gate_proj.bias", inter}, {mlp + "up_proj.bias", inter}});
    w.down_bias = carver.Vector({{mlp + "down_proj.bias", c.hidden_size}});
  }
  return w;
}

}  // namespace

WeightSlots LayOutWeights(const ModelConfig& config, const std::byte* base, Weights& weights) {
  Carver carver(base);
  weights.embed =
      carver.Matrix({{"model.embed_tokens.weight", config.vocab_size}}, config.hidden_size);
  weights.layers.clear();
  for (int32_t i = 0; i < config.num_layers; ++i) {
    weights.layers.push_back(LayOutLayer(config, i, carver));
  }
  weights.final_norm = carver.Vector({{"model.norm.weight", config.hidden_size}});
  weights.lm_head =
      config.tied_head ? weights.embed
                       : carver.Matrix({{"lm_head.weight", config.vocab_size}}, config.hidden_size);
  return carver.Finish();
}

}  // namespace weir
