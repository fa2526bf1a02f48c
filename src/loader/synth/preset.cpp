// SPDX-License-Identifier: Apache-2.0
#include "loader/synth/preset.h"

#include "base/error.h"
#include "base/json.h"
#include "loader/json_fields.h"

namespace weir {
namespace {

constexpr int32_t kQwenVocab = 151936;
constexpr int32_t kQwenPositions = 40960;

constexpr SynthPreset kPresets[] = {
    // name        hidden layers heads kv head_dim  inter vocab tied positions
    {"tiny", 128, 2, 4, 2, 64, 256, 1024, false, 4096},
    {"qwen3-0.6b", 1024, 28, 16, 8, 128, 3072, kQwenVocab, true, kQwenPositions},
    {"qwen3-1.7b", 2048, 28, 16, 8, 128, 6144, kQwenVocab, true, kQwenPositions},
    {"qwen3-4b", 2560, 36, 32, 8, 128, 9728, kQwenVocab, true, kQwenPositions},
    {"qwen3-8b", 4096, 36, 32, 8, 128, 12288, kQwenVocab, false, kQwenPositions},
    {"qwen3-14b", 5120, 40, 40, 8, 128, 17408, kQwenVocab, false, kQwenPositions},
    {"qwen3-32b", 5120, 64, 64, 8, 128, 25600, kQwenVocab, false, kQwenPositions},
};

}  // namespace

std::span<const SynthPreset> SynthPresets() { return kPresets; }

Result<const SynthPreset*> FindSynthPreset(std::string_view name) {
  std::string known;
  for (const SynthPreset& preset : kPresets) {
    if (name == preset.name) return &preset;
    known += (known.empty() ? "" : ", ") + std::string(preset.name);
  }
  return Err(Code::kNotFound, "synthetic model ", Quoted(name), " is not known, wanted one of ",
             known);
}

SynthTokens SynthTokensOf(const SynthPreset& preset) {
  return {.end_of_text = preset.vocab_size - 3,
          .im_start = preset.vocab_size - 2,
          .im_end = preset.vocab_size - 1};
}

std::vector<SynthTensor> SynthTensors(const SynthPreset& p) {
  std::vector<SynthTensor> tensors;
  const auto matrix = [&](std::string name, int64_t rows, int64_t columns) {
    tensors.push_back({std::move(name), {DType::kBF16, Shape{rows, columns}}, false});
  };
  const auto norm = [&](std::string name, int64_t size) {
    tensors.push_back({std::move(name), {DType::kBF16, Shape{size}}, true});
  };
  const int64_t q_size = int64_t{p.num_heads} * p.head_dim;
  const int64_t kv_size = int64_t{p.num_kv_heads} * p.head_dim;
  matrix("model.embed_tokens.weight", p.vocab_size, p.hidden_size);
  for (int32_t layer = 0; layer < p.num_layers; ++layer) {
    const std::string prefix = "model.layers." + std::to_string(layer) + ".";
    norm(prefix + "input_layernorm.weight", p.hidden_size);
    matrix(prefix + "self_attn.q_proj.weight", q_size, p.hidden_size);
    matrix(prefix + "self_attn.k_proj.weight", kv_size, p.hidden_size);
    matrix(prefix + "self_attn.v_proj.weight", kv_size, p.hidden_size);
    matrix(prefix + "self_attn.o_proj.weight", p.hidden_size, q_size);
    norm(prefix + "self_attn.q_norm.weight", p.head_dim);
    norm(prefix + "self_attn.k_norm.weight", p.head_dim);
    norm(prefix + "post_attention_layernorm.weight", p.hidden_size);
    matrix(prefix + "mlp.gate_proj.weight", p.intermediate_size, p.hidden_size);
    matrix(prefix + "mlp.up_proj.weight", p.intermediate_size, p.hidden_size);
    matrix(prefix + "mlp.down_proj.weight", p.hidden_size, p.intermediate_size);
  }
  norm("model.norm.weight", p.hidden_size);
  if (!p.tied) matrix("lm_head.weight", p.vocab_size, p.hidden_size);
  return tensors;
}

std::string SynthConfigJson(const SynthPreset& p) {
  const SynthTokens tokens = SynthTokensOf(p);
  const Json config = {{"architectures", {"Qwen3ForCausalLM"}},
                       {"attention_bias", false},
                       {"attention_dropout", 0.0},
                       {"bos_token_id", tokens.end_of_text},
                       {"eos_token_id", tokens.im_end},
                       {"head_dim", p.head_dim},
                       {"hidden_act", "silu"},
                       {"hidden_size", p.hidden_size},
                       {"initializer_range", 0.02},
                       {"intermediate_size", p.intermediate_size},
                       {"max_position_embeddings", p.max_position},
                       {"max_window_layers", p.num_layers},
                       {"model_type", "qwen3"},
                       {"num_attention_heads", p.num_heads},
                       {"num_hidden_layers", p.num_layers},
                       {"num_key_value_heads", p.num_kv_heads},
                       {"rms_norm_eps", 1e-6},
                       {"rope_scaling", nullptr},
                       {"rope_theta", 1000000},
                       {"sliding_window", nullptr},
                       {"tie_word_embeddings", p.tied},
                       {"torch_dtype", "bfloat16"},
                       {"use_cache", true},
                       {"use_sliding_window", false},
                       {"vocab_size", p.vocab_size}};
  return config.dump(2) + "\n";
}

std::string SynthGenerationConfigJson(const SynthPreset& preset) {
  const SynthTokens tokens = SynthTokensOf(preset);
  const Json config = {{"bos_token_id", tokens.end_of_text},
                       {"do_sample", true},
                       {"eos_token_id", {tokens.im_end, tokens.end_of_text}},
                       {"pad_token_id", tokens.end_of_text},
                       {"temperature", 0.6},
                       {"top_k", 20},
                       {"top_p", 0.95}};
  return config.dump(2) + "\n";
}

}  // namespace weir
